#pragma once
// The two families of operations, pointwise and structural, as the engine sees them: tables of functions that the
// templates of pointwise.hpp and structural.hpp fill in from one declaration.

#include <span>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/operand.hpp>

namespace tapegrad {

using ValueKernel = void (*)(const void* const* inputs, void* output, std::int64_t n, const void* attributes);
using VjpKernel = void (*)(const void* g, const void* const* inputs, const void* output, void* gradient, std::int64_t n,
                           const void* attributes);

struct PointwiseFamily {
  ValueKernel value[kDTypeCount] = {};              ///< by the dtype computed in; null where the op does not take it
  VjpKernel vjp[kMaxInputs][2] = {};                ///< by input, then f32 and f64; null without a gradient
  void (*check)(const void* attributes) = nullptr;  ///< ValueError for those that cannot be right; null where all can
  Tensor (*recorded_vjp)(const Node& node, int input, const Tensor& g) = nullptr;  ///< the rule read on tensors
  /// The formulas read on long double, the reference that gradient checks compare with.
  long double (*value_reference)(const long double* inputs, const void* attributes) = nullptr;
  long double (*vjp_reference)(int input, long double g, const long double* inputs, long double output,
                               const void* attributes) = nullptr;
};

/// Runs a pointwise op on operands that broadcast to one shape, and records it. Takes over `attributes`.
Tensor call_pointwise(const OpRecord& op, std::span<const Operand> operands, void* attributes = nullptr);

/// A pointwise op's OpRecord::vjp.
Tensor pointwise_vjp(const Node& node, int input, const Tensor& g);

struct StructuralFamily {
  Tensor (*run)(const void* attributes, std::span<const Tensor> inputs) = nullptr;
  bool takes_strides = false;  ///< forward reads strided inputs; others are given dense ones
  bool linear = false;         ///< maps tangents as it maps values
  /// Runs it, recorded, with a copy of the attributes.
  Tensor (*call)(const void* attributes, std::span<const Tensor> inputs) = nullptr;
};

/// Runs a structural op and records it. Takes over `attributes`.
Tensor call_structural(const OpRecord& op, std::span<const Tensor> inputs, void* attributes = nullptr);

/// Whether tangents pass an op as they are, in forward mode; see OpInfo::forward.
bool has_forward_rule(const OpRecord& op);

/// `contribution` with zeros where it is not finite although its cotangent is zero.
Tensor guard_unused(const Tensor& contribution, const Tensor& cotangent);

namespace detail {
/// Throws if a structural op's forward() made `out` another tensor instead of filling it.
void require_filled(const OpInfo& info, const Tensor& out, const Shape& shape, DType dtype);

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
void check_input_count(const OpInfo& info, std::size_t count);

}  // namespace tapegrad
