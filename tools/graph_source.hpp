#pragma once
// Where commands take graphs from.

#include <filesystem>
#include <string>
#include <tapegrad/graph/computation_graph.hpp>

#include "onnx_model.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tapegrad::tools {

/// The text of a file, or of standard input for "-". IoError says what to give instead, `what_to_give`.
std::string read_source(const std::filesystem::path& path, const char* what_to_give);

/// The graph of a snapshot, of an ONNX model or of a trained model's folder; of a snapshot on standard input for "-".
graph::ComputationGraph load_graph(const std::string& source, const InputSource& inputs = {});

/// --example, whose value names a model that is built in.
CLI::Option* add_example_option(CLI::App& command, std::string& name);

}  // namespace tapegrad::tools
