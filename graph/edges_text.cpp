// A graph as lines of text: a node a line, in the order of execution, and left of it the edges that pass, as in the
// histories of version control.

#include <fmt/color.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <tapegrad/graph/internal/diagram.hpp>
#include <tapegrad/graph/internal/formats.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

using NodeIndex = std::uint32_t;

/// The edges between what is before a line and what is after it: each lane carries one node's value.
class Lanes {
 public:
  explicit Lanes(std::vector<std::size_t> consumers) : left_(std::move(consumers)) {}

  /// The line of a node, which ends the lanes of inputs that nothing else needs, and begins its own.
  std::string line(NodeIndex node, const std::vector<NodeIndex>& producers, std::string_view mark) {
    const auto carries_input = [&](std::size_t lane) {
      return lanes_[lane] && std::ranges::find(producers, *lanes_[lane]) != producers.end();
    };
    for (const NodeIndex producer : producers) --left_[producer];
    const auto ends = [&](std::size_t lane) { return left_[*lanes_[lane]] == 0; };
    std::size_t own = 0;
    while (own < lanes_.size() && !(carries_input(own) && ends(own))) ++own;
    if (own == lanes_.size())
      own = static_cast<std::size_t>(std::ranges::find(lanes_, std::optional<NodeIndex>{}) - lanes_.begin());
    if (own == lanes_.size()) lanes_.emplace_back();
    std::size_t first = own, last = own;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (!carries_input(i)) continue;
      first = std::min(first, i);
      last = std::max(last, i);
    }
    std::string text;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const bool inside = first < i && i < last;
      if (i == own)
        text += mark;
      else if (carries_input(i))
        text += inside ? (ends(i) ? "┴" : "┼") : ends(i) ? (i < own ? "╰" : "╯") : i < own ? "├" : "┤";
      else if (lanes_[i])
        text += "│";  // passes behind
      else
        text += inside ? "─" : " ";
      text += first <= i && i < last ? "─" : " ";
    }
    for (std::size_t i = 0; i < lanes_.size(); ++i)
      if (carries_input(i) && ends(i)) lanes_[i].reset();
    if (left_[node] > 0) lanes_[own] = node;
    return text;
  }

  /// A line without a node.
  std::string line() const {
    std::string text;
    for (const auto& lane : lanes_) text += lane ? "│ " : "  ";
    return text;
  }

 private:
  std::vector<std::size_t> left_;  // of each node: how many consumers are still to come
  std::vector<std::optional<NodeIndex>> lanes_;
};

class EdgesWriter {
 public:
  EdgesWriter(const Diagram& diagram, const SaveOptions& options)
      : diagram_(diagram), options_(options), frames_(diagram.nodes.size()), position_(diagram.nodes.size()) {
    producers_.resize(diagram.nodes.size());
    std::vector<std::vector<NodeIndex>> consumers(diagram.nodes.size());
    for (const DiagramEdge& e : diagram.edges) {
      if (e.is_loop || e.from == e.to || std::ranges::find(producers_[e.to], e.from) != producers_[e.to].end())
        continue;
      producers_[e.to].push_back(e.from);
      consumers[e.from].push_back(e.to);
    }
    place(consumers);
    order(consumers);
    std::vector<std::size_t> counts;
    for (const auto& list : consumers) counts.push_back(list.size());
    lanes_.emplace(std::move(counts));
  }

  std::string text() {
    for (const NodeIndex node : order_) {
      open_frames(node);
      const bool gradient = diagram_.nodes[node].lines.front().starts_with("∂");
      const std::string_view mark = gradient ? "◆" : producers_[node].empty() ? "○" : "●";
      rows_.push_back({lanes_->line(node, producers_[node], mark), 2 * open_.size(), node, words(node)});
    }
    std::size_t widest = 0;
    for (const Row& row : rows_) widest = std::max(widest, display_width(row.lanes));
    std::string text = diagram_.title.empty() ? "" : diagram_.title + "\n\n";
    for (const Row& row : rows_) {
      const std::string begin = row.lanes + std::string(widest - display_width(row.lanes) + row.indent, ' ');
      const std::size_t room = options_.summary.columns - std::min(options_.summary.columns, display_width(begin));
      text += begin + painted(shorten(row.text, std::max<std::size_t>(room, 8)), row.node) + '\n';
    }
    return text;
  }

 private:
  struct Row {
    std::string lanes;
    std::size_t indent;
    std::optional<NodeIndex> node;  // none: it names a frame
    std::string text;
  };

  // The frames round each node, outermost first, and where its value is to stand if nothing forbids it: leaves wait for
  // the first that needs them.
  void place(const std::vector<std::vector<NodeIndex>>& consumers) {
    std::vector<std::uint32_t> open;
    for (std::size_t i = 0; const DiagramPart& part : diagram_.parts) {
      if (part.kind == DiagramPart::Kind::open) open.push_back(part.index);
      if (part.kind == DiagramPart::Kind::close) open.pop_back();
      if (part.kind != DiagramPart::Kind::node) continue;
      frames_[part.index] = open;
      position_[part.index] = ++i;
    }
    const std::vector<std::size_t> places = position_;
    for (NodeIndex node = 0; node < producers_.size(); ++node) {
      if (!producers_[node].empty() || consumers[node].empty()) continue;
      const auto first = std::ranges::min_element(consumers[node], {}, [&](NodeIndex c) { return places[c]; });
      position_[node] = places[*first];
    }
  }

  // Producers before consumers; where folding has made a circle, the node that comes first in it all the same.
  void order(const std::vector<std::vector<NodeIndex>>& consumers) {
    const auto later = [this](NodeIndex a, NodeIndex b) {
      return position_[a] != position_[b] ? position_[a] > position_[b] : a > b;
    };
    std::priority_queue<NodeIndex, std::vector<NodeIndex>, decltype(later)> ready(later), all(later);
    std::vector<std::size_t> waits_for;
    std::vector<bool> done(producers_.size());
    for (NodeIndex node = 0; node < producers_.size(); ++node) {
      waits_for.push_back(producers_[node].size());
      if (waits_for.back() == 0) ready.push(node);
      all.push(node);
    }
    while (!all.empty()) {
      auto& from = ready.empty() ? all : ready;
      const NodeIndex node = from.top();
      from.pop();
      if (done[node]) continue;
      done[node] = true;
      order_.push_back(node);
      for (const NodeIndex consumer : consumers[node])
        if (--waits_for[consumer] == 0) ready.push(consumer);
    }
  }

  void open_frames(NodeIndex node) {
    const std::vector<std::uint32_t>& wanted = frames_[node];
    std::size_t common = 0;
    while (common < std::min(open_.size(), wanted.size()) && open_[common] == wanted[common]) ++common;
    for (std::size_t depth = common; depth < wanted.size(); ++depth)
      rows_.push_back({lanes_->line(), 2 * depth, std::nullopt, diagram_.frames[wanted[depth]].title});
    open_ = wanted;
  }

  std::string words(NodeIndex node) const {
    std::string text = fmt::format("{}", fmt::join(diagram_.nodes[node].lines, "  "));
    std::ranges::replace(text, '\n', ' ');
    for (const DiagramEdge& e : diagram_.edges)
      if (e.is_loop && e.from == node)
        text += fmt::format("  ↺ {}: {}", e.label.empty() ? "next step" : e.label, diagram_.nodes[e.to].lines.front());
    return text;
  }

  // In the colours that boxes have in pictures, which suit light terminals and dark ones.
  std::string painted(const std::string& text, std::optional<NodeIndex> node) const {
    if (!options_.text.colour) return text;
    if (!node) return fmt::format(fmt::emphasis::bold, "{}", text);
    const PaintStyle& style = style_of(diagram_.nodes[*node].paint);
    const auto colour = [](std::string_view hex) {
      return fmt::rgb(static_cast<std::uint32_t>(std::stoul(std::string(hex.substr(1)), nullptr, 16)));
    };
    const std::size_t title = std::min(text.find("  "), text.size());
    return fmt::format(fmt::fg(colour(style.text)) | fmt::bg(colour(style.fill)), "{}", text.substr(0, title)) +
           text.substr(title);
  }

  const Diagram& diagram_;
  const SaveOptions& options_;
  std::vector<std::vector<std::uint32_t>> frames_;
  std::vector<std::size_t> position_;
  std::vector<std::vector<NodeIndex>> producers_;
  std::vector<NodeIndex> order_;
  std::optional<Lanes> lanes_;
  std::vector<std::uint32_t> open_;
  std::vector<Row> rows_;
};

}  // namespace

std::string edges_text(const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
  const DiagramStyle style{.legend = false, .attributes = false, .gradients_apart = true};
  const Budget budget = options.draw.budget.value_or(Budget{.edges = 2'000, .nodes = 1'000});
  return EdgesWriter(plan_diagram(graph, options.draw, budget, style, folded), options).text();
}

}  // namespace tapegrad::graph
