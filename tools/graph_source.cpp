#include "graph_source.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <system_error>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/text_file.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/interchange/tensor_file.hpp>

#include "examples/examples.hpp"
#include "weight_files.hpp"

namespace tapegrad::tools {

std::string read_source(const std::filesystem::path& path, const char* what_to_give) {
  try {
    return data::read_text_file(path == "-" ? "/dev/stdin" : path);
  } catch (const IoError& error) {
    throw IoError(fmt::format("{}; give {}", error.what(), what_to_give));
  }
}

graph::ComputationGraph load_graph(const std::string& source, const InputSource& inputs) {
  std::filesystem::path path = source;
  if (is_onnx(path)) {
    const onnx::Model model = onnx::load(path);
    return record(model, inputs_for(model, inputs, false), path.filename().string());
  }
  if (io::is_tensor_file(path)) return tree_graph(io::load_tensors(path), path.filename().string());
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) path /= "model.json";
  return graph::from_json(
      read_source(path,
                  "a snapshot (.json), an ONNX model (.onnx), tensors (.pt, .safetensors) or the folder of a trained "
                  "model"),
      path == "-" ? "standard input" : path.string());
}

CLI::Option* add_example_option(CLI::App& command, std::string& name) {
  std::vector<std::string_view> names;
  std::string help = "Instead, a model that is built in:";
  for (const Example& example : examples()) {
    names.push_back(example.name);
    help += fmt::format("{} {} ({})", names.size() == 1 ? "" : ",", example.name, example.what);
  }
  return command.add_option("--example", name, help)->type_name(fmt::format("{}", fmt::join(names, "|")));
}

}  // namespace tapegrad::tools
