#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/ops/internal/closed_over.hpp>
#include <tapegrad/ops/transforms.hpp>

namespace tapegrad {
namespace {

using Rule = std::shared_ptr<const GradientRule>;

void gradients_of(const Node& node, std::span<const Tensor> g, std::span<const bool> wanted, std::span<Tensor> out) {
  const GradientRule& rule = **static_cast<const Rule*>(node.attributes);
  std::vector<Tensor> given{g[0]};
  for (std::size_t i = 0; i < node.edge_count; ++i) given.push_back(engine::tensor_of(*node.edges()[i].node()));
  if (rule.reads_result(node.edge_count)) given.push_back(engine::tensor_of(const_cast<Node&>(node)));
  std::vector<Tensor> found = rule(given);
  if (found.size() != out.size())
    throw ValueError("with_gradient: the rule gave " + std::to_string(found.size()) + " gradients for " +
                     std::to_string(out.size()) + " inputs; an undefined tensor stands for zero");
  for (std::size_t i = 0; i < out.size(); ++i)
    if (wanted[i]) out[i] = std::move(found[i]);
}

constexpr OpInfo info_that_saves(const Saves& saves) {
  return {
      .name = "with_gradient", .formula = "y = f(x...)", .doc = "A function with a rule of its own.", .saves = saves};
}
constexpr InputInfo kInputs[] = {{.name = "x", .list = true}};
constexpr OpRecord record_of_info(const OpInfo& info) {
  return {.info = &info, .inputs = kInputs, .pull = gradients_of, .destroy_attributes = [](void* rule) noexcept {
            delete static_cast<Rule*>(rule);
          }};
}
constexpr OpInfo kOfInputs = info_that_saves(kSavesInputs), kOfAll = info_that_saves(kSavesAll);
constexpr OpRecord kRecordOfInputs = record_of_info(kOfInputs), kRecordOfAll = record_of_info(kOfAll);

}  // namespace

bool GradientRule::reads_result(std::size_t inputs) const {
  const auto takes = [&](std::size_t n) { return n <= detail::kMaxRuleArguments && (arguments_ >> n & 1u) != 0; };
  if (takes(0) || takes(inputs + 2)) return takes(0) || !takes(inputs + 1);
  if (!takes(inputs + 1))
    throw ValueError("with_gradient: a function of " + std::to_string(inputs) + " inputs needs a rule of " +
                     std::to_string(inputs + 1) + " tensors, the gradient of the result and the inputs, or of " +
                     std::to_string(inputs + 2) + ", which has the result as well");
  return false;
}

WithGradient::WithGradient(TensorFunction f, GradientRule rule)
    : f_(std::move(f)), rule_(std::make_shared<const GradientRule>(std::move(rule))) {}

Tensor WithGradient::run(std::span<const Tensor> inputs) const {
  for (const Tensor& input : inputs)
    if (!input.defined()) throw ValueError("with_gradient: an input is undefined");
  const bool reads_result = rule_->reads_result(inputs.size());
  if (!grad_enabled()) return f_(inputs);
  // On leaves of the same values: what is recorded below them shows what else the function reaches, and goes.
  const std::vector<Tensor> copies = detached(inputs);
  const Tensor result = f_(copies).to_dense();
  if (result.requires_grad()) {
    const std::vector<Tensor> leaves = closed_over_leaves("with_gradient", result, copies, 0);
    if (!leaves.empty())
      throw ValueError("with_gradient: the function reaches " + describe(leaves[0]) +
                       ", which requires a gradient and of which the rule knows nothing; pass it as an input, or "
                       "detach() it");
  }
  Tensor value = make_view(result, result.shape(), engine::node_of(result).strides, 0);
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  record(engine::node_of(value), reads_result ? kRecordOfAll : kRecordOfInputs, pointers, new Rule(rule_));
  return value;
}

WithGradient with_gradient(TensorFunction f, GradientRule rule) { return {std::move(f), std::move(rule)}; }

}  // namespace tapegrad
