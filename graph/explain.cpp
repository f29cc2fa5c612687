#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/explain.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <utility>

namespace tapegrad::graph {
namespace {

using Kind = Explanation::Kind;

constexpr std::size_t kMostNamed = 3;
// The smallest gradient is lost in the rounding of the largest.
constexpr double kVanishing = 1e-6;
// Steps of any usual size would throw the weights away.
constexpr double kExploding = 1e3;

std::uint64_t bad(const Vertex& v) { return v.statistics ? v.statistics->nan + v.statistics->inf : 0; }

std::string count(std::uint64_t n, std::string_view singular, std::string_view plural) {
  return n == 1 ? fmt::format("one {}", singular) : fmt::format("{} {}", grouped(static_cast<double>(n)), plural);
}

class Explainer {
 public:
  explicit Explainer(const ComputationGraph& graph) : graph_(graph) {}

  std::vector<Explanation> run() {
    add_non_finite();
    add_no_gradient();
    add_norms();
    add_memory();
    add_cost();
    return std::move(found_);
  }

 private:
  void add(Kind kind, std::vector<VertexIndex> where, std::string text) {
    found_.push_back({kind, std::move(where), std::move(text)});
  }

  const Statistics* input_statistics(VertexIndex v, std::size_t slot) const {
    for (const Edge& e : graph_.in_edges(v)) {
      if (e.kind == EdgeKind::data && e.slot == slot && graph_[e.from].statistics) return &*graph_[e.from].statistics;
    }
    return nullptr;
  }

  void add_non_finite() {
    const auto first = first_bad_vertex(graph_);
    if (!first) return;
    const std::uint64_t nan = graph_[*first].statistics->nan, inf = graph_[*first].statistics->inf;
    std::string what = nan > 0 ? fmt::format("{} NaN", grouped(static_cast<double>(nan))) : "";
    if (inf > 0) what += (what.empty() ? "" : " and ") + count(inf, "infinity", "infinities");
    const bool is_gradient = *first >= graph_.forward_size();
    const VertexIndex culprit = is_gradient ? gradient_culprit(*first) : *first;
    const std::string why = is_gradient ? gradient_reason(culprit) : reason(culprit);
    const std::string caution =
        why.empty() && !inputs_are_measured(*first)
            ? ". Its inputs were not measured, so an earlier operation may be the cause: keep a "
              "Trace(Trace::Keep::measurements) open while the model runs"
            : "";
    add(Kind::non_finite, {culprit, *first},
        fmt::format("The first NaN or infinity{} {} {}: {}{}{}{}", caution.empty() ? "" : " that can be seen",
                    is_gradient ? "is in the gradient that comes from" : "comes from", describe(graph_, culprit), what,
                    why.empty() ? "" : ". It is ", why, caution));
  }

  // Whether the graph knows that all that the vertex was computed from is finite. A call's results have statistics of
  // their own; integers and what is empty have nothing to measure.
  bool inputs_are_measured(VertexIndex v) const {
    const auto inputs = graph_.in_edges(v);
    return std::all_of(inputs.begin(), inputs.end(), [&](const Edge& e) {
      if (e.kind == EdgeKind::saved || graph_[e.from].statistics) return true;
      return graph_[e.from].is_call && inputs_are_measured(e.from);
    });
  }

  // The op whose rule made a bad gradient of a good one.
  VertexIndex gradient_culprit(VertexIndex gradient) const {
    for (const Edge& e : graph_.in_edges(gradient)) {
      if (e.kind == EdgeKind::gradient && bad(graph_[e.from]) == 0) return graph_.value_of(e.from);
    }
    return graph_.value_of(gradient);
  }

  // What the op was given that it has no finite answer to.
  std::string reason(VertexIndex index) const {
    const Vertex& v = graph_[index];
    const Statistics& own = *v.statistics;
    if (is_leaf(v)) return fmt::format("in the data of this {} itself", to_string(v.kind));
    const Statistics* x = input_statistics(index, 0);
    const Statistics* y = input_statistics(index, 1);
    const auto number = [](const std::optional<double>& n) { return n ? number_text(*n) : "unknown"; };
    if (v.op.starts_with("log") && x && x->min && *x->min <= 0) {
      if (own.nan > 0)
        return fmt::format("{} of {}, smallest {}", v.op, count(own.nan, "negative value", "negative values"),
                           number(x->min));
      return fmt::format("{} of {}", v.op, count(x->zero, "zero", "zeros"));
    }
    if ((v.op == "sqrt" || v.op == "rsqrt" || v.op == "pow") && x && x->min && *x->min < 0 && own.nan > 0)
      return fmt::format("{} of {}, smallest {}", v.op, count(own.nan, "negative value", "negative values"),
                         number(x->min));
    if (v.op == "div" && y && y->zero > 0) return fmt::format("a division by {}", count(y->zero, "zero", "zeros"));
    if ((v.op == "reciprocal" || v.op == "rsqrt") && x && x->zero > 0)
      return fmt::format("{} of {}", v.op, count(x->zero, "zero", "zeros"));
    if ((v.op == "asin" || v.op == "acos" || v.op == "atanh") && x)
      return fmt::format("{} of values outside [-1, 1]: they go from {} to {}", v.op, number(x->min), number(x->max));
    if (own.inf > 0 && x) {
      return fmt::format("an overflow of {}: the values it takes go from {} to {}", v.dtype, number(x->min),
                         number(x->max));
    }
    return "";
  }

  std::string gradient_reason(VertexIndex index) const {
    const Vertex& v = graph_[index];
    const Statistics* x = input_statistics(index, 0);
    const Statistics* y = input_statistics(index, 1);
    if (x && x->zero > 0 &&
        (v.op == "sqrt" || v.op == "pow" || v.op == "norm" || v.op == "rsqrt" || v.op.starts_with("log")))
      return fmt::format("the slope of {} at {}, which is infinite", v.op, count(x->zero, "zero", "zeros"));
    if (v.op == "div" && y && y->zero > 0) return fmt::format("a division by {}", count(y->zero, "zero", "zeros"));
    return "";
  }

  void add_no_gradient() {
    std::map<GradientReport::Finding, std::vector<std::pair<VertexIndex, std::string>>> reports;
    for (VertexIndex v = 0; v < graph_.forward_size(); ++v) {
      if (graph_[v].kind != VertexKind::parameter) continue;
      GradientReport report = explain_gradient(graph_, v);
      if (report.finding == GradientReport::Finding::flows || report.finding == GradientReport::Finding::not_required)
        continue;
      reports[report.finding].emplace_back(v, std::move(report.text));
    }
    for (const auto& [finding, parameters] : reports) {
      std::vector<VertexIndex> where;
      std::string text = fmt::format(
          "{} no gradient that would change {}:", count(parameters.size(), "parameter gets", "parameters get"),
          parameters.size() == 1 ? "it" : "them");
      for (const auto& [v, sentence] : parameters) {
        where.push_back(v);
        if (where.size() <= kMostNamed) text += "\n  " + sentence;
      }
      if (where.size() > kMostNamed)
        text += fmt::format("\n  and {} more, for the same reason", where.size() - kMostNamed);
      add(Kind::no_gradient, std::move(where), std::move(text));
    }
  }

  // Of the gradients of each layer's parameters, the largest: that of a bias may well be zero but for rounding. Those
  // that are all zero have an explanation of their own.
  void add_norms() {
    std::map<std::string, std::pair<double, VertexIndex>> layers;
    for (VertexIndex v = 0; v < graph_.forward_size(); ++v) {
      const auto gradient = graph_.twin(v);
      if (graph_[v].kind != VertexKind::parameter || !gradient || !graph_[*gradient].statistics) continue;
      const auto norm = graph_[*gradient].statistics->norm;
      if (!norm || !(*norm > 0) || !std::isfinite(*norm)) continue;
      const std::string layer = graph_[v].scope.empty() ? graph_.id(v) : graph_[v].scope;
      const auto [place, is_new] = layers.try_emplace(layer, *norm, v);
      if (!is_new) place->second = std::max(place->second, {*norm, v});
    }
    std::vector<std::pair<double, VertexIndex>> norms;
    for (const auto& [layer, norm] : layers) norms.push_back(norm);
    if (norms.size() < 2) return;
    std::sort(norms.begin(), norms.end());
    const double median = norms[norms.size() / 2].first, largest = norms.back().first;
    const auto name = [&](const std::pair<double, VertexIndex>& n) {
      const Vertex& v = graph_[n.second];
      return fmt::format("{} has {}", v.name.empty() ? graph_.id(n.second) : v.name, number_text(n.first));
    };
    if (largest >= kExploding && norms.front().first * kExploding <= largest) {
      std::reverse(norms.begin(), norms.end());
      add_extremes(Kind::exploding, norms, name,
                   fmt::format("Gradients explode: the median norm is {}, but", number_text(median)));
    } else if (norms.front().first <= kVanishing * largest) {
      add_extremes(Kind::vanishing, norms, name,
                   fmt::format("Gradients vanish: the largest norm is {}, but", number_text(largest)));
    }
  }

  template <class Name>
  void add_extremes(Kind kind, const std::vector<std::pair<double, VertexIndex>>& norms, const Name& name,
                    std::string text) {
    std::vector<VertexIndex> where;
    for (std::size_t i = 0; i < std::min(kMostNamed, norms.size()); ++i) {
      where.push_back(norms[i].second);
      text += (i == 0 ? " " : ", ") + name(norms[i]);
    }
    add(kind, std::move(where), std::move(text));
  }

  void add_memory() {
    const MemoryEstimate memory = estimate_memory(graph_);
    const auto held = [](const Vertex& v) { return v.saved_bytes; };
    auto [where, text, total] = largest(held, bytes_text);
    if (total == 0) return;
    add(Kind::memory, std::move(where),
        fmt::format("{} are kept for the backward pass (peak of the step, estimated: {}); most of it by\n{}",
                    bytes_text(total), bytes_text(memory.peak), text));
  }

  void add_cost() {
    const auto seconds = [](const Vertex& v) { return v.seconds.value_or(0); };
    if (auto [where, text, total] = largest(seconds, duration_text); total > 0) {
      add(Kind::cost, std::move(where), fmt::format("The pass took {}; most of it\n{}", duration_text(total), text));
      return;
    }
    const auto flops = [](const Vertex& v) { return v.flops; };
    if (auto [where, text, total] = largest(flops, metric); total > 0)
      add(Kind::cost, std::move(where),
          fmt::format("{} arithmetic operations forward; most of them in\n{}", metric(total), text));
  }

  struct Largest {
    std::vector<VertexIndex> where;
    std::string text;
    double total;
  };

  template <class Quantity>
  Largest largest(const Quantity& quantity, std::string (*words)(double)) const {
    Largest result{{}, "", 0};
    for (VertexIndex v = 0; v < graph_.forward_size(); ++v) {
      result.total += quantity(graph_[v]);
      if (quantity(graph_[v]) > 0) result.where.push_back(v);
    }
    std::stable_sort(result.where.begin(), result.where.end(),
                     [&](VertexIndex a, VertexIndex b) { return quantity(graph_[a]) > quantity(graph_[b]); });
    result.where.resize(std::min(kMostNamed, result.where.size()));
    for (const VertexIndex v : result.where) {
      const double own = quantity(graph_[v]);
      result.text += fmt::format("{}  {:.0f} %  {}  {}", result.text.empty() ? "" : "\n", 100 * own / result.total,
                                 words(own), describe(graph_, v));
    }
    return result;
  }

  const ComputationGraph& graph_;
  std::vector<Explanation> found_;
};

}  // namespace

std::vector<Explanation> explanations(const ComputationGraph& graph) { return Explainer(graph).run(); }

std::string explain(const ComputationGraph& graph) {
  std::string faults, costs;
  for (const Explanation& e : explanations(graph)) {
    std::string& part = e.kind < Kind::memory ? faults : costs;
    part += (part.empty() ? "" : "\n") + e.text + "\n";
  }
  const bool measured = std::any_of(graph.vertices().begin(), graph.vertices().end(),
                                    [](const Vertex& v) { return v.statistics.has_value(); });
  if (faults.empty())
    faults =
        measured
            ? "No fault found: every value and gradient is finite, every parameter gets a gradient.\n"
            : "No fault found in the wiring. The graph holds no measurements: record it with statistics to learn of "
              "NaN and of vanishing gradients.\n";
  return costs.empty() ? faults : faults + "\n" + costs;
}

}  // namespace tapegrad::graph
