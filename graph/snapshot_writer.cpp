#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <nlohmann/json.hpp>
#include <tapegrad/graph/save.hpp>
#include <type_traits>

namespace tapegrad::graph {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no word for them.
Json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

// A field that has its default is left out; a shape never, since [] is a scalar.
void put(Json& object, std::string_view key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}
void put(Json& object, std::string_view key, const std::vector<std::int64_t>& shape) { object[key] = shape; }
void put(Json& object, std::string_view key, double value) {
  if (value != 0) object[key] = value;
}
void put(Json& object, std::string_view key, const std::optional<double>& value) {
  if (value) object[key] = number(*value);
}
template <std::unsigned_integral Value>  // flags and counts
void put(Json& object, std::string_view key, Value value) {
  if (value != 0) object[key] = value;
}
template <class Enum>
requires std::is_enum_v<Enum>
void put(Json& object, std::string_view key, Enum value) {
  if (value != Enum{}) object[key] = word_of(value);
}
void put(Json& object, std::string_view key, const std::vector<Attribute>& attributes) {
  if (attributes.empty()) return;
  Json list = Json::array();
  for (const Attribute& a : attributes) list.push_back({a.key, a.value});
  object[key] = std::move(list);
}
void put(Json& object, std::string_view key, const std::optional<Statistics>& statistics) {
  if (!statistics) return;
  Json measured = Json::object();
  for_each_field<Statistics>([&](const auto& field) { put(measured, field.info.name, (*statistics).*field.member); });
  object[key] = std::move(measured);
}

Json to_json_object(const ComputationGraph& graph, VertexIndex index) {
  const Vertex& v = graph[index];
  const bool is_gradient = v.kind == VertexKind::gradient;
  Json object{{"id", graph.id(index)}};
  if (is_gradient) object["of"] = graph.id(graph.value_of(index));
  for_each_field<Vertex>([&](const auto& field) {
    if (!is_gradient || !field.info.follows_value) put(object, field.info.name, v.*field.member);
  });
  return object;
}

Json to_json_object(const ComputationGraph& graph, const Edge& edge) {
  Json object{{"from", graph.id(edge.from)}, {"to", graph.id(edge.to)}, {"slot", 0}};
  for_each_field<Edge>([&](const auto& field) { put(object, field.info.name, edge.*field.member); });
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
  for (const Edge& e : graph.edges()) {
    text += &e == graph.edges().data() ? "\n" : ",\n";
    text += to_json_object(graph, e).dump();
  }
  text += "\n]\n}\n";
  return text;
}

}  // namespace tapegrad::graph
