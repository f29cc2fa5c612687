#include "graph_source.hpp"

#include <fmt/format.h>

#include <system_error>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/text_file.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/interchange/tensor_file.hpp>

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

}  // namespace tapegrad::tools
