#pragma once
// Models in ONNX files, as the commands that take a file use them.

#include <filesystem>
#include <string>
#include <string_view>
#include <tapegrad/graph/computation_graph.hpp>
#include <tapegrad/interchange/onnx.hpp>
#include <vector>

namespace tapegrad::tools {

bool is_onnx(const std::filesystem::path& path);

/// Where a model's inputs come from: files by name, and sizes for symbols and unknown extents.
struct InputSource {
  std::vector<std::string> files;  ///< "NAME=a.npy"; without the name, in order
  std::vector<std::string> sizes;  ///< "batch=2"; other symbols are 1
  std::uint64_t seed = 1;
};
/// The files' arrays, in the types that the model declares. Inputs for which there is no file get random numbers if
/// they are floats and zeros otherwise, unless `all_from_files`: ValueError then, as for what fits no input.
std::vector<onnx::Value> inputs_for(const onnx::Model& model, const InputSource& source, bool all_from_files);

/// "batch=2", "length=1": the size of each symbol of the inputs that are made up.
std::vector<std::string> sizes_made_up(const onnx::Model& model, const InputSource& source);

/// What running the model records.
graph::ComputationGraph record(const onnx::Model& model, const std::vector<onnx::Value>& inputs, std::string title);

}  // namespace tapegrad::tools
