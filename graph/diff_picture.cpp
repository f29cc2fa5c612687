#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/internal/graph_builder.hpp>
#include <tapegrad/graph/internal/page.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

constexpr std::size_t kMostFields = 3;

/// The graph after, with what was removed put back.
class Union {
 public:
  Union(const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after)
      : diff_(diff), before_(before), after_(after) {
    pair_up();
    // Where the old wiring contradicts the new order, what was removed shows its old inputs only.
    try {
      build(true);
    } catch (const GraphError&) {
      build(false);
    }
  }

  const ComputationGraph& graph() const { return graph_; }

  std::map<VertexIndex, Mark> marks() const {
    std::map<VertexIndex, Mark> marks;
    for (const VertexIndex v : diff_.added) marks[index_[v]] = {Paint::added, "+", {}};
    for (std::size_t i = 0; i < diff_.removed.size(); ++i) {
      marks[index_[after_.forward_size() + i]] = {Paint::removed, "−", {}};
    }
    for (const VertexChange& change : diff_.changed) {
      Mark& mark = marks[index_[change.after]] = {Paint::changed, "~", {}};
      for (std::size_t i = 0; i < std::min(kMostFields, change.fields.size()); ++i) {
        const FieldChange& f = change.fields[i];
        mark.lines.push_back(fmt::format("{}: {} → {}", f.field, shorten(f.before, 40), shorten(f.after, 40)));
      }
      if (change.fields.size() > kMostFields)
        mark.lines.push_back(fmt::format("and {} more", change.fields.size() - kMostFields));
    }
    return marks;
  }

 private:
  using Handle = GraphBuilder::Handle;

  // Handles: first the vertices after, then the removed ones.
  void pair_up() {
    for (std::size_t i = 0; i < diff_.removed.size(); ++i) {
      handle_of_before_[diff_.removed[i]] = static_cast<Handle>(after_.forward_size() + i);
    }
    for (const auto& [b, a] : diff_.matched) handle_of_before_[b] = a;
  }

  void build(bool with_uses_of_removed) {
    GraphBuilder builder(after_.title());
    for (VertexIndex v = 0; v < after_.forward_size(); ++v) builder.add(after_[v]);
    for (const VertexIndex v : diff_.removed) builder.add(before_[v]);
    std::uint32_t slots = 0;
    for (const Edge& e : after_.edges()) {
      if (e.kind == EdgeKind::data) builder.connect(e.from, e.to, e.slot);
      slots = std::max(slots, e.slot + 1);
    }
    const auto is_removed = [&](Handle h) { return h >= after_.forward_size(); };
    for (const Edge& e : before_.edges()) {
      if (e.kind != EdgeKind::data) continue;
      const Handle from = handle_of_before_.at(e.from), to = handle_of_before_.at(e.to);
      if (is_removed(to)) {
        builder.connect(from, to, e.slot);
      } else if (is_removed(from) && with_uses_of_removed) {
        builder.connect(from, to, slots + e.slot);
      }
    }
    graph_ = std::move(builder).build(&index_);
  }

  const GraphDiff& diff_;
  const ComputationGraph &before_, &after_;
  std::map<VertexIndex, Handle> handle_of_before_;
  ComputationGraph graph_;
  std::vector<VertexIndex> index_;  // of each handle
};

}  // namespace

namespace {

std::string counts(const GraphDiff& diff) {
  return fmt::format("Differences of two graphs: {} values added, {} removed, {} changed, {} unchanged.",
                     diff.added.size(), diff.removed.size(), diff.changed.size(), diff.unchanged);
}

}  // namespace

std::string to_mermaid(const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after,
                       const DrawOptions& options) {
  const Union both(diff, before, after);
  const std::map<VertexIndex, Mark> marks = both.marks();
  DrawOptions adjusted = options;
  adjusted.pass = Pass::forward;
  adjusted.overlay = Overlay::none;
  const DiagramStyle style{.gradients_apart = true, .marks = &marks};
  Diagram diagram = plan_diagram(both.graph(), adjusted, options.budget.value_or(Budget::github()), style, nullptr);
  diagram.description = counts(diff);
  return mermaid_text(diagram);
}

std::string to_html(const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after,
                    const DrawOptions& options) {
  const Union both(diff, before, after);
  const std::map<VertexIndex, Mark> marks = both.marks();
  return page_text(both.graph(), options, &marks, counts(diff), nullptr);
}

}  // namespace tapegrad::graph
