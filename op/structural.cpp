#include <boost/container/small_vector.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/op/family.hpp>
#include <tapegrad/op/internal/conversions.hpp>

namespace tapegrad {
namespace {

using Tensors = boost::container::small_vector<Tensor, kMaxInputs>;

// Inputs as the op wants them: defined, of one dtype, which floats where the op does, not row-sparse.
Tensors prepare(const OpInfo& info, std::span<const Tensor> inputs) {
  Tensors prepared(inputs.begin(), inputs.end());
  if (!info.variadic) prepared.resize(static_cast<std::size_t>(info.inputs.count));
  DType common = DType::boolean;
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    if (!prepared[i].defined() && info.optional.has(static_cast<int>(i))) continue;
    if (!prepared[i].defined())
      throw ValueError(std::string(info.name) + ": input '" + std::string(info.inputs.name[info.variadic ? 0 : i]) +
                       "' is undefined");
    if (!info.fixed.has(static_cast<int>(i))) common = promote(common, prepared[i].dtype());
  }
  if (info.kind == Kind::floating && !is_floating(common)) common = f32;
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    if (!prepared[i].defined()) continue;
    if (!info.fixed.has(static_cast<int>(i)) && prepared[i].dtype() != common) prepared[i] = cast(prepared[i], common);
    if (prepared[i].row_sparse()) prepared[i] = prepared[i].to_dense();
  }
  return prepared;
}

Tensor run_structural(const OpRecord& op, std::span<const Tensor> inputs, void* attributes) {
  const OpInfo& info = *op.info;
  const auto& family = *static_cast<const StructuralFamily*>(op.family);
  AttributeOwner owner{op, attributes};
  check_input_count(info, inputs.size());
  const Tensors prepared = prepare(info, inputs);
  const std::span<const Tensor> given(prepared.data(), prepared.size());
  Tensor result;
  if (family.takes_strides) {
    result = family.run(attributes, given);
  } else {
    Tensors dense;
    for (const Tensor& t : prepared) dense.push_back(t.defined() ? t.contiguous() : t);
    result = family.run(attributes, {dense.data(), dense.size()});
  }
  if (!result.defined()) throw ValueError(std::string(info.name) + ": its declaration gave an undefined tensor");
  boost::container::small_vector<const Tensor*, kMaxInputs> pointers;
  for (const Tensor& t : prepared) pointers.push_back(&t);
  owner.held = nullptr;
  record(result.node(), op, {pointers.data(), pointers.size()}, attributes);
  return result;
}

}  // namespace

void detail::require_filled(const OpInfo& info, const Tensor& out, const Shape& shape, DType dtype) {
  const std::string declared = std::string(name_of(dtype)) + " " + to_string(shape);
  if (!out.defined() || out.shape() != shape || out.dtype() != dtype || !out.node().dense() || out.requires_grad())
    throw ValueError(std::string(info.name) + ": result() declared " + declared + ", and forward() gave " +
                     (out.defined() ? describe(out) : "an undefined tensor") +
                     "; forward() fills the tensor it is given");
}

Tensor call_structural(const OpRecord& op, std::span<const Tensor> inputs, void* attributes) try {
  const Trace::Timer timer;
  return timer.stop(run_structural(op, inputs, attributes));
} catch (const std::exception&) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  rethrow_failure(op, pointers);
}

}  // namespace tapegrad
