#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tapegrad/graph/internal/diagram.hpp>
#include <tapegrad/graph/internal/labels.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <tuple>

namespace tapegrad::graph {
namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};

// A leaf with more users than this is drawn once for each: one node with edges to everywhere makes a picture
// unreadable, and dot takes minutes over it.
constexpr std::size_t kMostUsersOfALeaf = 5;

class DiagramMaker {
 public:
  DiagramMaker(const Sketch& sketch, const DrawOptions& options, const DiagramStyle& style)
      : sketch_(sketch), graph_(sketch.graph()), options_(options), style_(style), writer_(sketch, options, style) {}

  Diagram make(std::vector<std::string> notes) {
    diagram_.direction = options_.direction;
    diagram_.notes = std::move(notes);
    make_frames();
    place_nodes();
    note_copies();
    order_parts();
    add_edges();
    describe();
    if (options_.overlay != Overlay::none && writer_.overlay().empty())
      diagram_.notes.emplace_back("the graph holds nothing that this overlay shows");
    if (options_.legend && style_.legend) add_legend();
    return std::move(diagram_);
  }

 private:
  struct Placed {
    FrameIndex frame;
    std::size_t key;  // where it comes among its neighbours
    std::uint32_t node;
    bool is_leaf;  // and says nothing about when its frame is executed
  };

  bool draws_values() const { return options_.pass != Pass::backward; }
  bool draws_gradient_of(const Item& item) const {
    return options_.pass != Pass::forward && std::any_of(item.members.begin(), item.members.end(),
                                                         [&](VertexIndex v) { return graph_.twin(v).has_value(); });
  }

  /// `near`: the item whose frame and place among the others it gets.
  std::uint32_t add_node(ItemIndex item, bool gradient, ItemIndex near) {
    diagram_.nodes.push_back(writer_.node(item, gradient));
    const auto index = static_cast<std::uint32_t>(diagram_.nodes.size() - 1);
    const Item& neighbour = sketch_.items()[near];
    const std::size_t key = sketch_.place(near);
    const bool leaf = sketch_.is_leaf_item(item);
    if (gradient && style_.gradients_apart) {
      placed_.push_back({gradient_frames_[neighbour.frame], 2 * graph_.size() - key, index, leaf});
    } else {
      placed_.push_back({value_frames_[neighbour.frame], key, index, leaf});
    }
    return index;
  }

  // The tree of frames that are drawn: those of the sketch and, if gradients stand apart, a copy of them.
  void make_frames() {
    if (!style_.details) {
      frames_ = {Frame{}};
      value_frames_ = gradient_frames_ = std::vector<FrameIndex>(sketch_.frames().size(), 0);
      return;
    }
    frames_ = sketch_.frames();
    value_frames_.resize(frames_.size());
    std::iota(value_frames_.begin(), value_frames_.end(), FrameIndex{0});
    if (!style_.gradients_apart || options_.pass != Pass::joint) {
      gradient_frames_ = value_frames_;
      return;
    }
    gradient_frames_.assign(frames_.size(), 0);
    for (FrameIndex f = 1; f < gradient_frames_.size(); ++f) {
      Frame copy = frames_[f];
      copy.parent = gradient_frames_[copy.parent];  // parents come before their children
      copy.name = "∂ " + copy.name;
      gradient_frames_[f] = static_cast<FrameIndex>(frames_.size());
      frames_.push_back(std::move(copy));
    }
  }

  void place_nodes() {
    const Neighbours neighbours(sketch_);
    values_.assign(sketch_.items().size(), kNone);
    gradients_ = values_;
    for (ItemIndex i = 0; i < sketch_.items().size(); ++i) {
      const Item& item = sketch_.items()[i];
      const std::vector<ItemIndex>& users = neighbours.consumers[i];
      if (users.size() > kMostUsersOfALeaf && sketch_.is_leaf_item(i)) {
        place_at_each_use(i, users);
        continue;
      }
      if (draws_values()) values_[i] = add_node(i, false, i);
      if (draws_gradient_of(item)) gradients_[i] = add_node(i, true, i);
      if (values_[i] != kNone && gradients_[i] != kNone) diagram_.twins.emplace_back(values_[i], gradients_[i]);
    }
  }

  void place_at_each_use(ItemIndex leaf, const std::vector<ItemIndex>& users) {
    for (std::size_t k = 0; k < users.size(); ++k) {
      const auto add = [&](bool gradient) {
        const std::uint32_t node = add_node(leaf, gradient, users[k]);
        diagram_.nodes[node].id += fmt::format("_{}", k);
        copies_[{leaf, users[k], gradient}] = node;
      };
      if (draws_values()) add(false);
      if (draws_gradient_of(sketch_.items()[leaf])) add(true);
    }
    copied_.insert(leaf);
  }

  void note_copies() {
    if (copied_.empty()) return;
    const Vertex& v = graph_[sketch_.items()[*copied_.begin()].shown];
    const std::string name = v.name.empty() ? std::string(to_string(v.kind)) : shorten(drawable(v.name), style_.line);
    diagram_.notes.push_back(copied_.size() == 1
                                 ? fmt::format("{} drawn at each of its uses", name)
                                 : fmt::format("{} and {} more drawn at each of their uses", name, copied_.size() - 1));
  }

  // Writes the tree of frames as a list of parts. Frames with nothing drawn in them go; one that only holds another
  // lends it its name.
  void order_parts() {
    constexpr std::size_t kEmpty = ~std::size_t{0};
    const std::size_t leaves_after = 4 * graph_.size();
    std::vector<std::size_t> first(frames_.size(), kEmpty);
    struct Child {
      std::size_t key;
      bool is_frame;
      std::uint32_t index;
    };
    std::vector<std::vector<Child>> children(frames_.size());
    for (const Placed& p : placed_) {
      children[p.frame].push_back({p.key, false, p.node});
      for (FrameIndex f = p.frame;; f = frames_[f].parent) {
        // Any op comes before all leaves, to which the offset is given.
        first[f] = std::min(first[f], p.is_leaf ? p.key + leaves_after : p.key);
        if (f == 0) break;
      }
    }
    for (FrameIndex f = 1; f < frames_.size(); ++f) {
      if (first[f] == kEmpty) continue;
      const std::size_t key = first[f] < leaves_after ? first[f] : first[f] - leaves_after;
      children[frames_[f].parent].push_back({key, true, f});
    }
    for (auto& list : children) {
      std::sort(list.begin(), list.end(), [](const Child& a, const Child& b) {
        return std::tuple(a.key, a.is_frame, a.index) < std::tuple(b.key, b.is_frame, b.index);
      });
    }
    struct Open {
      FrameIndex frame;
      std::uint32_t drawn;  // position in Diagram::frames
      std::size_t next = 0;
    };
    std::vector<Open> stack{{0, kNone}};
    while (!stack.empty()) {
      Open& top = stack.back();
      if (top.next == children[top.frame].size()) {
        if (top.frame != 0) diagram_.parts.push_back({DiagramPart::Kind::close, top.drawn});
        stack.pop_back();
        continue;
      }
      const Child child = children[top.frame][top.next++];
      if (!child.is_frame) {
        diagram_.parts.push_back({DiagramPart::Kind::node, child.index});
        continue;
      }
      FrameIndex inner = child.index;
      std::string title = frames_[inner].name;
      while (frames_[inner].times == 1 && children[inner].size() == 1 && children[inner][0].is_frame) {
        inner = children[inner][0].index;
        title += "." + frames_[inner].name;
      }
      title = shorten(drawable(title), style_.line);
      if (frames_[inner].times > 1) title += times_text(frames_[inner].times);
      const auto drawn = static_cast<std::uint32_t>(diagram_.frames.size());
      diagram_.frames.push_back({fmt::format("f{}", drawn), std::move(title)});
      diagram_.parts.push_back({DiagramPart::Kind::open, drawn});
      stack.push_back({inner, drawn});
    }
  }

  std::uint32_t node_of(ItemIndex item, ItemIndex other, bool gradient) const {
    if (!copied_.contains(item)) return gradient ? gradients_[item] : values_[item];
    auto copy = copies_.find({item, other, gradient});
    // A value may be saved for a gradient without being an input of its op.
    if (copy == copies_.end()) copy = copies_.lower_bound({item, 0, gradient});
    for (; copy != copies_.end() && std::get<0>(copy->first) == item; ++copy) {
      if (std::get<2>(copy->first) == gradient) return copy->second;
    }
    return kNone;
  }

  void add_edges() {
    for (const SketchEdge& e : sketch_.edges()) {
      if (options_.pass == Pass::forward && e.kind != EdgeKind::data) continue;
      if (options_.pass == Pass::backward && e.kind != EdgeKind::gradient) continue;
      if (e.kind == EdgeKind::saved && !options_.saved.value_or(!style_.gradients_apart)) continue;
      const std::uint32_t from = node_of(e.from, e.to, e.kind == EdgeKind::gradient);
      const std::uint32_t to = node_of(e.to, e.from, e.kind != EdgeKind::data);
      if (from == kNone || to == kNone) continue;
      const Vertex& value = graph_[e.value];
      std::string label;
      if (e.kind == EdgeKind::saved) {
        if (value_bytes(value) > 0) label = bytes_text(value_bytes(value));
      } else if (options_.shapes == ShapeLabels::edges) {
        label = shorten(drawable(value_text(value)), style_.line);
      } else if (e.partial) {
        label = number_text(*e.partial);
      }
      if (e.steps == 1) label = e.kind == EdgeKind::data ? "next step" : "step before";
      if (e.steps > 1) label = fmt::format("{} steps {}", e.steps, e.kind == EdgeKind::data ? "on" : "before");
      diagram_.edges.push_back({from, to, e.kind, std::move(label), e.steps > 0});
    }
  }

  std::string names_of(VertexKind kind) const {
    constexpr std::size_t kMost = 3;
    std::string names;
    std::size_t count = 0;
    for (VertexIndex v = 0; v < graph_.forward_size(); ++v) {
      if (graph_[v].kind != kind || ++count > kMost) continue;
      const std::string name = graph_[v].name.empty() ? graph_.id(v) : shorten(drawable(graph_[v].name), 40);
      names += fmt::format("{}{} {}", names.empty() ? "" : ", ", name, shape_text(graph_[v].shape));
    }
    if (count > kMost) names += fmt::format(" and {} more", count - kMost);
    return names;
  }

  void describe() {
    const std::string& title = options_.title.empty() ? graph_.title() : options_.title;
    diagram_.title = title.empty() ? "Computation graph" : shorten(drawable(valid_utf8(title)), style_.line);
    double parameters = 0;
    for (VertexIndex v = 0; v < graph_.forward_size(); ++v) {
      if (graph_[v].kind == VertexKind::parameter) parameters += element_count(graph_[v]);
    }
    diagram_.description = fmt::format("{} graph of {} values and {} gradients, drawn as {} nodes and {} edges.",
                                       options_.pass == Pass::forward    ? "Forward"
                                       : options_.pass == Pass::backward ? "Backward"
                                                                         : "Forward and backward",
                                       graph_.forward_size(), graph_.size() - graph_.forward_size(),
                                       diagram_.nodes.size(), diagram_.edges.size());
    const auto add = [&](std::string_view what, const std::string& names) {
      if (!names.empty()) diagram_.description += fmt::format(" {}: {}.", what, names);
    };
    if (style_.legend) {
      add("Inputs", names_of(VertexKind::input));
      add("Outputs", names_of(VertexKind::output));
    }
    if (parameters > 0) diagram_.description += fmt::format(" {} parameters.", grouped(parameters));
  }

  void add_legend() {
    std::map<Paint, Outline> used;
    for (const DiagramNode& node : diagram_.nodes) used.try_emplace(node.paint, node.outline);
    for (const auto& [paint, outline] : used) {
      const bool may_be_zero = paint == Paint::rest && options_.overlay != Overlay::none;
      const std::string_view meaning = may_be_zero ? "∅ zero, or left out" : style_of(paint).meaning;
      if (meaning.empty() || says_outline(paint)) continue;
      diagram_.legend.push_back({outline, paint, std::string(meaning)});
    }
    const std::vector<LegendEntry> overlay = writer_.overlay().legend();
    if (overlay.empty() && used.contains(Paint::alert)) {
      diagram_.legend.push_back({Outline::box, Paint::alert, "✖ failed"});
    }
    diagram_.legend.insert(diagram_.legend.end(), overlay.begin(), overlay.end());
    const auto has_edge = [&](EdgeKind kind) {
      return std::any_of(diagram_.edges.begin(), diagram_.edges.end(),
                         [&](const DiagramEdge& e) { return e.kind == kind; });
    };
    if (options_.pass == Pass::joint && has_edge(EdgeKind::gradient)) {
      diagram_.legend.push_back({Outline::rounded, Paint::rest, "dashed: flow of gradients"});
      if (has_edge(EdgeKind::saved)) {
        diagram_.legend.push_back({Outline::rounded, Paint::rest, "round end: value saved for the gradient"});
      }
    }
  }

  // The shape of these, and what is written on them, says what they are.
  static bool says_outline(Paint paint) {
    switch (paint) {
      case Paint::input:
      case Paint::output:
      case Paint::parameter:
      case Paint::constant:
      case Paint::gradient:
        return true;
      default:
        return false;
    }
  }

  const Sketch& sketch_;
  const ComputationGraph& graph_;
  const DrawOptions& options_;
  const DiagramStyle& style_;
  NodeWriter writer_;
  Diagram diagram_;
  std::vector<Frame> frames_;
  std::vector<FrameIndex> value_frames_, gradient_frames_;  // where what is in a frame of the sketch is drawn
  std::vector<Placed> placed_;
  std::vector<std::uint32_t> values_, gradients_;  // node of each item
  std::map<std::tuple<ItemIndex, ItemIndex, bool>, std::uint32_t> copies_;
  std::set<ItemIndex> copied_;
};

}  // namespace

std::uint32_t Diagram::last_node(bool gradients_like_values) const {
  std::vector<bool> is_last(nodes.size(), true);
  for (const DiagramEdge& e : edges) {
    if (e.is_loop || e.from == e.to) continue;
    is_last[gradients_like_values && e.kind == EdgeKind::gradient ? e.to : e.from] = false;
  }
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->kind == DiagramPart::Kind::node && is_last[part->index]) return part->index;
  }
  return static_cast<std::uint32_t>(nodes.size() - 1);
}

Diagram make_diagram(const Sketch& sketch, const DrawOptions& options, const DiagramStyle& style,
                     std::vector<std::string> notes) {
  return DiagramMaker(sketch, options, style).make(std::move(notes));
}

}  // namespace tapegrad::graph
