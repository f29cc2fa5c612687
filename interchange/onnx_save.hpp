#pragma once
// Recorded computations as ONNX files.
//
//   Tensor scores = model(images);
//   onnx::save("classifier.onnx", {{"scores", scores}}, {.inputs = {{"images", images}}, .parameters = model.state()});
//
// For any number of images, it is recorded for a few of them:
//
//   onnx::save("classifier.onnx", {{"batch"}}, [&](const onnx::Sizes& size) {
//     Tensor images = zeros({size.at("batch"), 1, 28, 28});
//     return onnx::Recording{.inputs = {{"images", images}}, .outputs = {{"scores", model(images)}}};
//   }, {.parameters = model.state()});
//
// A gradient that create_graph recorded is written like any other value; give grad() a cotangent and keep it, since the
// record does not hold the value of the one that it makes itself.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <tapegrad/core/named_tensors.hpp>
#include <vector>

namespace tapegrad::onnx {

/// Of save().
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

/// An extent that the file leaves open.
struct Size {
  std::string name;
  std::int64_t least = 2;  ///< what it is recorded at: this, the next one, and twice as much and a little more
};
/// Sizes by name.
using Sizes = std::map<std::string, std::int64_t>;

/// What a recording took and gave, by the names that the file is to have.
struct Recording {
  NamedTensors inputs, outputs;
};
/// Computes the outputs of inputs of these sizes; calls come with a Trace open, so that all is recorded.
using Recorder = std::function<Recording(const Sizes& sizes)>;

/// The same for sizes that are open, at most four. It is recorded at several, and what differs between them is computed
/// from the inputs' shapes: extents that are products and sums of sizes, numbers and reciprocals of such, constants of
/// one value or in equal steps. Anything else that differs is a ValueError that names it, so nothing of a recorded size
/// stays in the file; a graph that has another form at another size is a GraphError. Each size must be the extent of an
/// input's axis, or that and a constant.
void save(const std::filesystem::path& path, const std::vector<Size>& sizes, const Recorder& record,
          const SaveOptions& options = {});

}  // namespace tapegrad::onnx
