#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <tapegrad/graph/internal/field_text.hpp>
#include <tapegrad/graph/internal/labels.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

constexpr std::size_t kTooltipLimit = 1000;
constexpr std::size_t kFormulaWidth = 48;

// "0.2887" of 0.28867513459481287; other words are as they are.
std::string attribute_text(const std::string& value) {
  constexpr std::size_t kDigits = 4;
  double number = 0;
  const char* const end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, number);
  const bool is_fraction = error == std::errc{} && rest == end && value.find_first_of(".e") != std::string::npos;
  return is_fraction ? fmt::format("{:.{}g}", number, kDigits) : value;
}

Outline outline_of(const Item& item, const Vertex& v, bool gradient) {
  if (!item.is_op_or_layer()) return item.kind == Item::Kind::scope ? Outline::double_box : Outline::note;
  if (gradient) return Outline::hexagon;
  switch (v.kind) {
    case VertexKind::input:
    case VertexKind::output:
      return Outline::stadium;
    case VertexKind::parameter:
      return Outline::cylinder;
    case VertexKind::constant:
      return Outline::note;
    default:
      return Outline::box;
  }
}

Paint paint_of(const Item& item, const Vertex& v, bool gradient) {
  if (!item.is_op_or_layer()) return item.kind == Item::Kind::scope ? Paint::scope : Paint::rest;
  if (gradient) return Paint::gradient;
  switch (v.kind) {
    case VertexKind::input:
      return Paint::input;
    case VertexKind::output:
      return Paint::output;
    case VertexKind::parameter:
      return Paint::parameter;
    case VertexKind::constant:
      return Paint::constant;
    default:
      return paint_of_family(v.family);
  }
}

// "matmul, add, relu": each op once, in the order of recording, as far as there is room.
std::string ops_text(const ComputationGraph& graph, const Item& item, std::size_t room) {
  std::set<std::string_view> seen;
  std::string text;
  for (const VertexIndex member : item.members) {
    const std::string& op = graph[member].op;
    if (op.empty() || !seen.insert(op).second) continue;
    if (!text.empty() && text.size() + op.size() + 5 > room) return text + ", …";
    text += (text.empty() ? "" : ", ") + op;
  }
  return text;
}

}  // namespace

Paint paint_of_family(std::string_view family) {
  for (const Paint paint : {Paint::pointwise, Paint::contraction, Paint::reduction, Paint::shape, Paint::indexing,
                            Paint::normalization, Paint::random, Paint::loss, Paint::recurrence, Paint::algebra}) {
    if (family == style_of(paint).family) return paint;
  }
  return Paint::op;
}

std::string value_text(const Vertex& v) {
  if (v.is_call) return "";
  const std::string shape = v.shape.empty() ? "scalar" : shape_text(v.shape);
  return v.dtype.empty() ? shape : shape + " " + v.dtype;
}

DiagramNode NodeWriter::node(ItemIndex index, bool gradient) const {
  const Item& item = sketch_.items()[index];
  const ComputationGraph& graph = sketch_.graph();
  const VertexIndex shown = gradient ? shown_gradient(item) : item.shown;
  const Vertex& v = graph[shown];
  DiagramNode node;
  node.id = item.is_op_or_layer() ? graph.id(shown) : fmt::format("{}{}", gradient ? 't' : 's', item.members.front());
  node.outline = outline_of(item, v, gradient);
  node.paint = paint_of(item, gradient ? v : named_vertex(item), gradient);
  node.lines.push_back(title(item, v, gradient));
  if (style_.details) add_details(item, v, gradient, node.lines);
  if (const auto overlay = overlay_.label(item, gradient)) {
    node.lines.push_back(overlay->text);
    node.paint = overlay->paint;
  }
  if (style_.marks) add_mark(item, node);
  const bool failed =
      std::any_of(item.members.begin(), item.members.end(), [&](VertexIndex m) { return graph[m].failed; });
  if (failed && !gradient) {
    node.lines.emplace_back("✖ failed");
    node.paint = Paint::alert;
  }
  for (std::string& line : node.lines) line = shorten(drawable(line), style_.line);
  std::erase_if(node.lines, [](const std::string& line) { return line.find_first_not_of(" \n") == std::string::npos; });
  if (node.lines.empty()) node.lines.push_back(node.id);
  node.tooltip = shorten(drawable(tooltip(item, v)), kTooltipLimit);
  return node;
}

// The vertex that an item is called after.
const Vertex& NodeWriter::named_vertex(const Item& item) const {
  return sketch_.graph()[item.kind == Item::Kind::layer ? item.core : item.shown];
}

// The gradient of the vertex shown; the first copy of a block may have none, where the others have one.
VertexIndex NodeWriter::shown_gradient(const Item& item) const {
  const ComputationGraph& graph = sketch_.graph();
  if (const auto own = graph.twin(item.shown)) return *own;
  for (const VertexIndex member : item.members) {
    if (const auto twin = graph.twin(member)) return *twin;
  }
  return item.shown;
}

// A frame says the beginning of the names in it.
std::string NodeWriter::name(const Item& item) const {
  const auto own_part = [&](const Vertex& v) {
    const bool framed = sketch_.frames()[item.frame].depth > 0 && v.name.size() > v.scope.size() + 1 &&
                        v.name.starts_with(v.scope) && v.name[v.scope.size()] == '.';
    return std::string_view(v.name).substr(framed ? v.scope.size() + 1 : 0);
  };
  const ComputationGraph& graph = sketch_.graph();
  return range_name(own_part(graph[item.shown]), own_part(graph[item.members.back()]));
}

void NodeWriter::add_mark(const Item& item, DiagramNode& node) const {
  node.paint = item.kind == Item::Kind::rest ? Paint::rest : Paint::op;
  std::size_t marked = 0;
  for (const VertexIndex member : item.members) {
    const auto mark = style_.marks->find(member);
    if (mark == style_.marks->end()) continue;
    ++marked;
    if (!item.is_op_or_layer()) continue;
    node.paint = mark->second.paint;
    node.lines[0] = mark->second.sign + " " + node.lines[0];
    node.lines.insert(node.lines.end(), mark->second.lines.begin(), mark->second.lines.end());
    return;
  }
  if (marked == 0 || item.kind == Item::Kind::rest) return;
  node.paint = Paint::changed;
  node.lines[0] = "~ " + node.lines[0];
  node.lines.push_back(fmt::format("{} differences", marked));
}

std::string NodeWriter::title(const Item& item, const Vertex& v, bool gradient) const {
  std::string text = item.title;
  if (item.is_op_or_layer()) {
    const Vertex& named = named_vertex(item);
    const std::string own = item.kind == Item::Kind::vertex ? name(item) : "";
    if (!text.empty() && !own.empty()) text += '.';
    text += own;
    const std::string what = v.op.empty() ? std::string(to_string(sketch_.graph()[item.shown].kind)) : named.op;
    if (text.empty() || text == what) {
      text = what;
    } else if (!v.op.empty()) {
      text = what + " · " + text;
    }
  }
  if (gradient) text = "∂ " + text;
  if (item.times > 1) text += times_text(item.times);
  return text;
}

// "weight [512, 784], bias [512]"; of many leaves how large they are.
std::string NodeWriter::leaves_text(const Item& item, bool gradient) const {
  constexpr std::size_t kMostNamed = 4;
  const ComputationGraph& graph = sketch_.graph();
  std::string text;
  double parameters = 0;
  std::size_t named = 0;
  for (const VertexIndex leaf : item.listed) {
    const Vertex& v = graph[leaf];
    if (gradient && !graph.twin(leaf)) continue;
    if (v.kind == VertexKind::parameter) parameters += element_count(v);
    ++named;
    std::string_view own = v.name;
    if (!v.scope.empty() && own.size() > v.scope.size() + 1 && own.starts_with(v.scope) && own[v.scope.size()] == '.')
      own.remove_prefix(v.scope.size() + 1);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", own.empty() ? to_string(v.kind) : own,
                        v.shape.empty() ? "scalar" : shape_text(v.shape));
  }
  if (named > kMostNamed) text = fmt::format("{} parameters", grouped(parameters));
  return text.empty() || !gradient ? text : "∂ of " + text;
}

void NodeWriter::add_details(const Item& item, const Vertex& v, bool gradient, std::vector<std::string>& lines) const {
  const ComputationGraph& graph = sketch_.graph();
  if (item.kind == Item::Kind::rest) {
    lines.push_back(fmt::format("{} not drawn", grouped(static_cast<double>(item.members.size()))));
    return;
  }
  if (item.kind == Item::Kind::scope) {
    if (!gradient) lines.push_back(ops_text(graph, item, style_.line));
    double parameters = 0;
    for (const VertexIndex member : item.members) {
      if (graph[member].kind == VertexKind::parameter) parameters += element_count(graph[member]);
    }
    const double copies = static_cast<double>(item.times) * sketch_.repetitions(item.frame);
    const bool has_result = !is_leaf(graph[item.shown]);
    if (options_.shapes == ShapeLabels::nodes && has_result) lines.push_back(value_text(v));
    if (parameters > 0) {
      lines.push_back(fmt::format("{} parameters{}", grouped(parameters / copies), item.times > 1 ? " each" : ""));
    }
    return;
  }
  const Vertex& named = named_vertex(item);
  const bool is_layer = item.kind == Item::Kind::layer || !item.listed.empty();
  if (style_.attributes && !gradient && is_layer && named.family != "pointwise") {
    for (std::string& line : wrapped(named.formula, kFormulaWidth)) lines.push_back(std::move(line));
  }
  if (style_.attributes && !gradient && item.kind == Item::Kind::vertex) {
    // Copies of a block may differ in them.
    const std::vector<Attribute>& last = graph[item.members.back()].attributes;
    std::string attributes;
    for (std::size_t i = 0; i < v.attributes.size() && attributes.size() < 4 * style_.line; ++i) {
      const Attribute& a = v.attributes[i];
      const bool in_last = i < last.size() && last[i].key == a.key;
      attributes += fmt::format("{}{}={}", attributes.empty() ? "" : ", ", a.key,
                                range_name(attribute_text(a.value), attribute_text(in_last ? last[i].value : a.value)));
    }
    lines.push_back(std::move(attributes));
  }
  if (options_.shapes == ShapeLabels::nodes) lines.push_back(value_text(v));
  lines.push_back(leaves_text(item, gradient));
  if (v.changes > 0 && !gradient)
    lines.push_back(v.changes == 1 ? "changed in place" : fmt::format("changed in place {} times", v.changes));
  if (v.stop != GradientStop::none) lines.push_back(fmt::format("⊣ {}", to_string(v.stop)));
}

std::string NodeWriter::tooltip(const Item& item, const Vertex& v) const {
  if (!item.is_op_or_layer()) return item.title;
  std::string text =
      fmt::format("{} {}", sketch_.graph().id(v.kind == VertexKind::gradient ? shown_gradient(item) : item.shown),
                  to_string(v.kind));
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) text += fmt::format("\n{}: {}", key, value);
  };
  for_each_text(v, [&](const FieldInfo& info, std::string_view key, const std::string& value) {
    if (!info.label.empty()) add(key, key == "value" ? value_text(v) : value);
  });
  return text;
}

}  // namespace tapegrad::graph
