#include <tapegrad/op/internal/forward.hpp>

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/family.hpp>
#include <tapegrad/op/internal/conversions.hpp>
#include <unordered_map>

namespace tapegrad::internal {
namespace {

using Tangents = std::unordered_map<const Node*, Tensor>;

bool is_pointwise(const OpRecord& op) { return op.vjp == pointwise_vjp; }

/// Calls visit(i, input) for the inputs that derivatives go through.
template <class Visit>
void for_moving_inputs(const Node& node, const Visit& visit) {
  for (std::size_t i = 0; i < node.edge_count; ++i) {
    Node* input = node.edges()[i].node();
    if (input && input->requires_grad && !node.op->info->fixed.has(static_cast<int>(i))) visit(i, *input);
  }
}

void accumulate(Tensor& sum, Tensor term) {
  if (!term.defined()) return;
  sum = sum.defined() ? add_gradients(sum, term) : std::move(term);
}

const Tensor* find(const Tangents& tangents, const Node& node) {
  const auto found = tangents.find(&node);
  return found == tangents.end() ? nullptr : &found->second;
}

/// The Jacobian is its own transpose for each input, but for broadcasting.
Tensor by_transpose(const Node& node, const Tangents& tangents) {
  Tensor result;
  for_moving_inputs(node, [&](std::size_t i, const Node& input) {
    const Tensor* tangent = find(tangents, input);
    if (!tangent) return;
    const Tensor term = node.op->vjp(node, static_cast<int>(i), broadcast_to(cast(*tangent, node.dtype), node.shape));
    accumulate(result, term.defined() ? term.to_dense() : term);
  });
  return result;
}

/// The op itself, on tangents in place of values: of all inputs together, or of one after the other.
Tensor by_itself(const Node& node, const Tangents& tangents) {
  const auto& family = *static_cast<const StructuralFamily*>(node.op->family);
  const OpInfo& info = *node.op->info;
  const auto value_or_tangent = [&](std::size_t i, bool moves) -> Tensor {
    Node* input = node.edges()[i].node();
    if (!input) return {};
    if (!moves) return Tensor::of(*input);
    const Tensor* tangent = find(tangents, *input);
    return tangent ? *tangent : zeros(input->shape, input->dtype);
  };
  const auto run = [&](const auto& moves) {
    std::vector<Tensor> inputs;
    for (std::size_t i = 0; i < node.edge_count; ++i) inputs.push_back(value_or_tangent(i, moves(i)));
    return family.call(node.attributes, inputs);
  };
  if (!info.saves.others) return run([&](std::size_t i) { return !info.fixed.has(static_cast<int>(i)); });
  Tensor result;
  for_moving_inputs(node, [&](std::size_t i, const Node& input) {
    if (find(tangents, input)) accumulate(result, run([i](std::size_t j) { return j == i; }));
  });
  return result;
}

}  // namespace

ForwardPass::ForwardPass(const Tensor& value, std::span<const Tensor> arguments)
    : value_(value), arguments_(arguments.begin(), arguments.end()) {
  // Depth first without recursion: a node is placed when it is met the second time, after all its inputs. Whether it
  // depends on an argument is known then too.
  std::unordered_map<const Node*, bool> depends;
  for (const Tensor& a : arguments_) depends[&a.node()] = true;
  struct Visit {
    Node* node;
    bool inputs_done;
  };
  std::vector<Visit> stack;
  if (value.requires_grad()) stack.push_back({&value.node(), false});
  while (!stack.empty()) {
    const auto [node, inputs_done] = stack.back();
    stack.pop_back();
    if (!inputs_done) {
      if (!depends.try_emplace(node, false).second || node->is_leaf()) continue;
      stack.push_back({node, true});
      for_moving_inputs(*node, [&](std::size_t, Node& input) { stack.push_back({&input, false}); });
      continue;
    }
    bool& moves = depends[node];
    for_moving_inputs(*node, [&](std::size_t, const Node& input) { moves |= depends[&input]; });
    if (!moves) continue;
    order_.push_back(node);
    complete_ &= has_forward_rule(*node->op);
  }
}

Tensor ForwardPass::push(std::span<const Tensor> given) const {
  Tangents tangents;
  for (std::size_t i = 0; i < arguments_.size(); ++i)
    if (given[i].defined() && arguments_[i].requires_grad())
      tangents[&arguments_[i].node()] = cast(given[i].to_dense(), arguments_[i].dtype());
  // How often each tangent will still be read: it goes when nobody will.
  std::unordered_map<const Node*, int> readers{{&value_.node(), 1}};
  for (const Node* node : order_) for_moving_inputs(*node, [&](std::size_t, const Node& input) { ++readers[&input]; });
  for (const Node* node : order_) {
    require_saved(*node, "forward mode");
    const bool linear = !is_pointwise(*node->op) && node->op->info->forward != Forward::symmetric;
    bool moves = false;
    for_moving_inputs(*node, [&](std::size_t, const Node& input) { moves |= find(tangents, input) != nullptr; });
    if (moves)
      if (Tensor tangent = linear ? by_itself(*node, tangents) : by_transpose(*node, tangents); tangent.defined())
        tangents[node] = std::move(tangent);
    for_moving_inputs(*node, [&](std::size_t, const Node& input) {
      if (--readers[&input] == 0) tangents.erase(&input);
    });
  }
  const Tensor* result = find(tangents, value_.node());
  return result ? *result : Tensor();
}

}  // namespace tapegrad::internal

namespace tapegrad {

bool has_forward_rule(const OpRecord& op) {
  return internal::is_pointwise(op) || op.info->forward == Forward::symmetric ||
         static_cast<const StructuralFamily*>(op.family)->linear;
}

}  // namespace tapegrad
