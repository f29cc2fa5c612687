#pragma once
// Where commands take graphs from.

#include <filesystem>
#include <string>
#include <tapegrad/graph/computation_graph.hpp>

#include "onnx_model.hpp"

namespace tapegrad::tools {

/// The text of a file, or of standard input for "-". IoError says what to give instead, `what_to_give`.
std::string read_source(const std::filesystem::path& path, const char* what_to_give);

/// The graph of a snapshot, of an ONNX model or of a trained model's folder; of a snapshot on standard input for "-".
graph::ComputationGraph load_graph(const std::string& source, const InputSource& inputs = {});

}  // namespace tapegrad::tools
