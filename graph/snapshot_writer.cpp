#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <tapegrad/graph/snapshot.hpp>

namespace tapegrad::graph {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no word for them.
Json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

void put(Json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}
void put(Json& object, const char* key, double value) {
  if (value != 0) object[key] = value;
}
void put(Json& object, const char* key, std::uint64_t value) {
  if (value != 0) object[key] = value;
}
void put(Json& object, const char* key, bool value) {
  if (value) object[key] = true;
}
void put(Json& object, const char* key, const std::optional<double>& value) {
  if (value) object[key] = number(*value);
}

Json to_json_object(const Statistics& s) {
  Json object = Json::object();
  put(object, "min", s.min);
  put(object, "max", s.max);
  put(object, "mean", s.mean);
  put(object, "norm", s.norm);
  put(object, "nan", s.nan);
  put(object, "inf", s.inf);
  put(object, "zero", s.zero);
  return object;
}

Json to_json_object(const ComputationGraph& graph, VertexIndex index) {
  const Vertex& v = graph[index];
  Json object{{"id", graph.id(index)}};
  if (v.kind == VertexKind::gradient) {
    object["of"] = graph.id(graph.value_of(index));
  } else {
    if (v.kind != VertexKind::op) object["kind"] = to_string(v.kind);
    put(object, "op", v.op);
    put(object, "family", v.family);
    put(object, "name", v.name);
    put(object, "scope", v.scope);
    object["shape"] = v.shape;
    put(object, "dtype", v.dtype);
  }
  if (!v.attributes.empty()) {
    Json attributes = Json::array();
    for (const Attribute& a : v.attributes) attributes.push_back({a.key, a.value});
    object["attributes"] = std::move(attributes);
  }
  put(object, "formula", v.formula);
  put(object, "source", v.source);
  put(object, "flops", v.flops);
  put(object, "bytes", v.bytes);
  put(object, "saved_bytes", v.saved_bytes);
  put(object, "requires_grad", v.requires_grad);
  put(object, "is_view", v.is_view);
  put(object, "failed", v.failed);
  if (v.stop != GradientStop::none) object["stop"] = to_string(v.stop);
  if (v.statistics) object["statistics"] = to_json_object(*v.statistics);
  put(object, "seconds", v.seconds);
  return object;
}

}  // namespace

std::string to_json(const ComputationGraph& graph) {
  std::string text =
      fmt::format("{{\n\"format\": \"tapegrad-graph\",\n\"version\": {},\n\"title\": {},\n\"vertices\": [",
                  kSnapshotVersion, Json(graph.title()).dump());
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    text += v == 0 ? "\n" : ",\n";
    text += to_json_object(graph, v).dump();
  }
  text += "\n],\n\"edges\": [";
  bool first = true;
  for (const Edge& e : graph.edges()) {
    fmt::format_to(std::back_inserter(text), "{}{{\"from\":\"{}\",\"to\":\"{}\",\"slot\":{}", first ? "\n" : ",\n",
                   graph.id(e.from), graph.id(e.to), e.slot);
    if (e.kind != EdgeKind::data) fmt::format_to(std::back_inserter(text), ",\"kind\":\"{}\"", to_string(e.kind));
    text += '}';
    first = false;
  }
  text += "\n]\n}\n";
  return text;
}

}  // namespace tapegrad::graph
