#pragma once
// Weights in files, of models and of tensors alone, as the commands that take a file use them.

#include <filesystem>
#include <string>
#include <tapegrad/core/named_tensors.hpp>
#include <tapegrad/graph/computation_graph.hpp>

namespace tapegrad::tools {

/// All tensors of a model in an ONNX file, of a file of tensors or of the folder of a trained model.
NamedTensors weights_in(const std::filesystem::path& path);

/// The tensors as leaves, in scopes by the parts of their names.
graph::ComputationGraph tree_graph(const NamedTensors& tensors, std::string title);

struct WeightDifference {
  std::string text;  ///< a line for each tensor that differs, by name, and one that counts them
  bool any = false;
};
/// The norm of what was added to each tensor, also in parts of the norm before.
WeightDifference weight_difference(const NamedTensors& before, const NamedTensors& after);

}  // namespace tapegrad::tools
