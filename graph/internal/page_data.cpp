#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/explain.hpp>
#include <tapegrad/graph/internal/escape.hpp>
#include <tapegrad/graph/internal/field_text.hpp>
#include <tapegrad/graph/internal/labels.hpp>
#include <tapegrad/graph/internal/page_data.hpp>
#include <unordered_map>

namespace tapegrad::graph {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostCharacters = 200;
constexpr std::size_t kMostRows = 2'000;
// Why a value has no gradient takes a walk through the graph each.
constexpr std::size_t kMostSearched = 20'000'000;

// A list of numbers, as JSON. nlohmann::json would take a hundred bytes for each.
class Column {
 public:
  void add(std::size_t number) { fmt::format_to(next(), "{}", number); }
  void add(std::string_view word) { fmt::format_to(next(), "\"{}\"", word); }
  void add(double number) {
    any_ = any_ || number != 0;
    if (std::isfinite(number)) {
      fmt::format_to(next(), "{:.6g}", number);
    } else {
      add(std::string_view(std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity"));
    }
  }
  void add(const std::optional<double>& number) {
    if (number) {
      add(*number);
    } else {
      fmt::format_to(next(), "null");
    }
    any_ = any_ || number;
  }
  bool any() const { return any_; }
  std::string text() const { return fmt::format("[{}]", std::string_view(text_.data(), text_.size())); }

 private:
  std::back_insert_iterator<fmt::memory_buffer> next() {
    if (text_.size() > 0) text_.push_back(',');
    return std::back_inserter(text_);
  }
  fmt::memory_buffer text_;
  bool any_ = false;
};

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Each text once, known by its place in the list.
class Words {
 public:
  std::size_t operator()(std::string text) {
    const auto [place, is_new] = places_.try_emplace(std::move(text), places_.size());
    if (is_new) list_.push_back(place->first);
    return place->second;
  }
  std::string text() const { return dumped(list_); }

 private:
  std::unordered_map<std::string, std::size_t> places_;
  Json list_ = Json::array();
};

// An object whose members are JSON already.
class Object {
 public:
  void add(std::string_view key, const std::string& json) {
    text_ += fmt::format("{}\"{}\":{}", text_.empty() ? "" : ",\n", key, json);
  }
  std::string text() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

class PageData {
 public:
  PageData(const Sketch& layers, const DrawOptions& options, const std::map<VertexIndex, Mark>* marks)
      : layers_(layers), graph_(layers.graph()), whole_(graph_), options_(options), marks_(marks) {
    if (graph_.size() > 0) first_bad_ = first_bad_vertex(graph_);
  }

  std::string text() {
    Object all;
    all.add("frames", frames(whole_));
    all.add("values", values());
    all.add("gradients", gradients());
    all.add("edges", edges(graph_.edges(), [&](VertexIndex v) { return std::size_t{graph_.value_of(v)}; }));
    all.add("kinds", kinds_.text());
    all.add("words", words_.text());
    if (layers_.items().size() < whole_.items().size()) all.add("layers", folded());
    if (!marks_) all.add("explanations", explained());
    if (!marks_ && graph_.size() > 0) all.add("memory", memory());
    std::string text = all.text();
    for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at))
      text.replace(at, 1, "\\u003c");
    return text;
  }

 private:
  static std::string frames(const Sketch& sketch) {
    Json list = Json::array();
    for (FrameIndex f = 1; f < sketch.frames().size(); ++f) {
      const Frame& frame = sketch.frames()[f];
      list.push_back({frame.parent, page_line(frame.name)});
      if (frame.times > 1) list.back().push_back(frame.times);
    }
    return dumped(list);
  }

  // Bytes alive over the recording: the largest of each stretch, with its value, and whether it is the gradient's.
  std::string memory() const {
    constexpr std::size_t kMostPoints = 1'000;
    const std::vector<double> live = estimate_memory(graph_).live;
    const std::size_t stretch = (live.size() + kMostPoints - 1) / kMostPoints;
    Column points;
    for (std::size_t begin = 0; begin < live.size(); begin += stretch) {
      const auto from = live.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto most =
          std::max_element(from, from + static_cast<std::ptrdiff_t>(std::min(stretch, live.size() - begin)));
      const auto at = static_cast<VertexIndex>(most - live.begin());
      points.add(std::size_t{graph_.value_of(at)});
      points.add(std::size_t{at >= graph_.forward_size()});
      points.add(*most);
    }
    return points.text();
  }

  // What a vertex is, its op, the group and the formula of that.
  std::size_t kind_of(const Vertex& v) {
    return kinds_(page_line(v.kind == VertexKind::op ? v.op : to_string(v.kind)) + '\n' +
                  std::string(to_string(v.kind)) + '\n' + page_line(v.family) + '\n' + page_line(v.formula));
  }

  std::string values() {
    Column kinds, frames, values, names, sources, attributes;
    Json remarks = Json::object();
    std::size_t parameters = 0;
    for (const Vertex& v : graph_.vertices()) parameters += v.kind == VertexKind::parameter;
    const bool explains = parameters * graph_.size() <= kMostSearched;
    words_("");
    for (VertexIndex v = 0; v < graph_.forward_size(); ++v) {
      const Vertex& vertex = graph_[v];
      kinds.add(kind_of(vertex));
      frames.add(std::size_t{whole_.items()[v].frame});
      values.add(words_(page_line(value_text(vertex))));
      names.add(words_(page_line(vertex.name)));
      sources.add(words_(page_line(vertex.source)));
      attributes.add(words_(page_line(attributes_text(vertex.attributes))));
      Json lines = remarks_of(v, explains);
      if (!lines.empty()) remarks[std::to_string(v)] = std::move(lines);
    }
    Object all;
    all.add("kind", kinds.text());
    all.add("frame", frames.text());
    all.add("value", values.text());
    all.add("name", names.text());
    all.add("source", sources.text());
    all.add("attributes", attributes.text());
    all.add("remarks", dumped(remarks));
    all.add("numbers", numbers([](VertexIndex v) { return std::optional(v); }));
    return all.text();
  }

  std::string gradients() const {
    std::string has;
    for (VertexIndex v = 0; v < graph_.forward_size(); ++v) has += graph_.twin(v) ? '1' : '0';
    Object all;
    all.add("has", '"' + has + '"');
    all.add("numbers", numbers([&](VertexIndex v) { return graph_.twin(v); }));
    return all.text();
  }

  // Costs and measurements, a column each, of the values or of what `of` says for each.
  template <class Of>
  std::string numbers(const Of& of) const {
    Object all;
    const auto add = [&](std::string_view name, const auto& number) {
      Column column;
      for (VertexIndex v = 0; v < graph_.forward_size(); ++v) {
        const std::optional<VertexIndex> vertex = of(v);
        column.add(vertex ? number(graph_[*vertex]) : decltype(number(graph_[0])){});
      }
      if (column.any()) all.add(name, column.text());
    };
    for_each_field<Vertex>([&](const auto& field) {
      using Value = std::remove_cvref_t<decltype(Vertex{}.*field.member)>;
      if constexpr (std::same_as<Value, double> || std::same_as<Value, std::optional<double>>)
        add(field.info.name, [&](const Vertex& v) { return v.*field.member; });
    });
    for_each_field<Statistics>([&](const auto& field) {
      using Value = std::remove_cvref_t<decltype(Statistics{}.*field.member)>;
      using Number = std::conditional_t<std::same_as<Value, std::uint64_t>, double, Value>;
      add(field.info.name, [&](const Vertex& v) {
        return v.statistics ? static_cast<Number>((*v.statistics).*field.member) : Number{};
      });
    });
    add("parameters", [](const Vertex& v) { return v.kind == VertexKind::parameter ? element_count(v) : 0; });
    return all.text();
  }

  // Numbers of the ends of edges between values, between gradients, and from values to gradients; and of those that
  // lead from a block to its next repetition.
  template <class Edges, class Number>
  static std::string edges(const Edges& all, const Number& number_of) {
    Object columns;
    Column loops;
    for (const EdgeKind kind : {EdgeKind::data, EdgeKind::gradient, EdgeKind::saved}) {
      Column ends;
      for (const auto& e : all) {
        if (e.kind != kind) continue;
        const bool is_loop = steps_of(e) > 0;
        if (is_loop && kind != EdgeKind::data) continue;
        Column& column = is_loop ? loops : ends;
        column.add(number_of(e.from));
        column.add(number_of(e.to));
      }
      columns.add(to_string(kind), ends.text());
    }
    columns.add("loops", loops.text());
    return columns.text();
  }
  static std::uint32_t steps_of(const Edge&) { return 0; }
  static std::uint32_t steps_of(const SketchEdge& e) { return e.steps; }

  // The script knows some of them by their beginning.
  Json remarks_of(VertexIndex v, bool explains) const {
    Json lines = Json::array();
    const auto add = [&](std::string_view remark) {
      std::string line = shorten(drawable(remark), 4 * kMostCharacters);
      std::replace(line.begin(), line.end(), '\n', ' ');
      lines.push_back(std::move(line));
    };
    const Vertex& vertex = graph_[v];
    if (marks_) {
      if (const auto mark = marks_->find(v); mark != marks_->end())
        add(fmt::format("{} {}", mark->second.sign, fmt::join(mark->second.lines, "; ")));
    }
    if (vertex.failed) add("failed");
    if (first_bad_ == v) add("first bad value");
    if (first_bad_ && first_bad_ == graph_.twin(v)) add("first bad gradient");
    if (vertex.is_view) add("view");
    if (vertex.changes > 0) add(fmt::format("changed in place × {}", vertex.changes));
    if (vertex.released) add("what it kept was freed by backward");
    if (vertex.stop != GradientStop::none) add(fmt::format("⊣ {}", to_string(vertex.stop)));
    if (vertex.kind == VertexKind::parameter && explains && graph_.size() > graph_.forward_size())
      add(explain_gradient(graph_, v).text);
    return lines;
  }

  // The layer view: whom each value is drawn in, and what is written there unless that is one value and no more.
  std::string folded() const {
    const DrawOptions plain{.shapes = options_.shapes};
    const DiagramStyle style;
    const NodeWriter writer(layers_, plain, style);
    Column of, frames;
    for (VertexIndex v = 0; v < graph_.forward_size(); ++v) of.add(std::size_t{layers_.item_of(v)});
    Json nodes = Json::object();
    for (ItemIndex i = 0; i < layers_.items().size(); ++i) {
      const Item& item = layers_.items()[i];
      frames.add(std::size_t{item.frame});
      if (item.kind == Item::Kind::vertex && item.members.size() == 1 && item.listed.empty() && item.title.empty())
        continue;
      const DiagramNode node = writer.node(i, false);
      Json json{{"shown", item.shown}, {"lines", node.lines}, {"paint", style_of(node.paint).name}};
      if (item.kind == Item::Kind::layer) json["core"] = item.core;
      if (item.kind == Item::Kind::scope) json["closed"] = true;
      if (item.times > 1) json["times"] = item.times;
      if (has_gradient(item)) json["gradient"] = writer.node(i, true).lines;
      nodes[std::to_string(i)] = std::move(json);
    }
    Object all;
    all.add("frames", PageData::frames(layers_));
    all.add("of", of.text());
    all.add("frame", frames.text());
    all.add("nodes", dumped(nodes));
    all.add("edges", edges(layers_.edges(), [](ItemIndex i) { return std::size_t{i}; }));
    return all.text();
  }

  bool has_gradient(const Item& item) const {
    return std::any_of(item.members.begin(), item.members.end(),
                       [&](VertexIndex m) { return graph_.twin(m).has_value(); });
  }

  std::string explained() const {
    Json list = Json::array();
    if (graph_.size() == 0) return dumped(list);
    for (const Explanation& one : explanations(graph_)) {
      constexpr std::size_t kMostLinks = 5;
      Json where = Json::array();
      for (const VertexIndex v : one.where)
        if (where.size() < kMostLinks) where.push_back(graph_.value_of(v));
      list.push_back({{"text", drawable(one.text)}, {"where", where}});
    }
    return dumped(list);
  }

  const Sketch& layers_;
  const ComputationGraph& graph_;
  const Sketch whole_;
  const DrawOptions& options_;
  const std::map<VertexIndex, Mark>* marks_;
  std::optional<VertexIndex> first_bad_;
  Words kinds_, words_;
};

}  // namespace

std::string page_line(std::string_view text) {
  std::string line = shorten(drawable(text), kMostCharacters);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string page_data(const Sketch& layers, const DrawOptions& options, const std::map<VertexIndex, Mark>* marks) {
  return PageData(layers, options, marks).text();
}

std::string page_rows(const Sketch& layers) {
  const DrawOptions plain;
  const DiagramStyle style;
  const NodeWriter writer(layers, plain, style);
  const Neighbours neighbours(layers);
  const std::size_t shown = std::min(kMostRows, layers.items().size());
  std::string rows;
  for (ItemIndex i = 0; i < shown; ++i) {
    const DiagramNode node = writer.node(i, false);
    std::vector<std::string> inputs;
    for (const ItemIndex input : neighbours.producers[i])
      inputs.push_back(layers.graph().id(layers.items()[input].shown));
    rows += fmt::format("<tr><td>{}<td>{}<td>{}<td>{}<td>{}\n", node.id, xml_text(layers.path(layers.items()[i].frame)),
                        xml_text(node.lines.front()),
                        xml_text(fmt::format("{}", fmt::join(node.lines.begin() + 1, node.lines.end(), "; "))),
                        fmt::join(inputs, " "));
  }
  if (shown < layers.items().size())
    rows += fmt::format("<tr><td colspan=5>and {} more, which the page shows where JavaScript is on\n",
                        grouped(static_cast<double>(layers.items().size() - shown)));
  return rows;
}

}  // namespace tapegrad::graph
