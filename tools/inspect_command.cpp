// tapegrad inspect: what is in a file of a model.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/interchange/tensor_file.hpp>

#include "commands.hpp"
#include "onnx_model.hpp"
#include "option_values.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string file;
  InputSource inputs;
  bool json = false;
};

/// What the file says, and what a run of it costs where that can be found out.
struct Findings {
  explicit Findings(const onnx::Model& m) : model(m) {
    for (const auto& [name, tensor] : m.parameters()) {
      parameters += tensor.numel();
      bytes += static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype());
    }
    operators.assign(m.operators().begin(), m.operators().end());
    std::ranges::stable_sort(operators, std::greater(), [](const auto& counted) { return counted.second; });
  }
  void run(const InputSource& inputs) {
    try {
      const graph::ComputationGraph recorded = record(model, inputs_for(model, inputs, false), "");
      flops = graph::scope_totals(recorded).front().flops;
      memory = graph::estimate_memory(recorded).peak;
      ran = true;
    } catch (const Error& error) {
      why_not = error.what();
    }
  }

  const onnx::Model& model;
  std::int64_t parameters = 0;
  std::uint64_t bytes = 0;
  std::vector<std::pair<std::string, std::int64_t>> operators;
  bool ran = false;
  double flops = 0, memory = 0;
  std::string why_not;
};

void print(const Findings& f, const Options& options) {
  const onnx::Model& m = f.model;
  std::cout << fmt::format("{}: ONNX, IR version {}, opset {}{}\n", printable(options.file), m.ir_version(), m.opset(),
                           m.producer().empty() ? "" : ", made by " + m.producer());
  std::cout << "inputs\n";
  for (const onnx::ValueInfo& info : m.inputs()) std::cout << "  " << describe(info) << '\n';
  std::cout << "outputs\n";
  for (const onnx::ValueInfo& info : m.outputs()) std::cout << "  " << describe(info) << '\n';
  std::cout << fmt::format("parameters\n  {} numbers in {} tensors, {:.1f} MB\n", f.parameters, m.parameters().size(),
                           static_cast<double>(f.bytes) / 1e6);
  std::cout << "operators\n";
  for (const auto& [name, count] : f.operators) std::cout << fmt::format("  {:>6}  {}\n", count, name);
  if (!m.unsupported().empty()) std::cout << "not supported\n";
  for (const auto& [op, node] : m.unsupported()) std::cout << fmt::format("  {} (node '{}')\n", op, node);
  if (f.ran) {
    const std::vector<std::string> sizes = sizes_made_up(m, options.inputs);
    std::cout << fmt::format("a run{}{}\n  {:.4g} MFLOP, {:.1f} MB of memory\n", sizes.empty() ? "" : " with ",
                             fmt::join(sizes, ", "), f.flops / 1e6, f.memory / 1e6);
  } else if (m.unsupported().empty())
    std::cout << fmt::format("a run\n  {}\n", printable(f.why_not, 500));
}

nlohmann::ordered_json to_json(const Findings& f) {
  const auto list = [](const std::vector<onnx::ValueInfo>& infos) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const onnx::ValueInfo& info : infos) all.push_back(describe(info));
    return all;
  };
  nlohmann::ordered_json json{{"format", "onnx"},
                              {"ir_version", f.model.ir_version()},
                              {"opset", f.model.opset()},
                              {"producer", f.model.producer()},
                              {"inputs", list(f.model.inputs())},
                              {"outputs", list(f.model.outputs())},
                              {"parameters", f.parameters},
                              {"parameter_bytes", f.bytes},
                              {"operators", nlohmann::ordered_json::object()},
                              {"unsupported", nlohmann::ordered_json::array()}};
  for (const auto& [name, count] : f.operators) json["operators"][name] = count;
  for (const auto& [op, node] : f.model.unsupported()) json["unsupported"].push_back({{"op", op}, {"node", node}});
  if (f.ran) {
    json["flops"] = f.flops;
    json["memory_bytes"] = f.memory;
  }
  return json;
}

nlohmann::ordered_json to_json(const NamedTensors& tensors) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [name, tensor] : tensors)
    list.push_back({{"name", name},
                    {"dtype", name_of(tensor.dtype())},
                    {"shape", std::vector(tensor.shape().begin(), tensor.shape().end())},
                    {"bytes", static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype())}});
  return {{"format", "tensors"}, {"tensors", list}};
}

void print(const nlohmann::ordered_json& json) {
  std::cout << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

void run_on_tensors(const Options& options) {
  if (!options.inputs.sizes.empty()) throw ValueError("--size is of the inputs of an ONNX model");
  const NamedTensors tensors = io::load_tensors(options.file);
  if (options.json)
    print(to_json(tensors));
  else
    std::cout << io::tensor_tree(tensors);
}

void run(const Options& options) {
  if (io::is_tensor_file(options.file)) return run_on_tensors(options);
  if (!is_onnx(options.file))
    throw ValueError(fmt::format("{}: give a model (.onnx), or tensors (.pt, .safetensors, .npz)", options.file));
  const onnx::Model model = onnx::load(options.file, {.allow_unsupported = true});
  Findings findings(model);
  if (model.unsupported().empty()) findings.run(options.inputs);
  if (options.json)
    print(to_json(findings));
  else
    print(findings, options);
}

}  // namespace

void add_inspect_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "inspect", "What is in a file: of an ONNX model inputs, outputs, operators, costs; of tensors their tree");
  command->add_option("file", options->file, "A model (.onnx), or tensors (.pt, .safetensors, .npz)")
      ->type_name(kFile)
      ->required();
  command
      ->add_option("--size", options->inputs.sizes, "Of a symbol in the inputs' shapes, for the costs; 1 if left out")
      ->type_name("SYMBOL=NUMBER")
      ->allow_extra_args(false);
  command->add_flag("--json", options->json, "As JSON");
  command->footer("Examples:\n  tapegrad inspect resnet.onnx --size batch=8\n  tapegrad inspect weights.pt");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
