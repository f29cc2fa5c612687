#include <tapegrad/interchange/onnx_save.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/node_extra.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/core/version.hpp>
#include <tapegrad/interchange/internal/onnx_writer.hpp>
#include <unordered_map>

namespace tapegrad::onnx {
namespace {

constexpr std::int64_t kOpset = 17, kIrVersion = 8;
constexpr std::uint64_t kMostBytes = 0x7fff'ffff;  // of a message

class Export {
 public:
  Export(const NamedTensors& outputs, const SaveOptions& options) {
    require_names(outputs, options.inputs);
    for (const NamedTensor& p : options.parameters) names_.emplace(&engine::node_of(p.tensor), p.name);
    for (const NamedTensor& input : options.inputs)
      values_.emplace(&engine::node_of(input.tensor), writer_.input(input.tensor, input.name));
    for (const Node* node : nodes_below(outputs)) write(*node);
    if (!unsupported_.empty())
      throw ValueError(fmt::format("onnx::save: without an equivalent in ONNX are {}; {} can be written",
                                   fmt::join(unsupported_, ", "), "what is computed of others"));
    for (const NamedTensor& output : outputs)
      writer_.output(values_.at(&engine::node_of(output.tensor)), output.tensor, output.name);
  }

  schema::Graph& graph() { return writer_.graph(); }

 private:
  void require_names(const NamedTensors& outputs, const NamedTensors& inputs) {
    std::set<std::string> names;
    for (const NamedTensors* list : {&inputs, &outputs})
      for (const NamedTensor& t : *list) {
        if (t.name.empty() || !names.insert(t.name).second)
          throw ValueError("onnx::save: two inputs or outputs have the name '" + t.name + "', or one has none");
        writer_.reserve(t.name);
      }
    if (outputs.empty()) throw ValueError("onnx::save: a graph has at least one output");
  }

  /// In order of creation, which is a topological order.
  std::vector<const Node*> nodes_below(const NamedTensors& outputs) const {
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

  void write(const Node& node) {
    if (values_.contains(&node)) return;
    if (!node.op) {
      values_.emplace(&node, leaf(node));
      return;
    }
    writer_.set_place(node.scope ? node.scope->path : "");
    Expr value{&writer_, "?", node.dtype};
    if (const Exporter* exporter = find_exporter(op_name(node))) {
      try {
        value = exporter->write(RecordedCall(writer_, node, inputs_of(node)));
      } catch (const ValueError& error) {
        unsupported_.insert(error.what());
      }
    } else {
      unsupported_.insert(op_name(node));
    }
    value = cast_to(value, node.dtype);
    value.shape = node.shape;
    values_.emplace(&node, value);
  }

  Expr leaf(const Node& node) {
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

  std::vector<Expr> inputs_of(const Node& node) {
    std::vector<Expr> inputs;
    DType dtype = node.dtype;
    for (std::size_t i = 0; i < node.edge_count; ++i)
      if (const Node* input = node.edges()[i].node()) dtype = input->dtype;
    for (std::size_t i = 0; i < node.edge_count; ++i) {
      const Node* input = node.edges()[i].node();
      if (input)
        inputs.push_back(values_.at(input));
      else if (static_cast<std::int8_t>(i) == node.scalar_input)
        inputs.push_back(writer_.number(node.scalar, is_floating(node.dtype) ? node.dtype : dtype));
      else
        inputs.push_back({});
    }
    return inputs;
  }

  GraphWriter writer_;
  std::unordered_map<const Node*, std::string> names_;
  std::unordered_map<const Node*, Expr> values_;
  std::set<std::string> unsupported_;
};

}  // namespace

void save(const std::filesystem::path& path, const NamedTensors& outputs, const SaveOptions& options) {
  Export exported(outputs, options);
  schema::Model model;
  model.ir_version = kIrVersion;
  model.producer_name = "tapegrad";
  model.producer_version = version();
  model.opset_import.push_back({"", kOpset});
  for (const auto& [key, value] : options.metadata) model.metadata_props.push_back({key, value});
  exported.graph().name = "graph";
  model.graph = std::move(exported.graph());
  const std::string bytes = protobuf::encode(model);
  if (bytes.size() > kMostBytes)
    throw ValueError(fmt::format("onnx::save: the file would have {} bytes; the format allows 2 GiB", bytes.size()));
  write_file(path, bytes);
}

}  // namespace tapegrad::onnx
