#pragma once
// Recorded computations as ONNX files.
//
//   Tensor scores = model(images);
//   onnx::save("classifier.onnx", {{"scores", scores}}, {.inputs = {{"images", images}}, .parameters = model.state()});
//
// A gradient that create_graph recorded is written like any other value; give grad() a cotangent and keep it, since the
// record does not hold the value of the one that it makes itself.

#include <filesystem>
#include <map>
#include <string>
#include <tapegrad/core/named_tensors.hpp>

namespace tapegrad::onnx {

struct SaveOptions {
  NamedTensors inputs{};      ///< leaves that the graph takes from outside, in this order
  NamedTensors parameters{};  ///< names for other leaves, whose values the file has: those of a module, say
  std::map<std::string, std::string> metadata{};
};

/// Writes what the outputs were computed from, of opset 17, for inputs of the recorded shapes; as a whole or not at
/// all. What is computed without a gradient is a value of the file, unless a Trace is open while it is computed. Throws
/// ValueError that lists all operations without an equivalent in ONNX, or for names that are equal or empty; GraphError
/// if a value that the file needs is gone; IoError if the file cannot be written.
void save(const std::filesystem::path& path, const NamedTensors& outputs, const SaveOptions& options = {});

}  // namespace tapegrad::onnx
