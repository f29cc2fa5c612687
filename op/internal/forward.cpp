#include <tapegrad/op/internal/forward.hpp>

#include <algorithm>
#include <memory>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/internal/conversions.hpp>
#include <tapegrad/op/table.hpp>
#include <unordered_map>

namespace tapegrad::internal {
namespace {

/// Of each node; of a call with several results, one a result.
using Tangents = std::unordered_map<const Node*, std::vector<Tensor>>;

/// Calls visit(i, input) for the inputs that derivatives go through.
template <class Visit>
void for_moving_inputs(const Node& node, const Visit& visit) {
  for (std::size_t i = 0; i < node.edge_count; ++i) {
    Node* input = node.edges()[i].node();
    if (input && input->requires_grad && !node.op->fixed.has(static_cast<int>(i))) visit(i, *input);
  }
}

void accumulate(Tensor& sum, Tensor term) {
  if (!term.defined()) return;
  sum = sum.defined() ? add_gradients(sum, term) : std::move(term);
}

const Tensor* find(const Tangents& tangents, const Node& node) {
  const auto found = tangents.find(&node);
  return found == tangents.end() || !found->second[0].defined() ? nullptr : &found->second[0];
}

/// The gradient for one input.
Tensor pulled(const Node& node, std::size_t input, const Tensor& g) {
  std::vector<Tensor> out(node.edge_count);
  const std::unique_ptr<bool[]> wanted(new bool[node.edge_count]());
  wanted[input] = true;
  node.op->pull(node, {&g, 1}, {wanted.get(), node.edge_count}, out);
  return out[input];
}

/// The Jacobian is its own transpose for each input, but for broadcasting.
Tensor by_transpose(const Node& node, const Tangents& tangents) {
  Tensor result;
  for_moving_inputs(node, [&](std::size_t i, const Node& input) {
    const Tensor* tangent = find(tangents, input);
    if (!tangent) return;
    const Tensor term = pulled(node, i, broadcast_to(cast(*tangent, node.dtype), node.shape));
    accumulate(result, term.defined() ? term.to_dense() : term);
  });
  return result;
}

/// The op itself, on tangents in place of values: of all inputs together, or of one after the other.
std::vector<Tensor> by_itself(const Node& node, const Tangents& tangents) {
  const auto& table = *static_cast<const StructuralTable*>(node.op->table);
  const auto value_or_tangent = [&](std::size_t i, bool moves) -> Tensor {
    Node* input = node.edges()[i].node();
    if (!input) return {};
    if (!moves) return engine::tensor_of(*input);
    const Tensor* tangent = find(tangents, *input);
    return tangent ? *tangent : zeros(input->shape, input->dtype);
  };
  const auto run = [&](const auto& moves) {
    std::vector<Tensor> inputs;
    for (std::size_t i = 0; i < node.edge_count; ++i) inputs.push_back(value_or_tangent(i, moves(i)));
    return table.call(node, inputs);
  };
  const OpInfo& info = *node.op->info;
  if (info.forward != Forward::multilinear)
    return run([&](std::size_t i) { return !node.op->fixed.has(static_cast<int>(i)); });
  std::vector<Tensor> sums(std::max<std::size_t>(1, node.op->results.size()));
  for_moving_inputs(node, [&](std::size_t i, const Node& input) {
    if (!find(tangents, input)) return;
    const std::vector<Tensor> terms = run([i](std::size_t j) { return j == i; });
    for (std::size_t k = 0; k < terms.size(); ++k) accumulate(sums[k], terms[k]);
  });
  return sums;
}

std::vector<Tensor> tangent_of(const Node& node, const Tangents& tangents) {
  if (node.op->kind == OpKind::part) {
    const auto of_call = tangents.find(node.edges()[0].node());
    if (of_call == tangents.end()) return {Tensor()};
    return {of_call->second[static_cast<std::size_t>(node.scalar_input)]};
  }
  if (node.op->kind == OpKind::pointwise || node.op->info->forward == Forward::symmetric)
    return {by_transpose(node, tangents)};
  return by_itself(node, tangents);
}

}  // namespace

ForwardPass::ForwardPass(const Tensor& value, std::span<const Tensor> arguments)
    : value_(value), arguments_(arguments.begin(), arguments.end()) {
  // Depth first without recursion: a node is placed when it is met the second time, after all its inputs. Whether it
  // depends on an argument is known then too.
  std::unordered_map<const Node*, bool> depends;
  for (const Tensor& a : arguments_) depends[&engine::node_of(a)] = true;
  struct Visit {
    Node* node;
    bool inputs_done;
  };
  std::vector<Visit> stack;
  if (value.requires_grad()) stack.push_back({&engine::node_of(value), false});
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
      tangents[&engine::node_of(arguments_[i])] = {cast(given[i].to_dense(), arguments_[i].dtype())};
  // How often each tangent will still be read: it goes when nobody will.
  std::unordered_map<const Node*, int> readers{{&engine::node_of(value_), 1}};
  for (const Node* node : order_) for_moving_inputs(*node, [&](std::size_t, const Node& input) { ++readers[&input]; });
  for (const Node* node : order_) {
    require_saved(*node, "forward mode");
    bool moves = false;
    for_moving_inputs(*node, [&](std::size_t, const Node& input) { moves |= tangents.count(&input) > 0; });
    if (moves) tangents[node] = tangent_of(*node, tangents);
    for_moving_inputs(*node, [&](std::size_t, const Node& input) {
      if (--readers[&input] == 0) tangents.erase(&input);
    });
  }
  const Tensor* result = find(tangents, engine::node_of(value_));
  return result ? *result : Tensor();
}

}  // namespace tapegrad::internal

namespace tapegrad {

bool has_forward_rule(const OpRecord& op) {
  switch (op.kind) {
    case OpKind::pointwise:
    case OpKind::part:
      return true;
    case OpKind::structural:
      return op.info->forward == Forward::symmetric || static_cast<const StructuralTable*>(op.table)->linear;
    default:
      return false;
  }
}

}  // namespace tapegrad
