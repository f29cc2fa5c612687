#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/analysis.hpp>

namespace tapegrad::graph {
namespace {

using Finding = GradientReport::Finding;

constexpr std::size_t kMostNamed = 3;

class GradientSearch {
 public:
  GradientSearch(const ComputationGraph& graph, VertexIndex value) : graph_(graph), value_(value) {}

  GradientReport run() {
    if (const auto gradient = graph_.twin(value_); gradient && reaches_output(requires_grad())) {
      return is_zero(*gradient) ? zero(*gradient) : report(Finding::flows, {}, "a gradient flows to it");
    }
    if (!graph_[value_].requires_grad) {
      const std::string& dtype = graph_[value_].dtype;
      const bool integral = !dtype.empty() && dtype.front() != 'f';
      return report(Finding::not_required, {},
                    integral ? fmt::format("it holds {}, and only floating-point values have gradients", dtype)
                             : "it was made without requires_grad, so none is computed for it");
    }
    if (!reaches_output(everything())) return unused();
    if (reaches_output(requires_grad())) {
      return report(Finding::not_recorded, {}, "one could flow to it, but the graph holds no backward pass");
    }
    return blocked();
  }

 private:
  // Forward from the value, over data edges, through the vertices that `passes` lets through.
  template <class Passes>
  std::vector<bool> reached(Passes passes) const {
    std::vector<bool> reached(graph_.forward_size(), false);
    reached[value_] = true;
    for (VertexIndex v = value_; v < graph_.forward_size(); ++v) {
      for (const Edge& e : graph_.in_edges(v)) {
        if (reached[e.from] && passes(e.from) && passes(v)) reached[v] = true;
      }
    }
    return reached;
  }
  std::vector<bool> everything() const {
    return reached([](VertexIndex) { return true; });
  }
  std::vector<bool> requires_grad() const {
    return reached([&](VertexIndex v) { return graph_[v].requires_grad; });
  }

  // Without declared outputs, a value that nothing takes is a result.
  bool is_result(VertexIndex v) const {
    return has_outputs_ ? graph_[v].kind == VertexKind::output : v != value_ && !is_taken(v);
  }
  bool is_taken(VertexIndex v) const {
    const auto uses = graph_.out_edges(v);
    return std::any_of(uses.begin(), uses.end(), [](const Edge& e) { return e.kind == EdgeKind::data; });
  }
  bool reaches_output(const std::vector<bool>& reached) const {
    for (VertexIndex v = value_; v < reached.size(); ++v) {
      if (reached[v] && is_result(v)) return true;
    }
    return false;
  }

  bool is_zero(VertexIndex gradient) const {
    const Vertex& g = graph_[gradient];
    if (!g.statistics) return false;
    const bool all = element_count(g) > 0 && static_cast<double>(g.statistics->zero) == element_count(g);
    return all || (g.statistics->norm && *g.statistics->norm == 0);
  }

  // Up the sweep while everything that arrives is zero: the ops to blame take a gradient that is not, and give back
  // zero.
  GradientReport zero(VertexIndex gradient) const {
    std::vector<VertexIndex> stack{gradient}, guilty;
    std::vector<bool> seen(graph_.size(), false);
    seen[gradient] = true;
    while (!stack.empty()) {
      const VertexIndex at = stack.back();
      stack.pop_back();
      bool from_outside = true;
      for (const Edge& e : graph_.in_edges(at)) {
        if (e.kind != EdgeKind::gradient) continue;
        from_outside = false;
        if (seen[e.from]) continue;
        seen[e.from] = true;
        if (is_zero(e.from)) {
          stack.push_back(e.from);
        } else {
          guilty.push_back(graph_.value_of(e.from));
        }
      }
      if (from_outside) guilty.push_back(graph_.value_of(at));
    }
    std::sort(guilty.begin(), guilty.end());
    return report(Finding::zero, guilty, "its gradient is all zero, and becomes so in " + names(guilty));
  }

  GradientReport unused() const {
    std::vector<VertexIndex> cut;
    for (VertexIndex v = 0; v < graph_.forward_size(); ++v) {
      if (graph_[v].stop == GradientStop::detached || graph_[v].stop == GradientStop::no_grad) cut.push_back(v);
    }
    std::string text = is_taken(value_) ? "no output of the graph is computed from it" : "nothing is computed from it";
    if (!cut.empty()) text += ", unless by way of what was cut off from its history: " + names(cut);
    return report(Finding::unused, std::move(cut), std::move(text));
  }

  // The first vertices, on ways that lead to an output, that let no gradient back.
  GradientReport blocked() const {
    const std::vector<bool> open = requires_grad(), any = everything();
    std::vector<bool> leads_on(graph_.forward_size(), false);
    for (auto v = static_cast<VertexIndex>(graph_.forward_size()); v-- > value_;) {
      leads_on[v] = leads_on[v] || is_result(v);
      if (!leads_on[v]) continue;
      for (const Edge& e : graph_.in_edges(v)) leads_on[e.from] = true;
    }
    std::vector<VertexIndex> walls;
    for (VertexIndex v = value_ + 1; v < graph_.forward_size(); ++v) {
      if (!any[v] || open[v] || !leads_on[v]) continue;
      const auto inputs = graph_.in_edges(v);
      if (std::any_of(inputs.begin(), inputs.end(), [&](const Edge& e) { return open[e.from]; })) walls.push_back(v);
    }
    GradientStop stop = walls.empty() ? GradientStop::none : graph_[walls.front()].stop;
    switch (stop) {
      case GradientStop::detached:
        return report(Finding::detached, walls, "every way from it to an output is cut by detach: " + names(walls));
      case GradientStop::no_grad:
        return report(
            Finding::no_grad, walls,
            "every way from it to an output leads through what was computed while gradients were off: " + names(walls));
      case GradientStop::none:
      case GradientStop::not_differentiable:
        break;
    }
    return report(Finding::not_differentiable, walls,
                  "every way from it to an output ends at an op without a gradient: " + names(walls));
  }

  std::string names(const std::vector<VertexIndex>& vertices) const {
    std::string text;
    for (std::size_t i = 0; i < std::min(kMostNamed, vertices.size()); ++i) {
      text += (i == 0 ? "" : "; ") + describe(graph_, vertices[i]);
    }
    if (vertices.size() > kMostNamed) text += fmt::format("; and {} more", vertices.size() - kMostNamed);
    return text;
  }

  GradientReport report(Finding finding, std::vector<VertexIndex> where, std::string text) const {
    return {finding, std::move(where), fmt::format("{}: {}", describe(graph_, value_), text)};
  }

  const ComputationGraph& graph_;
  VertexIndex value_;
  const bool has_outputs_ = std::any_of(graph_.vertices().begin(), graph_.vertices().end(),
                                        [](const Vertex& v) { return v.kind == VertexKind::output; });
};

}  // namespace

GradientReport explain_gradient(const ComputationGraph& graph, VertexIndex value) {
  if (value >= graph.forward_size()) {
    throw ValueError(fmt::format("explain_gradient: vertex {} is {}; ask for a value, such as a parameter", value,
                                 value < graph.size() ? "a gradient itself" : "not in the graph"));
  }
  return GradientSearch(graph, value).run();
}

}  // namespace tapegrad::graph
