#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/internal/diagram.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

constexpr std::size_t kSmallestBudget = 1'500;

std::uint32_t deepest_frame(const Sketch& sketch) {
  std::uint32_t depth = 0;
  for (const Item& item : sketch.items()) depth = std::max(depth, sketch.frames()[item.frame].depth);
  return depth;
}

// Where the picture is centred when it must be cut and nobody said where: the last result.
ItemIndex last_result(const Sketch& sketch) {
  const ComputationGraph& graph = sketch.graph();
  for (auto v = static_cast<VertexIndex>(graph.forward_size()); v-- > 0;) {
    if (graph[v].kind == VertexKind::output) return sketch.item_of(v);
  }
  return sketch.item_of(static_cast<VertexIndex>(graph.forward_size() - 1));
}

std::vector<VertexIndex> vertices_of_focus(const ComputationGraph& graph, const std::string& focus) {
  if (const auto vertex = graph.find(focus)) return {*vertex};
  std::vector<VertexIndex> in_scope;
  for (VertexIndex v = 0; v < graph.forward_size(); ++v) {
    const std::string& scope = graph[v].scope;
    if (scope.starts_with(focus) && (scope.size() == focus.size() || scope[focus.size()] == '.')) in_scope.push_back(v);
  }
  if (in_scope.empty()) {
    throw ValueError(
        fmt::format("there is no vertex and no scope '{}' in the graph; a focus is an id such as n7, the name of a "
                    "parameter, input or "
                    "output, or a scope",
                    shorten(drawable(valid_utf8(focus)), 60)));
  }
  return in_scope;
}

class Planner {
 public:
  Planner(const ComputationGraph& graph, const DrawOptions& options, const Budget& budget, DiagramStyle style)
      : graph_(graph), options_(options), budget_(budget), style_(style), sketch_(graph) {
    if (options.depth == std::size_t{0})
      throw ValueError("depth counts the levels of scopes that are drawn: 1 or more");
    if (budget.characters < 12'000) {
      style_.line = 40;
      style_.attributes = false;
    }
    if (budget.characters < 3'000) {
      style_.line = 24;
      style_.legend = false;
    }
  }

  Diagram run() {
    if (graph_.forward_size() == 0) return draw(sketch_);
    std::vector<VertexIndex> focus;
    if (!options_.focus.empty()) {
      focus = vertices_of_focus(graph_, options_.focus);
    } else if (style_.marks) {
      for (const auto& [vertex, mark] : *style_.marks) focus.push_back(vertex);
    }
    if (options_.depth) {
      collapse_scopes(sketch_, static_cast<std::uint32_t>(std::min<std::size_t>(*options_.depth, 1'000)));
    }
    if (!style_.marks) simplify();
    if (!focus.empty()) {
      std::vector<ItemIndex> centres;
      for (const VertexIndex v : focus) centres.push_back(sketch_.item_of(v));
      keep_within(sketch_, centres, options_.radius);
    }
    std::optional<Diagram> diagram;
    const auto fits = [&](const Sketch& sketch) {
      auto fitting = try_draw(sketch);
      const bool drawn = fitting.has_value();
      if (drawn) diagram = std::move(fitting);
      return drawn;
    };
    if (fold(fits)) return *std::move(diagram);
    const ItemIndex centre = focus.empty() ? last_result(sketch_) : sketch_.item_of(focus.front());
    if (cut(centre, fits)) return *std::move(diagram);
    style_.line = 16;
    style_.legend = style_.details = false;
    if (cut(centre, fits)) return *std::move(diagram);
    throw ValueError(fmt::format("not even one node fits a budget of {} characters, {} edges and {} nodes",
                                 budget_.characters, budget_.edges, budget_.nodes));
  }

  // What loses nothing, and no more: a page has its own ways with what is large.
  Sketch layers() && {
    if (graph_.forward_size() > 0) simplify();
    return std::move(sketch_);
  }

 private:
  using Fits = std::function<bool(const Sketch&)>;

  // What makes the picture smaller and loses nothing.
  void simplify() {
    if (!options_.unfold) {
      draw_layers(sketch_);
      fold_repeats(sketch_);
    }
    if (options_.parameters != Parameters::nodes) list_leaves(sketch_, options_.parameters == Parameters::inside);
    if (!options_.unfold) lift_lonely(sketch_, false);
  }

  // Repeats first, then scopes from the inside out, until it fits or no more can be done.
  bool fold(const Fits& fits) {
    if (fits(sketch_)) return true;
    fold_repeats(sketch_);
    if (fits(sketch_)) return true;
    for (std::uint32_t depth = deepest_frame(sketch_); depth > 0; --depth) {
      collapse_scopes(sketch_, depth);
      fold_repeats(sketch_);
      collapsed_ = true;
      if (fits(sketch_)) return true;
    }
    return false;
  }

  // Finds the largest neighbourhood that fits; false if there is none.
  bool cut(ItemIndex centre, const Fits& fits) const {
    const auto fits_with = [&](std::size_t count) {
      Sketch smaller = sketch_;
      keep_nearest(smaller, centre, count);
      return fits(smaller);
    };
    std::size_t most = 0, too_many = std::min({sketch_.items().size(), budget_.nodes, budget_.characters / 10}) + 1;
    while (too_many - most > 1) {
      const std::size_t middle = most + (too_many - most) / 2;
      (fits_with(middle) ? most : too_many) = middle;
    }
    return most > 0;
  }

  Diagram draw(const Sketch& sketch) const { return make_diagram(sketch, options_, style_, notes(sketch)); }

  std::optional<Diagram> try_draw(const Sketch& sketch) const {
    // No item takes fewer characters than that.
    if (sketch.items().size() > std::min(budget_.nodes, budget_.characters / 10)) return std::nullopt;
    Diagram diagram = draw(sketch);
    const bool fits =
        diagram.nodes.size() <= budget_.nodes && diagram.edges.size() <= budget_.edges &&
        (budget_.characters == Budget::kUnlimited || utf16_units(mermaid_text(diagram)) <= budget_.characters);
    return fits ? std::optional(std::move(diagram)) : std::nullopt;
  }

  std::vector<std::string> notes(const Sketch& sketch) const {
    std::vector<std::string> notes;
    std::vector<bool> holds_items(sketch.frames().size(), false);
    std::size_t scopes = 0, left_out = 0, single = 0;
    for (const Item& item : sketch.items()) {
      for (FrameIndex f = item.frame; f != 0 && !holds_items[f]; f = sketch.frames()[f].parent) holds_items[f] = true;
      if (item.kind == Item::Kind::scope) ++scopes;
      if (item.kind == Item::Kind::rest) left_out += item.members.size();
      if (item.times > 1 && ++single <= kMostNotes) notes.push_back(times_note(name_of(sketch, item), item.times));
    }
    std::size_t blocks = 0;
    for (FrameIndex f = 1; f < sketch.frames().size(); ++f) {
      if (!holds_items[f] || sketch.frames()[f].times == 1) continue;
      if (++blocks <= kMostNotes) notes.push_back(times_note(sketch.path(f), sketch.frames()[f].times));
    }
    if (single > kMostNotes) notes.push_back(fmt::format("{} more nodes stand for several", single - kMostNotes));
    if (blocks > kMostNotes) notes.push_back(fmt::format("{} more blocks drawn once", blocks - kMostNotes));
    if (collapsed_ && scopes > 0) {
      notes.push_back(scopes == 1
                          ? "one scope drawn as a node"
                          : fmt::format("{} scopes drawn as a node each", grouped(static_cast<double>(scopes))));
    }
    if (left_out > 0) {
      notes.push_back(fmt::format("{} of {} values left out", grouped(static_cast<double>(left_out)),
                                  grouped(static_cast<double>(graph_.forward_size()))));
    }
    return notes;
  }

  std::string times_note(const std::string& name, std::uint32_t times) const {
    return fmt::format("{} drawn once for {}", shorten(drawable(name), style_.line), grouped(times));
  }

  std::string name_of(const Sketch& sketch, const Item& item) const {
    if (item.kind == Item::Kind::scope) {
      const std::string outer = sketch.path(item.frame);
      return outer.empty() ? item.title : outer + "." + item.title;
    }
    const Vertex& v = graph_[item.kind == Item::Kind::layer ? item.core : item.shown];
    if (!item.title.empty()) return item.title;
    return !v.op.empty() ? v.op : v.name.empty() ? std::string(to_string(v.kind)) : v.name;
  }

  static constexpr std::size_t kMostNotes = 4;
  const ComputationGraph& graph_;
  const DrawOptions& options_;
  const Budget& budget_;
  DiagramStyle style_;
  Sketch sketch_;
  bool collapsed_ = false;  // to fit, rather than by request
};

}  // namespace

Budget Budget::parse(std::string_view text) {
  if (text == "github") return github();
  if (text == "gitlab") return gitlab();
  if (text == "gitea") return gitea();
  if (text == "none") return unlimited();
  std::size_t characters = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, characters);
  if (error != std::errc{} || rest != end || characters < kSmallestBudget) {
    throw ValueError(fmt::format("budget '{}' is not github, gitlab, gitea, none or a number of characters from {}",
                                 shorten(drawable(valid_utf8(text)), 60), kSmallestBudget));
  }
  return {.characters = characters, .edges = 450};
}

Diagram plan_diagram(const ComputationGraph& graph, const DrawOptions& options, const Budget& budget,
                     DiagramStyle style, std::vector<std::string>* folded) {
  Diagram diagram = Planner(graph, options, budget, style).run();
  if (folded) *folded = diagram.notes;
  return diagram;
}

Sketch layer_view(const ComputationGraph& graph, Parameters parameters) {
  return Planner(graph, {.parameters = parameters}, Budget::unlimited(), {}).layers();
}

}  // namespace tapegrad::graph
