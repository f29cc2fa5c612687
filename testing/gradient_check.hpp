#pragma once
// Checks the gradients of any function of tensors against finite differences.
//
//   const auto report = testing::check_gradients(my_loss, {randn({4, 3}), randn({4})});
//   if (!report.ok()) std::cerr << to_string(report);
//
// The derivative of order k is checked as the gradient of h_k, where h_1 = f and
//     h_{k+1}(x) = sum over inputs of <v_k, d<u_k, h_k>/dx>
// with fixed random u and v: so order 2 proves the gradient rules of the gradient rules. Slopes are central differences
// over a sweep of steps with Richardson extrapolation; of all the estimates the one that agrees best with its
// neighbours counts. For GoogleTest, see testing/gradients.hpp.

#include <cstdint>
#include <span>
#include <string>
#include <tapegrad/core/dtype.hpp>
#include <tapegrad/ops/tensor_function.hpp>
#include <vector>

namespace tapegrad::testing {

/// What to do where slopes from the left and from the right differ, or one of them does not exist.
enum class Kinks {
  list,    ///< show them in the report; they are no failure
  ignore,  ///< leave them out
  fail
};

/// Of check_gradients().
struct GradientOptions {
  std::string name = "f";  ///< what the report calls the function
  int order = 1;           ///< 1 to 4: this order and those below are checked
  DType dtype = f64;       ///< that floating inputs are cast to; f32 is possible, weak, and warned about
  double absolute = 0;     ///< tolerance |analytic - numeric| <= absolute + relative * max(|analytic|, |numeric|);
  double relative = 0;     ///< zero means 1e-6 in f64 and 1e-2 in f32
  Kinks kinks = Kinks::list;
  bool forward = true;           ///< compare forward mode (jvp) too
  std::uint64_t seed = 1;        ///< of the cotangents, tangents and chosen elements: the same report every time
  std::int64_t full = 128;       ///< inputs of up to this many elements are checked in each; of larger ones as many at
                                 ///< random, and three random directions through all
  std::int64_t jacobian = 4096;  ///< up to this many entries each is compared; else random cotangents weight the value
};

/// A derivative, twice.
struct GradientComparison {
  int order = 1;
  std::string input;    ///< "0", or "0 'weight'" for a named tensor
  std::string element;  ///< "[1, 2]", or "direction 0"
  std::string output;   ///< the value's element "[0]"; "weighted" by a random cotangent; "recorded" for the gradient
                        ///< under create_graph against the plain one; "jvp" for forward mode; "nested" above order 1
  double analytic = 0;
  double numeric = 0;
  double error = 0;  ///< |analytic - numeric| in units of the tolerance: above 1 is wrong
  double absolute() const;
  double relative() const;
};

/// A place without a derivative.
struct GradientKink {
  int order = 1;
  std::string input, element, output;
  double analytic = 0;
  double left = 0, right = 0;  ///< slopes; NaN where the function is not defined on that side
};

/// What check_gradients() found.
struct GradientReport {
  std::string name;
  int order = 1;
  DType dtype = f64;
  double absolute_tolerance = 0, relative_tolerance = 0;
  std::size_t compared = 0;
  std::vector<GradientComparison> mismatches = {};  ///< worst first
  GradientComparison worst = {};                    ///< of all compared
  std::vector<GradientKink> kinks = {};
  bool kinks_fail = false;
  std::vector<std::string> problems =
      {};  ///< failures of other kinds: an exception, NaN, noise, a gradient that is missing
  std::vector<std::string> warnings = {};
  std::vector<std::string> diagnoses = {};  ///< what the mismatches look like: a factor, a sign, a transpose, a sum

  bool ok() const { return mismatches.empty() && problems.empty() && (!kinks_fail || kinks.empty()); }
};

/// Several lines, in aligned columns.
std::string to_string(const GradientReport& report);

/// Runs f many times on copies of `inputs`. Floating inputs are cast to options.dtype and each is checked; others are
/// passed on. What f or its gradient throws is a problem in the report. ValueError for impossible options.
GradientReport check_gradients(const TensorFunction& f, const std::vector<Tensor>& inputs,
                               const GradientOptions& options = {});

}  // namespace tapegrad::testing

namespace tapegrad {
struct OpEntry;
class Tensor;
}  // namespace tapegrad

namespace tapegrad::testing {

/// What the checks of an operation found.
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
