#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/diagram.hpp>
#include <tapegrad/graph/internal/escape.hpp>

namespace tapegrad::graph {
namespace {

constexpr std::string_view kFont = "Helvetica,Arial,sans-serif";

class DotWriter {
 public:
  explicit DotWriter(const Diagram& diagram) : diagram_(diagram) {}

  std::string write() {
    put("digraph tapegrad {{\n");
    put("  graph [rankdir={}, bgcolor=white, fontname=\"{}\", labelloc=t, tooltip={}, label=<{}>]\n",
        diagram_.direction == Direction::down ? "TB" : "LR", kFont, dot_string(diagram_.description),
        dot_label(diagram_.title));
    // With edges from values to gradients across the frames, dot's own way of ranking frames fails now and then.
    if (has(EdgeKind::saved)) put("  graph [newrank=true]\n");
    put("  node [fontname=\"{}\", fontsize=12, margin=\"0.15,0.06\"]\n", kFont);
    put("  edge [fontname=\"{}\", fontsize=10, color=\"#57606a\", fontcolor=\"#24292f\"]\n", kFont);
    write_parts();
    for (const DiagramEdge& e : diagram_.edges) write_edge(e);
    if (!diagram_.legend.empty() || !diagram_.notes.empty()) write_legend();
    put("}}\n");
    return std::move(text_);
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  bool has(EdgeKind kind) const {
    return std::any_of(diagram_.edges.begin(), diagram_.edges.end(),
                       [&](const DiagramEdge& e) { return e.kind == kind; });
  }

  void write_parts() {
    std::string indent = "  ";
    for (const DiagramPart& part : diagram_.parts) {
      if (part.kind == DiagramPart::Kind::node) {
        const DiagramNode& node = diagram_.nodes[part.index];
        put("{}{} [id={}, ", indent, node.id, node.id);
        write_box(node.outline, node.paint, node.lines, node.tooltip);
      } else if (part.kind == DiagramPart::Kind::open) {
        const DiagramFrame& frame = diagram_.frames[part.index];
        put("{}subgraph cluster_{} {{\n", indent, frame.id);
        indent += "  ";
        put("{}graph [label=<{}>, tooltip={}, labeljust=l, style=\"rounded,filled\", fillcolor=\"#8b949e1f\", "
            "color=\"#8b949e\", fontcolor=\"#57606a\", fontsize=12]\n",
            indent, not_empty(dot_label(frame.title)), dot_string(frame.title));
      } else {
        indent.resize(indent.size() - 2);
        put("{}}}\n", indent);
      }
    }
  }

  // An empty HTML-like label is a syntax error.
  static std::string not_empty(std::string text) {
    if (text.empty()) text = " ";
    return text;
  }

  void write_box(Outline outline, Paint paint, const std::vector<std::string>& lines, const std::string& tooltip) {
    const PaintStyle& colours = style_of(paint);
    std::string label = fmt::format("<B>{}</B>", not_empty(dot_label(lines[0])));
    for (std::size_t i = 1; i < lines.size(); ++i) {
      label += fmt::format("<BR/><FONT POINT-SIZE=\"10\">{}</FONT>", not_empty(dot_label(lines[i])));
    }
    const OutlineStyle& style = style_of(outline);
    put("shape={}, style=\"{}{}\", fillcolor=\"{}\", color=\"{}\", fontcolor=\"{}\", ", style.dot_shape,
        style.dot_style, paint == Paint::rest ? ",dashed" : "", colours.fill, colours.stroke, colours.text);
    if (style.dot_lines > 1) put("peripheries={}, ", style.dot_lines);
    if (paint == Paint::alert) put("penwidth=4, ");
    put("tooltip={}, label=<{}>]\n", dot_string(tooltip), label);
  }

  // Gradients are ranked like the values that they belong to, so that each stands beside its twin: their edges are
  // written from value to consumer, with the arrow at the other end.
  void write_edge(const DiagramEdge& e) {
    const std::string &from = diagram_.nodes[e.from].id, &to = diagram_.nodes[e.to].id;
    const std::string label = e.label.empty() ? "" : fmt::format(", label=<{}>", dot_label(e.label));
    if (e.is_loop) {
      const char* colour = e.kind == EdgeKind::gradient ? ", color=\"#be185d\"" : "";
      put("  {} -> {} [class=loop, style=dashed, constraint=false{}{}]\n", from, to, colour, label);
      return;
    }
    switch (e.kind) {
      case EdgeKind::data:
        put("  {} -> {} [class=data{}]\n", from, to, label);
        break;
      case EdgeKind::gradient:
        put("  {} -> {} [class=gradient, dir=back, style=dashed, color=\"#be185d\"{}]\n", to, from, label);
        break;
      case EdgeKind::saved:
        put("  {} -> {} [class=saved, style=dotted, arrowhead=odot{}]\n", from, to, label);
        break;
    }
  }

  // Rows at the foot.
  void write_legend() {
    put("  legend [shape=plain, fontsize=10, tooltip=legend, label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" "
        "CELLSPACING=\"3\" CELLPADDING=\"4\">");
    // So that a legend of few boxes is no wider than a narrow picture.
    const int most = diagram_.legend.size() > 4 ? kLegendColumns : 2;
    int number = 0;
    const auto cell = [&](Paint paint, const std::string& text, int columns) {
      const PaintStyle& colours = style_of(paint);
      if (number % most == 0) put("{}<TR>", number == 0 ? "" : "</TR>");
      put("<TD BGCOLOR=\"{}\" COLOR=\"{}\" COLSPAN=\"{}\"><FONT COLOR=\"{}\">{}</FONT></TD>", colours.fill,
          colours.stroke, columns, colours.text, dot_label(text));
      number += columns;
    };
    for (const LegendEntry& entry : diagram_.legend) cell(entry.paint, entry.text, 1);
    for (const std::string& note : diagram_.notes) {
      number += (most - number % most) % most;
      cell(Paint::rest, note, most);
    }
    put("</TR></TABLE>>]\n");
    // Beneath the picture, not beside its last row.
    if (!diagram_.nodes.empty()) put("  {} -> legend [style=invis]\n", diagram_.nodes[diagram_.last_node(true)].id);
  }

  const Diagram& diagram_;
  std::string text_;
};

}  // namespace

std::string dot_text(const Diagram& diagram) { return DotWriter(diagram).write(); }

std::string to_dot(const ComputationGraph& graph, const DrawOptions& options, std::vector<std::string>* folded) {
  return dot_text(plan_diagram(graph, options, options.budget.value_or(Budget::unlimited()), {}, folded));
}

}  // namespace tapegrad::graph
