#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tapegrad/graph/internal/field_text.hpp>
#include <tapegrad/graph/save.hpp>

namespace tapegrad::graph {
namespace {

using Json = nlohmann::ordered_json;

// "encoder/layers/0": the viewer nests at slashes.
std::string name_space(const Vertex& v) {
  std::string path = v.scope;
  std::replace(path.begin(), path.end(), '/', '_');
  std::replace(path.begin(), path.end(), '.', '/');
  if (v.kind != VertexKind::gradient) return path;
  return path.empty() ? "gradients" : "gradients/" + path;
}

std::string label(const Vertex& v) {
  const std::string what = v.op.empty() ? (v.name.empty() ? std::string(to_string(v.kind)) : v.name) : v.op;
  return v.kind == VertexKind::gradient ? "∂ " + what : what;
}

Json attributes(const ComputationGraph& graph, VertexIndex index) {
  const Vertex& v = graph[index];
  Json list = Json::array();
  for_each_text(v, [&](const FieldInfo&, std::string_view key, const std::string& value) {
    list.push_back({{"key", key}, {"value", value}});
  });
  // A list of ids is a link.
  if (const auto twin = graph.twin(index)) {
    list.push_back({{"key", v.kind == VertexKind::gradient ? "gradient of" : "gradient"},
                    {"value", {{"type", "node_ids"}, {"nodeIds", {graph.id(*twin)}}}}});
  }
  return list;
}

Json node(const ComputationGraph& graph, VertexIndex index) {
  const Vertex& v = graph[index];
  Json incoming = Json::array();
  for (const Edge& e : graph.in_edges(index)) {
    Json edge{
        {"sourceNodeId", graph.id(e.from)}, {"sourceNodeOutputId", "0"}, {"targetNodeInputId", std::to_string(e.slot)}};
    if (e.kind != EdgeKind::data) edge["metadata"] = {{"flow", to_string(e.kind)}};
    incoming.push_back(std::move(edge));
  }
  return {{"id", graph.id(index)},
          {"label", label(v)},
          {"namespace", name_space(v)},
          {"attrs", attributes(graph, index)},
          {"incomingEdges", std::move(incoming)},
          {"outputsMetadata",
           {{{"id", "0"}, {"attrs", {{{"key", "tensor_shape"}, {"value", v.dtype + shape_text(v.shape)}}}}}}}};
}

}  // namespace

std::string to_model_explorer(const ComputationGraph& graph) {
  const std::string title = Json(graph.title().empty() ? "tapegrad" : graph.title()).dump();
  std::string text = fmt::format("{{\"label\":{},\"graphs\":[{{\"id\":{},\"nodes\":[", title, title);
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    text += v == 0 ? "\n" : ",\n";
    text += node(graph, v).dump();
  }
  return text + "\n]}]}\n";
}

}  // namespace tapegrad::graph
