#include <fmt/format.h>

#include <set>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/diagram.hpp>
#include <tapegrad/graph/internal/escape.hpp>

namespace tapegrad::graph {
namespace {

class MermaidWriter {
 public:
  explicit MermaidWriter(const Diagram& diagram) : diagram_(diagram) {}

  std::string write() {
    // "TB" and not "TD": a subgraph takes only the former as its direction.
    const char* direction = diagram_.direction == Direction::down ? "TB" : "LR";
    put("flowchart {}\n", direction);
    put("  accTitle: {}\n", mermaid_line(diagram_.title));
    put("  accDescr: {}\n", mermaid_line(diagram_.description));
    write_parts();
    write_edges();
    if (!diagram_.legend.empty() || !diagram_.notes.empty()) write_legend();
    write_classes();
    return std::move(text_);
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  // Ids are never words of Mermaid's own, and spaces keep them apart from the arrows.
  void write_parts() {
    std::string indent = "  ";
    for (const DiagramPart& part : diagram_.parts) {
      if (part.kind == DiagramPart::Kind::node) {
        const DiagramNode& node = diagram_.nodes[part.index];
        put("{}{}", indent, node.id);
        write_box(node.outline, node.paint, fmt::format("{}", fmt::join(node.lines, "\n")));
      } else if (part.kind == DiagramPart::Kind::open) {
        const DiagramFrame& frame = diagram_.frames[part.index];
        put("{}subgraph {}[\"{}\"]\n", indent, frame.id, label(frame.title));
        indent += "  ";
      } else {
        indent.resize(indent.size() - 2);
        put("{}end\n", indent);
      }
    }
  }

  void write_box(Outline outline, Paint paint, const std::string& text) {
    const OutlineStyle& style = style_of(outline);
    put("{}\"{}\"{}:::{}\n", style.mermaid_open, label(text), style.mermaid_close, style_of(paint).name);
    paints_.insert(paint);
  }

  // An empty label is a syntax error.
  static std::string label(std::string_view text) {
    std::string escaped = mermaid_label(text);
    return escaped.empty() ? " " : escaped;
  }

  void write_edges() {
    for (const DiagramEdge& e : diagram_.edges) {
      const char* arrow = e.kind == EdgeKind::saved                   ? "--o"
                          : e.kind == EdgeKind::gradient || e.is_loop ? "-.->"
                                                                      : "-->";
      put("  {} {}", diagram_.nodes[e.from].id, arrow);
      if (!e.label.empty()) put("|\"{}\"|", label(e.label));
      put(" {}\n", diagram_.nodes[e.to].id);
    }
  }

  // Rows at the foot: links that are not drawn join the boxes of a row, and the last node to the legend.
  void write_legend() {
    put("  subgraph legend[\"{}\"]\n    direction LR\n", diagram_.legend.empty() ? "Folded" : "Legend");
    int number = 0;
    for (const LegendEntry& entry : diagram_.legend) {
      put("    l{}", number++);
      write_box(entry.outline, entry.paint, entry.text);
    }
    if (!diagram_.notes.empty()) {
      put("    l{}", number++);
      write_box(Outline::rounded, Paint::rest, fmt::format("{}", fmt::join(diagram_.notes, "\n")));
    }
    for (int i = 1; i < number; ++i) {
      if (i % kLegendColumns != 0) put("    l{} ~~~ l{}\n", i - 1, i);
    }
    put("  end\n");
    if (!diagram_.nodes.empty()) put("  {} ~~~ legend\n", diagram_.nodes[diagram_.last_node(false)].id);
  }

  void write_classes() {
    for (const Paint paint : paints_) {
      const PaintStyle& style = style_of(paint);
      put("  classDef {} fill:{},stroke:{},color:{}{}\n", style.name, style.fill, style.stroke, style.text,
          paint == Paint::alert  ? ",stroke-width:4px"
          : paint == Paint::rest ? ",stroke-dasharray:4"
                                 : "");
    }
    // A hint of grey that leaves lines and titles readable on a light page and on a dark one.
    put("  classDef frame fill:#8b949e1f,stroke:#8b949e,color:#757f89\n");
    std::string ids;
    for (const DiagramFrame& frame : diagram_.frames) ids += frame.id + ",";
    if (!diagram_.legend.empty() || !diagram_.notes.empty()) ids += "legend,";
    if (ids.empty()) return;
    ids.pop_back();
    put("  class {} frame\n", ids);
  }

  const Diagram& diagram_;
  std::string text_;
  std::set<Paint> paints_;
};

}  // namespace

std::string mermaid_text(const Diagram& diagram) { return MermaidWriter(diagram).write(); }

std::string to_mermaid(const ComputationGraph& graph, const DrawOptions& options, std::vector<std::string>* folded) {
  const DiagramStyle style{.gradients_apart = true};
  return mermaid_text(plan_diagram(graph, options, options.budget.value_or(Budget::github()), style, folded));
}

}  // namespace tapegrad::graph
