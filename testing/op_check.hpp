#pragma once
// Checks one registered operation on its own samples, in every form that users can bring it into.

#include <cstdint>
#include <span>
#include <string>
#include <tapegrad/core/dtype.hpp>
#include <vector>

namespace tapegrad {
struct OpEntry;
class Tensor;
}  // namespace tapegrad

namespace tapegrad::testing {

struct OpCheckResult {
  std::string op;
  bool differentiable = false;
  int samples = 0;
  int zero_size = 0;          ///< samples with an input or a result without elements
  int scalars = 0;            ///< samples with an input of rank 0
  int strided = 0;            ///< samples run again on strided inputs, and with strided and broadcast cotangents
  int shared = 0;             ///< samples run again with one tensor as two inputs
  int orders = 0;             ///< derivatives proven: 0 when none, or not differentiable
  bool forward = false;       ///< jvp agrees,
  bool forward_rule = false;  ///< by a rule of the op's own, not by its gradient differentiated again
  std::size_t compared = 0;   ///< derivatives compared
  std::size_t skipped = 0;    ///< places without one, left out
  int kinks = 0;              ///< decisions of op_kinks() that hold
  double worst = 0;           ///< largest error, in units of the tolerance
  std::string worst_where;    ///< "sample 2 (axes=[0]): order 1, input 0, element [1, 2]"
  std::vector<std::string> failures;

  bool ok() const { return failures.empty(); }
};

/// In f64 against finite differences, orders 1 to `order` (1 to 4). In f32 values and first derivatives against those
/// in f64. Beyond the samples as they are: strided inputs give the results of dense ones, so do strided and broadcast
/// cotangents, one tensor may be two inputs, inputs without elements have gradients of their shape, and ties, zeros and
/// infinities give what op_kinks() says. Each of several results is checked alone, then all together.
OpCheckResult check_op(const OpEntry& op, int order = 2, DType dtype = f64, std::uint64_t seed = 1);

/// The results of an op as one tensor: the one that it has, else the elements of those that float, in a row.
Tensor in_one(std::span<const Tensor> results);

}  // namespace tapegrad::testing
