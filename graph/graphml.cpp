#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <tapegrad/graph/internal/escape.hpp>
#include <tapegrad/graph/internal/field_text.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <tapegrad/graph/save.hpp>
#include <type_traits>

namespace tapegrad::graph {
namespace {

// GraphML's names of types. Lists are text.
template <class T>
constexpr std::string_view type_of() {
  if constexpr (std::same_as<T, bool>) return "boolean";
  if constexpr (std::same_as<T, double> || std::same_as<T, std::optional<double>>) return "double";
  if constexpr (std::unsigned_integral<T>) return sizeof(T) < sizeof(std::uint64_t) ? "int" : "long";
  return "string";
}

// What a datum says; empty for a default.
std::string datum(const std::string& text) { return text; }
std::string datum(const std::vector<std::int64_t>& shape) { return shape_text(shape); }
std::string datum(const std::vector<Attribute>& attributes) { return attributes_text(attributes); }
template <std::unsigned_integral Count>
std::string datum(Count count) {
  return std::to_string(count);  // Boost does not read "true"
}
// XML Schema spells the values that are not finite in its own way.
std::string datum(const std::optional<double>& number) {
  if (!number) return "";
  if (std::isnan(*number)) return "NaN";
  if (std::isinf(*number)) return *number > 0 ? "INF" : "-INF";
  return fmt::format("{}", *number);
}
std::string datum(double cost) { return cost == 0 ? "" : datum(std::optional(cost)); }
template <class Enum>
requires std::is_enum_v<Enum> std::string datum(Enum value) { return std::string(word_of(value)); }

class GraphMlWriter {
 public:
  explicit GraphMlWriter(const ComputationGraph& graph) : graph_(graph) {}

  std::string write() {
    put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" "
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        "xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns "
        "http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">\n");
    put_keys<Vertex>("node");
    put_key("twin", "node", "string");
    put_keys<Edge>("edge");
    put("<graph id=\"{}\" edgedefault=\"directed\">\n",
        graph_.title().empty() ? "tapegrad" : xml_text(drawable(graph_.title())));
    for (VertexIndex v = 0; v < graph_.size(); ++v) write_vertex(v);
    for (const Edge& e : graph_.edges()) {
      put("<edge source=\"{}\" target=\"{}\">", graph_.id(e.from), graph_.id(e.to));
      put_data(e);
      put("</edge>\n");
    }
    put("</graph>\n</graphml>\n");
    return std::move(text_);
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  void put_key(std::string_view key, std::string_view element, std::string_view type) {
    put("<key id=\"{}\" for=\"{}\" attr.name=\"{}\" attr.type=\"{}\"/>\n", key, element, key, type);
  }
  void put_datum(std::string_view key, const std::string& value) {
    if (!value.empty()) put("<data key=\"{}\">{}</data>", key, xml_text(drawable(value)));
  }

  // A key is of nodes or of edges: the kind of an edge has another name than that of a node.
  template <class Owner>
  static std::string_view key_of(const FieldInfo& info) {
    return std::same_as<Owner, Edge> && info.name == "kind" ? "flow" : info.name;
  }

  // Statistics have no key of their own: each of them is one.
  template <class Owner>
  void put_keys(std::string_view element) {
    for_each_field<Owner>([&](const auto& field) {
      using Value = std::remove_cvref_t<decltype(Owner{}.*field.member)>;
      if constexpr (std::same_as<Value, std::optional<Statistics>>)
        put_keys<Statistics>(element);
      else
        put_key(key_of<Owner>(field.info), element, type_of<Value>());
    });
  }

  template <class Owner>
  void put_data(const Owner& owner) {
    for_each_field<Owner>([&](const auto& field) {
      const auto& value = owner.*field.member;
      if constexpr (std::same_as<std::remove_cvref_t<decltype(value)>, std::optional<Statistics>>) {
        if (value) put_data(*value);
      } else {
        // What is not so, or was not counted, is not said of a vertex.
        if constexpr (std::same_as<Owner, Vertex> && std::unsigned_integral<std::remove_cvref_t<decltype(value)>>)
          if (value == 0) return;
        put_datum(key_of<Owner>(field.info), datum(value));
      }
    });
  }

  void write_vertex(VertexIndex index) {
    put("<node id=\"{}\">", graph_.id(index));
    put_data(graph_[index]);
    if (const auto twin = graph_.twin(index)) put_datum("twin", graph_.id(*twin));
    put("</node>\n");
  }

  const ComputationGraph& graph_;
  std::string text_;
};

}  // namespace

std::string to_graphml(const ComputationGraph& graph) { return GraphMlWriter(graph).write(); }

}  // namespace tapegrad::graph
