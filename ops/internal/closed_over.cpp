#include <tapegrad/ops/internal/closed_over.hpp>

#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <unordered_set>

namespace tapegrad {

std::vector<Tensor> detached(std::span<const Tensor> inputs) {
  std::vector<Tensor> copies;
  for (const Tensor& input : inputs) {
    copies.push_back(input.detach());
    if (input.requires_grad()) copies.back().set_requires_grad();
  }
  return copies;
}

std::vector<Tensor> closed_over_leaves(const char* what, const Tensor& result, std::span<const Tensor> inputs,
                                       std::uint64_t since) {
  std::vector<Tensor> leaves;
  std::unordered_set<const Node*> seen;
  for (const Tensor& input : inputs) seen.insert(&engine::node_of(input));
  std::vector<Node*> stack;
  const auto visit = [&](Node* node) {
    if (node && node->requires_grad && seen.insert(node).second) stack.push_back(node);
  };
  visit(&engine::node_of(result));
  while (!stack.empty()) {
    Node& node = *stack.back();
    stack.pop_back();
    if (node.is_leaf()) {
      leaves.push_back(engine::tensor_of(node));
      continue;
    }
    if (node.sequence < since)
      throw ValueError(std::string(what) + ": the function closes over " + describe(node) + ", a result of " +
                       op_name(node) + " computed outside of it; pass it as an input");
    for (std::size_t i = 0; i < node.edge_count; ++i) visit(node.edges()[i].node());
  }
  return leaves;
}

}  // namespace tapegrad
