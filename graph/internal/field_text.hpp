#pragma once
// Fields of a vertex as people read them, and the costs among them.

#include <concepts>
#include <optional>
#include <string>
#include <tapegrad/graph/computation_graph.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <type_traits>

namespace tapegrad::graph {

/// "axis=1, keep=true"
std::string attributes_text(const std::vector<Attribute>& attributes);

/// "1.25 ms", or what else the unit says.
std::string quantity_text(Unit unit, double quantity);

/// Empty where the field has its default.
inline std::string field_text(const FieldInfo&, const std::string& text) { return text; }
inline std::string field_text(const FieldInfo&, const std::vector<std::int64_t>& shape) { return shape_text(shape); }
inline std::string field_text(const FieldInfo& info, double cost) {
  return cost == 0 ? "" : quantity_text(info.unit, cost);
}
inline std::string field_text(const FieldInfo& info, const std::optional<double>& measured) {
  return measured ? quantity_text(info.unit, *measured) : "";
}
template <std::unsigned_integral Count>
std::string field_text(const FieldInfo&, Count count) {
  if constexpr (std::same_as<Count, bool>) return count ? "yes" : "";
  return count == 0 ? "" : std::to_string(count);
}
template <class Enum>
requires std::is_enum_v<Enum> std::string field_text(const FieldInfo&, Enum value) {
  return value == Enum{} ? "" : std::string(word_of(value));
}

/// Calls show(info, text) for each field that is not at its default; attributes and statistics one by one, with the
/// info of the whole.
template <class Show>
void for_each_text(const Vertex& v, const Show& show) {
  for_each_field<Vertex>([&](const auto& field) {
    const auto& value = v.*field.member;
    if constexpr (std::same_as<std::remove_cvref_t<decltype(value)>, std::vector<Attribute>>) {
      for (const Attribute& a : value) show(field.info, a.key, a.value);
    } else if constexpr (std::same_as<std::remove_cvref_t<decltype(value)>, std::optional<Statistics>>) {
      if (!value) return;
      for_each_field<Statistics>([&](const auto& measured) {
        const std::string text = field_text(measured.info, (*value).*measured.member);
        if (!text.empty()) show(measured.info, measured.info.name, text);
      });
    } else {
      const std::string text = field_text(field.info, value);
      const std::string_view key = field.info.label.empty() ? field.info.name : field.info.label;
      if (!text.empty()) show(field.info, key, text);
    }
  });
}

/// Calls visit(info, total) for each cost (arithmetic, bytes, time), with its sum over the vertices.
template <class Vertices, class Visit>
void for_each_cost(const Vertices& vertices, const Visit& visit) {
  for_each_field<Vertex>([&](const auto& field) {
    using Value = std::remove_cvref_t<decltype(Vertex{}.*field.member)>;
    double total = 0;
    if constexpr (std::same_as<Value, double>) {
      for (const Vertex& v : vertices) total += v.*field.member;
      visit(field.info, total);
    } else if constexpr (std::same_as<Value, std::optional<double>>) {
      for (const Vertex& v : vertices) total += (v.*field.member).value_or(0);
      visit(field.info, total);
    }
  });
}

}  // namespace tapegrad::graph
