// Every format has every field that a vertex and an edge list.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <concepts>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/save.hpp>

#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using ::testing::HasSubstr;

// ---- a value that is no default, of any type that a field may have --------------------------------------------------

void fill(std::string& text, std::string_view name) { text = fmt::format("some_{}", name); }
void fill(std::vector<std::int64_t>& shape, std::string_view) { shape = {2, 3}; }
void fill(std::vector<Attribute>& attributes, std::string_view name) {
  attributes = {{fmt::format("first_{}", name), "1"}, {"second", "b"}};
}
void fill(double& cost, std::string_view) { cost = 4096; }
void fill(std::optional<double>& measured, std::string_view) { measured = 0.5; }
template <std::unsigned_integral Count>
void fill(Count& count, std::string_view) {
  count = 1;
}
template <class Enum>
requires std::is_enum_v<Enum>
void fill(Enum& value, std::string_view) { value = Enum{1}; }
void fill(std::optional<Statistics>& statistics, std::string_view) {
  for_each_field<Statistics>(
      [&, &s = statistics.emplace()](const auto& field) { fill(s.*field.member, field.info.name); });
}

Vertex filled_vertex() {
  Vertex v;
  for_each_field<Vertex>([&](const auto& field) { fill(v.*field.member, field.info.name); });
  return v;
}

/// A vertex with all fields, one that takes it, and an edge of each kind between them and their gradients.
ComputationGraph filled_graph() {
  GraphBuilder builder("filled");
  Vertex user = filled_vertex();
  user.kind = VertexKind::op;
  user.is_call = false;  // or it would have no value to show
  const auto from = builder.add(filled_vertex()), to = builder.add(user);
  builder.connect(from, to, 3);
  builder.mirror_gradients();
  builder.connect(from, *builder.gradient_of(to), 0, EdgeKind::saved, 0.25);
  return std::move(builder).build();
}

template <class Owner>
std::vector<FieldInfo> fields_of() {
  std::vector<FieldInfo> infos;
  for_each_field<Owner>([&](const auto& field) { infos.push_back(field.info); });
  return infos;
}

/// The value of a key of GraphML in an element.
std::string datum(const std::string& element, std::string_view key) {
  const std::string open = fmt::format("<data key=\"{}\">", key);
  const std::size_t begin = element.find(open);
  if (begin == std::string::npos) return "";
  return element.substr(begin + open.size(), element.find('<', begin + 1) - begin - open.size());
}

TEST(Fields, AreAllInASnapshot) {
  const ComputationGraph graph = filled_graph();
  const std::string text = to_json(graph);
  EXPECT_EQ(from_json(text), graph);
  const auto json = nlohmann::json::parse(text);
  for (const FieldInfo& info : fields_of<Vertex>()) EXPECT_TRUE(json["vertices"][0].contains(info.name)) << info.name;
  for (const FieldInfo& info : fields_of<Statistics>())
    EXPECT_TRUE(json["vertices"][0]["statistics"].contains(info.name)) << info.name;
  const auto& saved = *std::find_if(json["edges"].begin(), json["edges"].end(),
                                    [](const auto& e) { return e.contains("kind") && e["kind"] == "saved"; });
  for (const FieldInfo& info : fields_of<Edge>()) EXPECT_TRUE(saved.contains(info.name)) << info.name;
}

TEST(Fields, AreAllInGraphMl) {
  const std::string text = to_graphml(filled_graph());
  const std::size_t node = text.find("<node id=\"n0\">"), edge = text.find("<edge ");
  const std::string vertex = text.substr(node, text.find("</node>", node) - node);
  std::vector<FieldInfo> infos = fields_of<Vertex>();
  for (const FieldInfo& info : fields_of<Statistics>()) infos.push_back(info);
  for (const FieldInfo& info : infos) {
    if (info.name == "statistics") continue;  // they are keys of their own
    EXPECT_THAT(text, HasSubstr(fmt::format("<key id=\"{}\" for=\"node\"", info.name)));
    EXPECT_NE(datum(vertex, info.name), "") << info.name;
  }
  EXPECT_EQ(datum(vertex, "is_call"), "1");
  EXPECT_EQ(datum(vertex, "mean"), "0.5");
  EXPECT_EQ(datum(vertex, "attributes"), "first_attributes=1, second=b");
  const std::string first_edge = text.substr(edge, text.find("</edge>", edge) - edge);
  EXPECT_EQ(datum(first_edge, "slot"), "3");
  EXPECT_EQ(datum(first_edge, "flow"), "data");
}

TEST(Fields, AreAllInModelExplorer) {
  const auto json = nlohmann::json::parse(to_model_explorer(filled_graph()));
  std::map<std::string, std::string> shown;
  for (const auto& attribute : json["graphs"][0]["nodes"][0]["attrs"])
    if (attribute["value"].is_string()) shown[attribute["key"]] = attribute["value"];
  std::vector<FieldInfo> infos = fields_of<Vertex>();
  for (const FieldInfo& info : fields_of<Statistics>()) infos.push_back(info);
  for (const FieldInfo& info : infos) {
    if (info.name == "statistics" || info.name == "attributes") continue;  // each has a key of its own
    EXPECT_TRUE(shown.contains(std::string(info.label.empty() ? info.name : info.label))) << info.name;
  }
  EXPECT_EQ(shown["first_attributes"], "1");
  EXPECT_EQ(shown["saved for backward"], "4.0 KiB");
}

TEST(Fields, WithALabelAreInTooltips) {
  const std::string text = to_dot(filled_graph());
  for (const FieldInfo& info : fields_of<Vertex>()) {
    if (info.label.empty() || info.name == "attributes") continue;
    EXPECT_THAT(text, HasSubstr(std::string(info.label) + ": "));
  }
  EXPECT_THAT(text, HasSubstr("first_attributes: 1"));
}

TEST(Fields, ThatAreComparedMakeADifference) {
  const auto graph_of = [](const Vertex& v) {
    GraphBuilder builder;
    builder.add(v);
    return std::move(builder).build();
  };
  for_each_field<Vertex>([&](const auto& field) {
    if (field.info.name == "kind" || field.info.name == "statistics") return;  // what tells vertices apart; see below
    Vertex before, after;
    fill(after.*field.member, field.info.name);
    const bool differs = !diff(graph_of(before), graph_of(after), {.seconds = true}).empty();
    EXPECT_EQ(differs, field.info.compare != Compare::never) << field.info.name;
  });
  for_each_field<Statistics>([&](const auto& field) {
    Vertex before, after;
    before.statistics.emplace();
    fill(after.statistics.emplace().*field.member, field.info.name);
    EXPECT_FALSE(diff(graph_of(before), graph_of(after)).empty()) << field.info.name;
  });
}

TEST(Fields, CostsAreAllInThePage) {
  const std::string text = to_html(filled_graph());
  for (const FieldInfo& info : fields_of<Vertex>()) {
    if (info.unit == Unit::none) continue;
    EXPECT_THAT(text, HasSubstr("\"" + std::string(info.name) + "\":["));
  }
  for (const FieldInfo& info : fields_of<Statistics>())
    EXPECT_THAT(text, HasSubstr("\"" + std::string(info.name) + "\":["));
}

// ---- docs/graph-snapshot.md -----------------------------------------------------------------------------------------

template <class T>
std::string type_text() {
  if constexpr (std::same_as<T, std::string>) return "string";
  if constexpr (std::same_as<T, bool>) return "boolean";
  if constexpr (std::same_as<T, double>) return "number ≥ 0";
  if constexpr (std::same_as<T, std::optional<double>>) return "number";
  if constexpr (std::unsigned_integral<T>) return "whole number";
  if constexpr (std::same_as<T, std::vector<std::int64_t>>) return "array of whole numbers";
  if constexpr (std::same_as<T, std::vector<Attribute>>) return "array of `[key, value]`";
  if constexpr (std::is_enum_v<T>) {
    std::string text;
    for (const std::string_view word : kWords<T>)
      text += fmt::format("{}`{}`{}", text.empty() ? "" : ", ", word, text.empty() ? " (default)" : "");
    return text;
  }
  return "object";
}

template <class Owner>
std::string rows() {
  std::string text;
  for_each_field<Owner>([&](const auto& field) {
    using Value = std::remove_cvref_t<decltype(Owner{}.*field.member)>;
    text += fmt::format("| `{}` | {} | {} |\n", field.info.name, type_text<Value>(), field.info.doc);
  });
  return text;
}

TEST(Fields, AreDocumentedAsTheyAre) {
  std::ifstream file(TAPEGRAD_DOCS "/graph-snapshot.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_THAT(page.str(), HasSubstr(rows<Vertex>()));
  EXPECT_THAT(page.str(), HasSubstr(rows<Statistics>()));
  EXPECT_THAT(page.str(), HasSubstr(rows<Edge>()));
}

}  // namespace
}  // namespace tapegrad::graph
