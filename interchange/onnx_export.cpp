#include <tapegrad/interchange/internal/onnx_export.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/node_extra.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/scope.hpp>

namespace tapegrad::onnx {

Export::Export(const NamedTensors& outputs, const SaveOptions& options) {
  require_names(outputs, options.inputs);
  for (const NamedTensor& p : options.parameters) names_.emplace(&engine::node_of(p.tensor), p.name);
  for (const NamedTensor& input : options.inputs)
    values_.emplace(&engine::node_of(input.tensor), writer_.input(input.tensor, input.name));
  for (const Node* node : nodes_below(outputs)) write(*node);
  if (!unsupported_.empty())
    throw ValueError(
        fmt::format("onnx::save: without an equivalent in ONNX are {}; what is computed of others can be "
                    "written",
                    fmt::join(unsupported_, ", ")));
  for (const NamedTensor& output : outputs)
    writer_.output(values_.at(&engine::node_of(output.tensor)), output.tensor, output.name);
}

void Export::require_names(const NamedTensors& outputs, const NamedTensors& inputs) {
  std::set<std::string> names;
  for (const NamedTensors* list : {&inputs, &outputs})
    for (const NamedTensor& t : *list) {
      if (t.name.empty() || !names.insert(t.name).second)
        throw ValueError("onnx::save: two inputs or outputs have the name '" + t.name + "', or one has none");
      writer_.reserve(t.name);
    }
  if (outputs.empty()) throw ValueError("onnx::save: a graph has at least one output");
}

std::vector<const Node*> Export::nodes_below(const NamedTensors& outputs) const {
  std::vector<const Node*> all, stack;
  std::set<const Node*> seen;
  const auto reach = [&](const Node* node) {
    if (node && seen.insert(node).second) stack.push_back(node);
  };
  for (const NamedTensor& output : outputs) reach(&engine::node_of(output.tensor));
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    all.push_back(node);
    // What is given is not computed.
    if (values_.contains(node)) continue;
    for (std::size_t i = 0; i < node->edge_count; ++i) reach(node->edges()[i].node());
  }
  std::ranges::stable_sort(all, {}, &Node::sequence);
  return all;
}

void Export::write(const Node& node) {
  if (values_.contains(&node)) return;
  if (!node.op) {
    values_.emplace(&node, leaf(node));
    return;
  }
  writer_.set_place(node.scope ? node.scope->path : "");
  Expr value{&writer_, "?", node.dtype};
  if (node.op->kind == OpKind::part) {
    value = part_of_call(node);
  } else if (std::vector<Expr> results = results_of(node); results.size() == 1) {
    value = cast_to(results[0], node.dtype);
  } else {
    results_.emplace(&node, std::move(results));
  }
  value.shape = node.shape;
  values_.emplace(&node, value);
}

std::vector<Expr> Export::results_of(const Node& node) {
  const Exporter* exporter = find_exporter(op_name(node));
  if (!exporter || !exporter->why_not().empty()) {
    unsupported_.insert(exporter ? fmt::format("{} ({})", op_name(node), exporter->why_not()) : op_name(node));
    return {};
  }
  try {
    return exporter->write(RecordedCall(writer_, node, values_));
  } catch (const ValueError& error) {
    unsupported_.insert(error.what());
    return {};
  }
}

Expr Export::part_of_call(const Node& part) {
  const Node& call = *part.edges()[0].node();
  const std::vector<Expr>& results = results_.at(&call);
  const auto i = static_cast<std::size_t>(part.scalar_input);
  if (i < results.size()) return results[i];
  if (!results.empty()) unsupported_.insert(fmt::format("{} (its result {})", op_name(call), i + 1));
  return {&writer_, "?", part.dtype};
}

Expr Export::leaf(const Node& node) {
  const auto known = names_.find(&node);
  const NodeExtra* extra = find_extra(node);
  const std::string name = known != names_.end()           ? known->second
                           : extra && !extra->name.empty() ? extra->name
                                                           : "constant";
  if (!node.storage && !(extra && extra->rows))
    throw GraphError(
        fmt::format("onnx::save: the value of {}, which the file needs, is gone; keep its tensor, or give "
                    "it as an input",
                    describe(node)));
  return writer_.constant(engine::tensor_of(const_cast<Node&>(node)), name);
}

}  // namespace tapegrad::onnx
