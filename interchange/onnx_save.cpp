#include <tapegrad/interchange/onnx_save.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/core/version.hpp>
#include <tapegrad/interchange/internal/onnx_sizes.hpp>
#include <unordered_set>

namespace tapegrad::onnx {
namespace {

constexpr std::int64_t kOpset = 17, kIrVersion = 8;
constexpr std::uint64_t kMostBytes = 0x7fff'ffff;  // of a message

/// Leaves out what no output needs.
void prune(schema::Graph& graph) {
  std::unordered_set<std::string> needed;
  for (const schema::ValueInfo& output : graph.output) needed.insert(output.name);
  std::vector<schema::Node> kept;
  for (auto node = graph.node.rbegin(); node != graph.node.rend(); ++node) {
    if (std::ranges::none_of(node->output, [&](const std::string& name) { return needed.contains(name); })) continue;
    needed.insert(node->input.begin(), node->input.end());
    kept.push_back(std::move(*node));
  }
  graph.node.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  std::erase_if(graph.initializer, [&](const schema::Tensor& t) { return !needed.contains(t.name); });
}

void write_model(const std::filesystem::path& path, schema::Graph& graph, const SaveOptions& options) {
  prune(graph);
  schema::Model model;
  model.ir_version = kIrVersion;
  model.producer_name = "tapegrad";
  model.producer_version = version();
  model.opset_import.push_back({"", kOpset});
  for (const auto& [key, value] : options.metadata) model.metadata_props.push_back({key, value});
  graph.name = "graph";
  model.graph = std::move(graph);
  const std::string bytes = protobuf::encode(model);
  if (bytes.size() > kMostBytes)
    throw ValueError(fmt::format("onnx::save: the file would have {} bytes; the format allows 2 GiB", bytes.size()));
  write_file(path, bytes);
}

/// What was recorded at one point.
struct PointRecord {
  PointRecord(const Recorder& record, const Sizes& sizes) : trace(Trace::Keep::measurements), made(record(sizes)) {}
  Trace trace;  // keeps constants that nobody else holds
  Recording made;
};

}  // namespace

void save(const std::filesystem::path& path, const NamedTensors& outputs, const SaveOptions& options) {
  Export exported(outputs, options);
  write_model(path, exported.writer().graph(), options);
}

void save(const std::filesystem::path& path, const std::vector<Size>& sizes, const Recorder& record,
          const SaveOptions& options) {
  if (!options.inputs.empty())
    throw ValueError("onnx::save: the inputs are those of the recording, not of the options");
  const SizeGrid grid(sizes);
  std::vector<std::unique_ptr<Export>> exports;
  std::vector<Export*> all;
  for (const Sizes& point : grid.points()) {
    const PointRecord recorded(record, point);
    SaveOptions each = options;
    each.inputs = recorded.made.inputs;
    all.push_back(exports.emplace_back(std::make_unique<Export>(recorded.made.outputs, each)).get());
  }
  merge_recordings(all, grid);
  write_model(path, all[0]->writer().graph(), options);
}

}  // namespace tapegrad::onnx
