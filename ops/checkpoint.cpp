#include <tapegrad/ops/transforms.hpp>

#include <algorithm>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/recompute.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/ops/internal/closed_over.hpp>

namespace tapegrad {
namespace {

// The node has the function's inputs as its first inputs, and the leaves that the function closes over as the rest.
struct Segment {
  TensorFunction f;
  std::size_t inputs;
  std::shared_ptr<RunLog> log;
};

void gradients_of(const Node& node, std::span<const Tensor> g, std::span<const bool> wanted, std::span<Tensor> out);

constexpr OpInfo kInfo{.name = "checkpoint",
                       .formula = "y = f(x...)",
                       .doc = "A function that is computed again in the backward pass.",
                       .saves = kSavesInputs};
constexpr InputInfo kInputs[] = {{.name = "x", .list = true}};
const OpRecord kRecord{
    .info = &kInfo, .inputs = kInputs, .pull = gradients_of, .destroy_attributes = [](void* segment) noexcept {
      delete static_cast<Segment*>(segment);
    }};

/// What was computed inside and got out by another way than as the result has no way back to the true inputs.
Tensor refuse_side_result(const Tensor&) {
  throw GraphError(
      "checkpoint: a value that was computed inside of the function is differentiated, and is not its result; return "
      "it "
      "from the function, or detach() it");
}

Tensor run_segment(const TensorFunction& f, std::span<const Tensor> inputs) {
  std::vector<Tensor> copies = detached(inputs);
  const std::uint64_t since = inputs.empty() ? 0 : engine::node_of(copies[0]).sequence;
  const auto log = std::make_shared<RunLog>();
  Tensor result = [&] {
    const LoggedRun run(*log, LoggedRun::Mode::record);
    return f(copies);
  }();
  for (Tensor& copy : copies)
    if (copy.requires_grad()) copy.register_hook(refuse_side_result);
  if (!grad_enabled() || !result.requires_grad()) return result;
  std::vector<Tensor> all(inputs.begin(), inputs.end());
  for (Tensor& leaf : closed_over_leaves("checkpoint", result, copies, since)) all.push_back(std::move(leaf));
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : all) pointers.push_back(&input);
  result = result.to_dense();
  Tensor value = make_view(result, result.shape(), engine::node_of(result).strides, 0);
  record(engine::node_of(value), kRecord, pointers, new Segment{f, inputs.size(), log});
  return value;
}

// The cotangents of all inputs of the node, where `given` are leaves for the function's inputs, and its own leaves.
std::vector<Tensor> pull_back(const Segment& segment, std::span<const Tensor> given, const Tensor& cotangent,
                              bool create_graph) {
  const GradMode recording(true);
  const Tensor result = [&] {
    const LoggedRun run(*segment.log, LoggedRun::Mode::repeat);
    Tensor again = segment.f(given.first(segment.inputs));
    run.require_finished();
    return again;
  }();
  if (result.shape() != cotangent.shape() || result.dtype() != cotangent.dtype())
    throw ValueError("checkpoint: the function returned " + std::string(name_of(cotangent.dtype())) + " " +
                     to_string(cotangent.shape()) + ", and " + describe(result) +
                     " when it was computed again; it must do the same each time");
  for (const Tensor& leaf : closed_over_leaves("checkpoint", result, given.first(segment.inputs), 0))
    if (std::ranges::none_of(given.subspan(segment.inputs), [&](const Tensor& own) { return own.same_as(leaf); }))
      throw ValueError("checkpoint: the function closes over " + describe(leaf) +
                       " when it is computed again, and did not at first; it must do the same each time");
  std::vector<Tensor> targets;
  for (const Tensor& input : given)
    if (input.requires_grad()) targets.push_back(input);
  std::vector<Tensor> found = grad({&result, 1}, targets, {&cotangent, 1}, {.create_graph = create_graph});
  std::vector<Tensor> gradients(given.size());
  for (std::size_t i = 0, next = 0; i < given.size(); ++i)
    if (given[i].requires_grad()) gradients[i] = std::move(found[next++]);
  return gradients;
}

void gradients_of(const Node& node, std::span<const Tensor> cotangents, std::span<const bool> wanted,
                  std::span<Tensor> out) {
  const Tensor& g = cotangents[0];
  const auto& segment = *static_cast<const Segment*>(node.attributes);
  std::vector<Tensor> values;
  for (std::size_t i = 0; i < node.edge_count; ++i) values.push_back(engine::tensor_of(*node.edges()[i].node()));
  const auto with_leaves = [&](std::span<const Tensor> inputs) {
    std::vector<Tensor> all(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(segment.inputs));
    all.insert(all.end(), values.begin() + static_cast<std::ptrdiff_t>(segment.inputs), values.end());
    return all;
  };
  if (!grad_enabled()) {
    std::vector<Tensor> all =
        pull_back(segment, with_leaves(detached(std::span(values).first(segment.inputs))), g, false);
    std::move(all.begin(), all.end(), out.begin());
    return;
  }
  // To be differentiated again, the gradient is a function of inputs and cotangent that is itself computed again.
  const std::vector<Tensor> leaves(values.begin() + static_cast<std::ptrdiff_t>(segment.inputs), values.end());
  std::vector<Tensor> given(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(segment.inputs));
  given.push_back(g);
  for (std::size_t input = 0; input < out.size(); ++input) {
    if (!wanted[input]) continue;
    const auto gradient = [segment, leaves, input](std::span<const Tensor> of) {
      std::vector<Tensor> all(of.begin(), of.end() - 1);
      all.insert(all.end(), leaves.begin(), leaves.end());
      Tensor found = pull_back(segment, all, of.back(), grad_enabled())[input];
      return found.defined() ? found : zeros_like(all[input]);
    };
    out[input] = run_segment(gradient, given);
  }
}

}  // namespace

Tensor checkpoint(const TensorFunction& f, const std::vector<Tensor>& inputs) {
  for (const Tensor& input : inputs)
    if (!input.defined()) throw ValueError("checkpoint: an input is undefined");
  return run_segment(f, inputs);
}

Tensor checkpoint(const TensorFunction& f, const Tensor& input) { return checkpoint(f, std::vector<Tensor>{input}); }

}  // namespace tapegrad
