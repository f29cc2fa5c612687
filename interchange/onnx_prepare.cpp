#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/interchange/internal/onnx_program.hpp>
#include <tapegrad/interchange/internal/onnx_tensor.hpp>
#include <unordered_set>

namespace tapegrad::onnx {
namespace {

using detail::Opsets;
using detail::Plan;
using detail::Program;
using detail::Step;

constexpr std::int64_t kNewestIr = 11;

std::string_view plain(std::string_view domain) { return domain == "ai.onnx" ? "" : domain; }

std::string spelled(std::string_view domain, std::string_view op) {
  return printable(plain(domain).empty() ? std::string(op) : fmt::format("{}.{}", domain, op), 100);
}

Opsets opsets_of(const std::vector<schema::OperatorSetId>& ids) {
  Opsets opsets;
  for (const auto& [domain, version] : ids) {
    if (version < 1) throw IoError(fmt::format("opset {} of '{}'; 1 is the first", version, printable(domain, 60)));
    if (plain(domain).empty() && version > kNewestOpset)
      throw IoError(fmt::format("opset {}; 1 to {} are known", version, kNewestOpset));
    opsets[std::string(plain(domain))] = version;
  }
  return opsets;
}

/// The names that a graph within a node reads: its own are left out.
void add_names_read(const schema::Graph& graph, std::unordered_set<std::string>& names);

void add_names_read(const schema::Node& node, std::unordered_set<std::string>& names) {
  for (const std::string& input : node.input) names.insert(input);
  for (const schema::Attribute& a : node.attribute)
    if (a.g) add_names_read(*a.g, names);
}

void add_names_read(const schema::Graph& graph, std::unordered_set<std::string>& names) {
  for (const schema::Node& node : graph.node) add_names_read(node, names);
  for (const schema::ValueInfo& output : graph.output) names.insert(output.name);
}

class Preparation {
 public:
  Preparation(Program& program, const std::filesystem::path& folder) : program_(program), folder_(folder) {}

  void run() {
    const schema::Model& model = program_.model;
    if (model.ir_version < 1 || model.ir_version > kNewestIr)
      throw IoError(fmt::format("IR version {}; 1 to {} are known", model.ir_version, kNewestIr));
    if (!model.graph) throw IoError("it has no graph");
    program_.opsets = opsets_of(model.opset_import);
    if (program_.opsets.empty()) {
      if (model.ir_version >= 3) throw IoError("it does not say which opset it is written in");
      program_.opsets[""] = 1;
    }
    for (const auto& [key, value] : model.metadata_props) program_.metadata.emplace(key, value);
    for (const schema::Function& function : model.functions)
      functions_.insert_or_assign({std::string(plain(function.domain)), function.name}, &function);
    for (const schema::Function& function : model.functions) {
      Opsets opsets = opsets_of(function.opset_import);
      opsets.insert(program_.opsets.begin(), program_.opsets.end());
      std::unordered_set<std::string> defined(function.input.begin(), function.input.end());
      plan(&function, function.node, function.output, opsets, defined);
    }
    read_graph(*model.graph, program_.opsets, {}, true);
    for (const schema::ValueInfo& input : model.graph->input)
      if (!program_.initializers.contains(input.name)) program_.inputs.push_back(info_of(input));
    for (const schema::ValueInfo& output : model.graph->output) program_.outputs.push_back(info_of(output));
    find_parameters();
  }

 private:
  using Names = std::unordered_set<std::string>;

  void read_graph(const schema::Graph& graph, const Opsets& opsets, Names defined, bool main) {
    std::unordered_map<std::string, Value> initial;
    const auto add = [&](const std::string& name, Value value) {
      if (name.empty()) throw IoError("an initializer has no name");
      if (!initial.emplace(name, std::move(value)).second)
        throw IoError(fmt::format("two initializers have the name '{}'", printable(name, 200)));
      defined.insert(name);
    };
    for (const schema::Tensor& tensor : graph.initializer) {
      if (main) order_.push_back(tensor.name);
      add(tensor.name, value_of(tensor, folder_));
    }
    for (const schema::SparseTensor& tensor : graph.sparse_initializer) {
      if (main) order_.push_back(tensor.values.name);
      add(tensor.values.name, value_of(tensor, folder_));
    }
    Names inputs;
    for (const schema::ValueInfo& input : graph.input) {
      if (!inputs.insert(input.name).second)
        throw IoError(fmt::format("two inputs have the name '{}'", printable(input.name, 200)));
      defined.insert(input.name);
    }
    std::vector<std::string> outputs;
    for (const schema::ValueInfo& output : graph.output) outputs.push_back(output.name);
    (main ? program_.initializers : program_.inner_initializers[&graph]) = std::move(initial);
    plan(&graph, graph.node, outputs, opsets, defined);
  }

  void plan(const void* key, const std::vector<schema::Node>& nodes, const std::vector<std::string>& outputs,
            const Opsets& opsets, Names defined) {
    Plan plan{.steps = {}, .outputs = outputs};
    for (const schema::Node* node : in_order(nodes, defined)) {
      plan.steps.push_back(step_of(*node, opsets));
      for (const schema::Attribute& a : node->attribute) read_attribute(a, opsets, defined);
    }
    for (const std::string& output : outputs)
      if (!defined.contains(output))
        throw IoError(fmt::format("no node computes the output '{}'", printable(output, 200)));
    // Gradient computes again what leads to it, so nothing is let go there.
    const bool again = std::ranges::any_of(nodes, [](const schema::Node& n) { return n.domain == kTraining; });
    if (!again) find_last_uses(plan);
    program_.plans.emplace(key, std::move(plan));
  }

  static void find_last_uses(Plan& plan) {
    Names read(plan.outputs.begin(), plan.outputs.end());
    for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
      Names here(step->node->output.begin(), step->node->output.end());
      add_names_read(*step->node, here);
      for (const std::string& name : here)
        if (!name.empty() && read.insert(name).second) step->last.push_back(name);
    }
  }

  /// Such that each node comes after those whose outputs it reads; as they stand where that is so. Adds their outputs
  /// to `defined`.
  std::vector<const schema::Node*> in_order(const std::vector<schema::Node>& nodes, Names& defined) const {
    Names produced;
    for (const schema::Node& node : nodes)
      for (const std::string& output : node.output)
        if (!output.empty() && (defined.contains(output) || !produced.insert(output).second))
          throw IoError(fmt::format("node '{}' computes '{}', which has a value already", label_of(node),
                                    printable(output, 200)));
    std::unordered_map<std::string, std::vector<std::size_t>> waiting;
    std::vector<std::size_t> missing(nodes.size(), 0), ready;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      Names read;
      add_names_read(nodes[i], read);
      for (const std::string& name : nodes[i].input)
        if (!name.empty() && !defined.contains(name) && !produced.contains(name))
          throw IoError(
              fmt::format("node '{}' reads '{}', which no node computes", label_of(nodes[i]), printable(name, 200)));
      for (const std::string& name : read)
        if (produced.contains(name)) {
          waiting[name].push_back(i);
          ++missing[i];
        }
      if (missing[i] == 0) ready.push_back(i);
    }
    std::ranges::make_heap(ready, std::greater());
    std::vector<const schema::Node*> order;
    while (!ready.empty()) {
      std::ranges::pop_heap(ready, std::greater());
      const schema::Node& node = nodes[ready.back()];
      ready.pop_back();
      order.push_back(&node);
      for (const std::string& output : node.output) {
        if (output.empty()) continue;
        defined.insert(output);
        for (const std::size_t i : waiting[output])
          if (--missing[i] == 0) {
            ready.push_back(i);
            std::ranges::push_heap(ready, std::greater());
          }
      }
    }
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (missing[i] > 0) throw IoError(fmt::format("node '{}' is part of a cycle, or reads one", label_of(nodes[i])));
    return order;
  }

  Step step_of(const schema::Node& node, const Opsets& opsets) {
    const std::string domain(plain(node.domain));
    const auto opset = opsets.find(domain);
    const auto function = functions_.find({domain, node.op_type});
    const std::int64_t version = opset == opsets.end() ? 0 : opset->second;
    Step step{&node, nullptr, function == functions_.end() ? nullptr : function->second, version, {}};
    if (!step.function) step.importer = find_importer(domain, node.op_type, version);
    ++program_.operators[spelled(domain, node.op_type)];
    if (!step.function && !step.importer)
      program_.unsupported.push_back({fmt::format("{} {}", spelled(domain, node.op_type), version), label_of(node)});
    return step;
  }

  void read_attribute(const schema::Attribute& attribute, const Opsets& opsets, const Names& defined) {
    std::vector<Value> values;
    if (attribute.t) values.push_back(value_of(*attribute.t, folder_));
    if (attribute.sparse_tensor) values.push_back(value_of(*attribute.sparse_tensor, folder_));
    for (const schema::Tensor& tensor : attribute.tensors) values.push_back(value_of(tensor, folder_));
    if (!values.empty()) program_.tensors.emplace(&attribute, std::move(values));
    if (attribute.g) read_graph(*attribute.g, opsets, defined, false);
    if (!attribute.graphs.empty())
      throw IoError(fmt::format("the attribute '{}' has a list of graphs, which no operator takes",
                                printable(attribute.name, 60)));
  }

  /// Makes leaves of what trains.
  void find_parameters() {
    Names fixed;  // by the operators that read them
    for (const auto& [graph, plan] : program_.plans)
      for (const Step& step : plan.steps)
        for (std::size_t i = 0; step.importer && i < step.node->input.size(); ++i)
          if (i < 32 && step.importer->fixed >> i & 1) fixed.insert(step.node->input[i]);
    for (const std::string& name : order_) {
      Value& value = program_.initializers.at(name);
      Tensor* tensor = std::get_if<Tensor>(&value.content);
      if (!tensor) continue;
      tensor->set_name(name);
      if (is_floating(tensor->dtype()) && !fixed.contains(name)) {
        tensor->set_requires_grad();
        program_.parameters.push_back({name, *tensor});
      } else {
        program_.constants.push_back({name, *tensor});
      }
    }
    std::erase_if(program_.plans.at(&*program_.model.graph).steps, [&](const Step& step) {
      const Value* weight = weight_of(step, fixed);
      if (!weight) return false;
      const std::string& name = step.node->output[0];
      Tensor(*weight->tensor()).set_name(name).set_requires_grad();
      program_.parameters.push_back({name, *weight->tensor()});
      program_.initializers.emplace(name, *weight);
      return true;
    });
  }

  /// What a Constant holds, if it can train; it is an initializer then. Otherwise null.
  const Value* weight_of(const Step& step, const Names& fixed) const {
    if (step.node->op_type != "Constant" || step.node->output.empty() || fixed.contains(step.node->output[0]))
      return nullptr;
    for (const schema::Attribute& attribute : step.node->attribute) {
      const auto held = program_.tensors.find(&attribute);
      const Tensor* tensor = held == program_.tensors.end() ? nullptr : held->second[0].tensor();
      if (tensor && is_floating(tensor->dtype()) && tensor->numel() > 1) return &held->second[0];
    }
    return nullptr;
  }

  Program& program_;
  const std::filesystem::path& folder_;
  std::map<std::pair<std::string, std::string>, const schema::Function*> functions_;
  std::vector<std::string> order_;  // of the initializers in the file
};

}  // namespace

void detail::prepare(Program& program, const std::filesystem::path& folder) { Preparation(program, folder).run(); }

}  // namespace tapegrad::onnx
