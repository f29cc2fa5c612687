#include <algorithm>
#include <numeric>
#include <tapegrad/graph/internal/sketch.hpp>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace tapegrad::graph {

namespace {

// Deeper nesting than this cannot be told apart in a picture (and Mermaid's parser is recursive).
constexpr std::uint32_t kMaxFrameDepth = 12;

// The frame of every prefix of every scope seen.
class ScopeFrames {
 public:
  explicit ScopeFrames(Sketch& sketch) : sketch_(sketch) {}

  FrameIndex operator()(const std::string& scope) {
    if (const auto known = whole_.find(scope); known != whole_.end()) return known->second;
    FrameIndex frame = 0;
    std::size_t begin = 0;
    while (begin < scope.size()) {
      const bool last = sketch_.frames()[frame].depth + 1 == kMaxFrameDepth;
      const std::size_t end = last ? scope.size() : std::min(scope.find('.', begin), scope.size());
      if (end > begin) frame = child(frame, scope.substr(begin, end - begin));
      begin = end + 1;
    }
    whole_.emplace(scope, frame);
    return frame;
  }

 private:
  FrameIndex child(FrameIndex parent, const std::string& name) {
    const auto [place, is_new] = children_.try_emplace(std::to_string(parent) + '.' + name);
    if (is_new) place->second = sketch_.add_frame(parent, name);
    return place->second;
  }

  Sketch& sketch_;
  std::unordered_map<std::string, FrameIndex> whole_, children_;
};

}  // namespace

Sketch::Sketch(const ComputationGraph& graph) : graph_(&graph) {
  ScopeFrames frame_of(*this);
  items_.reserve(graph.forward_size());
  for (VertexIndex v = 0; v < graph.forward_size(); ++v) {
    Item item;
    item.members = {v};
    item.shown = v;
    item.frame = frame_of(graph[v].scope);
    items_.push_back(std::move(item));
  }
  item_of_.resize(items_.size());
  std::iota(item_of_.begin(), item_of_.end(), ItemIndex{0});
  edges_.reserve(graph.edges().size());
  for (const Edge& e : graph.edges()) {
    edges_.push_back({item_of(e.from), item_of(e.to), e.kind, e.slot, graph.value_of(e.from), 0, e.partial});
  }
}

FrameIndex Sketch::add_frame(FrameIndex parent, std::string name, std::uint32_t times) {
  frames_.push_back({parent, std::move(name), frames_[parent].depth + 1, times, true});
  return static_cast<FrameIndex>(frames_.size() - 1);
}

ItemIndex Sketch::item_of(VertexIndex v) const { return item_of_[graph_->value_of(v)]; }

bool Sketch::is_leaf_item(ItemIndex i) const {
  return items_[i].kind == Item::Kind::vertex && is_leaf((*graph_)[items_[i].shown]);
}

VertexIndex Sketch::place(ItemIndex i) const {
  const Item& item = items_[i];
  if (item.kind == Item::Kind::vertex) return item.shown;
  const auto op =
      std::find_if(item.members.begin(), item.members.end(), [&](VertexIndex v) { return !is_leaf((*graph_)[v]); });
  return op == item.members.end() ? item.members.front() : *op;
}

std::string Sketch::path(FrameIndex f, FrameIndex outer) const {
  std::string path;
  for (; f != outer && f != 0; f = frames_[f].parent) {
    path = path.empty() ? frames_[f].name : frames_[f].name + "." + path;
  }
  return path;
}

FrameIndex Sketch::ancestor(FrameIndex f, std::uint32_t depth) const {
  while (frames_[f].depth > depth) f = frames_[f].parent;
  return f;
}

FrameIndex Sketch::common_frame(FrameIndex a, FrameIndex b) const {
  a = ancestor(a, frames_[b].depth);
  b = ancestor(b, frames_[a].depth);
  while (a != b) {
    a = frames_[a].parent;
    b = frames_[b].parent;
  }
  return a;
}

std::uint32_t Sketch::repetitions(FrameIndex f) const {
  std::uint32_t product = 1;
  for (; f != 0; f = frames_[f].parent) product *= frames_[f].times;
  return product;
}

void Sketch::merge(const std::vector<ItemIndex>& target, const std::vector<std::optional<std::uint32_t>>& steps) {
  std::vector<ItemIndex> position(items_.size(), 0);
  std::vector<Item> kept;
  for (ItemIndex i = 0; i < items_.size(); ++i) {
    if (target[i] != i) continue;
    position[i] = static_cast<ItemIndex>(kept.size());
    kept.push_back(std::move(items_[i]));
  }
  for (ItemIndex i = 0; i < items_.size(); ++i) {
    if (target[i] == i) continue;
    std::vector<VertexIndex>& members = kept[position[target[i]]].members;
    members.insert(members.end(), items_[i].members.begin(), items_[i].members.end());
  }
  for (Item& item : kept) std::sort(item.members.begin(), item.members.end());
  items_ = std::move(kept);
  for (ItemIndex& i : item_of_) i = position[target[i]];

  std::size_t count = 0;
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    const std::optional<std::uint32_t> across = steps.empty() ? std::nullopt : steps[i];
    if (across == 0U) continue;
    SketchEdge e = edges_[i];
    e.steps = across.value_or(e.steps);
    const bool is_loop = across || (e.steps > 0 && e.from == e.to);
    e.from = position[target[e.from]];
    e.to = position[target[e.to]];
    const bool may_loop = e.kind == EdgeKind::saved || (is_loop && items_[e.to].is_op_or_layer());
    if (e.from == e.to && !may_loop) continue;
    const bool plain = items_[e.from].kind == Item::Kind::vertex && items_[e.to].kind == Item::Kind::vertex;
    if (!plain) {
      e.slot = 0;
      e.partial.reset();
    }
    edges_[count++] = e;
  }
  edges_.resize(count);
  const auto key = [](const SketchEdge& e) { return std::tuple(e.to, e.kind, e.slot, e.from, e.steps); };
  std::stable_sort(edges_.begin(), edges_.end(),
                   [&](const SketchEdge& a, const SketchEdge& b) { return key(a) < key(b); });
  edges_.erase(std::unique(edges_.begin(), edges_.end(),
                           [&](const SketchEdge& a, const SketchEdge& b) { return key(a) == key(b); }),
               edges_.end());
}

void Sketch::absorb_leaves(const std::vector<ItemIndex>& leaves) {
  std::vector<ItemIndex> target(items_.size());
  std::iota(target.begin(), target.end(), ItemIndex{0});
  std::vector<bool> goes(items_.size(), false);
  for (const ItemIndex leaf : leaves) goes[leaf] = true;
  for (const SketchEdge& e : edges_) {
    if (e.kind == EdgeKind::data && goes[e.from] && target[e.from] == e.from) target[e.from] = e.to;
  }
  std::erase_if(edges_, [&](const SketchEdge& e) { return goes[e.from] || goes[e.to]; });
  merge(target);
}

Neighbours::Neighbours(const Sketch& sketch) : producers(sketch.items().size()), consumers(sketch.items().size()) {
  for (const SketchEdge& e : sketch.edges()) {
    if (e.kind != EdgeKind::data || e.steps > 0) continue;
    producers[e.to].push_back(e.from);
    if (consumers[e.from].empty() || consumers[e.from].back() != e.to) consumers[e.from].push_back(e.to);
  }
}

}  // namespace tapegrad::graph
