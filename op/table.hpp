#pragma once
// The two kinds of operations, pointwise and structural, as the engine sees them: tables of functions that the
// templates of pointwise.hpp and structural.hpp fill in from one declaration.

#include <span>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/operand.hpp>

namespace tapegrad {

using ValueKernel = void (*)(const void* const* inputs, void* output, std::int64_t n, const void* attributes);
using VjpKernel = void (*)(const void* g, const void* const* inputs, const void* output, void* gradient, std::int64_t n,
                           const void* attributes);

/// What the engine calls of a pointwise operation.
struct PointwiseTable {
  void (*check)(const void* attributes) = nullptr;  ///< refuses bad attributes; null where any will do
  ValueKernel value[kDTypeCount] = {};              ///< by the dtype computed in; null where the op does not take it
  VjpKernel vjp[kMaxInputs][2] = {};                ///< by input, then f32 and f64; null without a gradient
  Tensor (*recorded_vjp)(const Node& node, int input, const Tensor& g) = nullptr;  ///< the rule read on tensors
  /// The formulas read on long double, the reference that gradient checks compare with.
  long double (*value_reference)(const long double* inputs, const void* attributes) = nullptr;
  long double (*vjp_reference)(int input, long double g, const long double* inputs, long double output,
                               const void* attributes) = nullptr;
};

/// Runs a pointwise op on operands that broadcast to one shape, and records it. Takes over `attributes`.
Tensor call_pointwise(const OpRecord& op, std::span<const Operand> operands, void* attributes = nullptr);

/// A pointwise op's OpRecord::pull.
void pointwise_pull(const Node& node, std::span<const Tensor> g, std::span<const bool> wanted, std::span<Tensor> out);

/// One call of a structural op, which its node owns: the op's type adds attributes and what its gradient reads.
struct CallState {
  std::vector<HeldValue> held;  ///< kept values that are neither inputs nor the one result
};

/// Finds out where the values that a call keeps will be found again.
class Keeper {
 public:
  /// `given` are the inputs as the node has them, `read` as forward() has read them. `saved` tells of each whether the
  /// node is to keep it.
  Keeper(const OpRecord& op, std::span<const Tensor> given, std::span<const Tensor> read,
         std::span<const Tensor> results, std::span<bool> saved, CallState& call)
      : op_(op), given_(given), read_(read), results_(results), saved_(saved), call_(call) {}

  /// Takes over a kept value and returns its place. GraphError for a floating value that is neither input nor result:
  /// gradients of gradients would pass it as a constant. `first_order` says that they do not read it.
  int place(Tensor& kept, bool first_order);
  bool saves_result() const { return saves_result_; }

 private:
  const OpRecord& op_;
  std::span<const Tensor> given_, read_, results_;
  std::span<bool> saved_;
  CallState& call_;
  bool saves_result_ = false;
};

/// The value at a place, for the gradient of `node`; recorded as a result of the call where gradients are recorded.
Tensor kept_value(int place, const Node& node, const CallState& call);

/// What the engine calls of a structural operation.
struct StructuralTable {
  /// Checks and computes: fills `results`, and what the call keeps.
  void (*run)(CallState& call, std::span<const Tensor> inputs, std::span<Tensor> results) = nullptr;
  void (*keep)(CallState& call, Keeper& keeper) = nullptr;  ///< null where the gradient reads nothing
  void (*forget)(CallState& call) = nullptr;                ///< instead, where no gradient will be asked for
  bool takes_strides = false;  ///< forward reads strided inputs; others are given dense ones
  bool linear = false;         ///< maps tangents as it maps values
  /// Runs it again, recorded, with a copy of a node's attributes.
  std::vector<Tensor> (*call)(const Node& node, std::span<const Tensor> inputs) = nullptr;
};

/// Runs a structural op and records it: fills `results`, one for each that it has. Takes over `call`.
void call_structural(const OpRecord& op, std::span<const Tensor> inputs, CallState* call, std::span<Tensor> results);

/// Whether tangents pass an op as they are, in forward mode; see OpInfo::forward.
bool has_forward_rule(const OpRecord& op);

/// `contribution` with zeros where it is not finite although its cotangent is zero.
Tensor guard_unused(const Tensor& contribution, const Tensor& cotangent);

namespace detail {

template <class O>
struct RecordOf;  // specialised in pointwise.hpp and structural.hpp

}  // namespace detail

/// The engine's record of op O: one address a type.
template <class O>
inline constexpr const OpRecord& record_of = detail::RecordOf<O>::value;

/// Frees attributes unless the record took them over.
struct AttributeOwner {
  const OpRecord& op;
  void* held;
  ~AttributeOwner() {
    if (held) op.destroy_attributes(held);
  }
};

/// Refuses a call with the wrong number of inputs, naming them.
void check_input_count(const OpRecord& op, std::size_t count);

}  // namespace tapegrad
