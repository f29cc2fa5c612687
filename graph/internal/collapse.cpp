#include <algorithm>
#include <deque>
#include <map>
#include <numeric>
#include <tapegrad/graph/internal/sketch.hpp>

namespace tapegrad::graph {
namespace {

std::vector<ItemIndex> identity(const Sketch& sketch) {
  std::vector<ItemIndex> target(sketch.items().size());
  std::iota(target.begin(), target.end(), ItemIndex{0});
  return target;
}

// The last op among the members gives a scope its shape.
VertexIndex last_op(const ComputationGraph& graph, const std::vector<VertexIndex>& members) {
  const auto op = std::find_if(members.rbegin(), members.rend(), [&](VertexIndex v) { return !is_leaf(graph[v]); });
  return op == members.rend() ? members.back() : *op;
}

// Edges away from the nearest of the centres; kFar where there is no path.
constexpr std::size_t kFar = ~std::size_t{0};
struct Distances {
  std::vector<std::size_t> distance;
  std::vector<ItemIndex> nearest_first;
};

Distances distances_from(const Sketch& sketch, const std::vector<ItemIndex>& centres) {
  const Neighbours neighbours(sketch);
  Distances result{std::vector(sketch.items().size(), kFar), {}};
  std::deque<ItemIndex> queue;
  const auto reach = [&](ItemIndex i, std::size_t distance) {
    if (result.distance[i] != kFar) return;
    result.distance[i] = distance;
    queue.push_back(i);
  };
  for (const ItemIndex i : centres) reach(i, 0);
  while (!queue.empty()) {
    const ItemIndex i = queue.front();
    queue.pop_front();
    result.nearest_first.push_back(i);
    for (const auto* side : {&neighbours.producers[i], &neighbours.consumers[i]}) {
      for (const ItemIndex next : *side) reach(next, result.distance[i] + 1);
    }
  }
  return result;
}

void cut(Sketch& sketch, const std::vector<bool>& kept, VertexIndex centre) {
  std::vector<ItemIndex> target = identity(sketch);
  constexpr ItemIndex kNone = ~ItemIndex{0};
  ItemIndex rests[2] = {kNone, kNone};
  for (ItemIndex i = 0; i < target.size(); ++i) {
    if (kept[i] && sketch.items()[i].kind != Item::Kind::rest) continue;
    ItemIndex& rest = rests[sketch.items()[i].shown < centre ? 0 : 1];
    if (rest == kNone) rest = i;
    target[i] = rest;
  }
  for (const int side : {0, 1}) {
    if (rests[side] == kNone) continue;
    Item& rest = sketch.item(rests[side]);
    rest.kind = Item::Kind::rest;
    rest.frame = 0;
    rest.times = 1;
    rest.title = side == 0 ? "… before" : "… after";
  }
  sketch.merge(target);
}

}  // namespace

void collapse_scopes(Sketch& sketch, std::uint32_t depth) {
  std::vector<ItemIndex> target = identity(sketch);
  std::map<FrameIndex, ItemIndex> first;
  for (ItemIndex i = 0; i < target.size(); ++i) {
    const Item& item = sketch.items()[i];
    if (item.kind == Item::Kind::rest || sketch.frames()[item.frame].depth < depth) continue;
    target[i] = first.try_emplace(sketch.ancestor(item.frame, depth), i).first->second;
  }
  if (first.empty()) return;
  std::vector<VertexIndex> examples;  // of each collapsed scope, found again after the merge
  for (const auto& [frame, i] : first) {
    Item& item = sketch.item(i);
    item.kind = Item::Kind::scope;
    item.listed.clear();
    item.frame = sketch.frames()[frame].parent;
    item.title = sketch.frames()[frame].name;
    item.times = sketch.frames()[frame].times;
    examples.push_back(item.members.front());
  }
  sketch.merge(target);
  for (const VertexIndex v : examples) {
    Item& item = sketch.item(sketch.item_of(v));
    item.shown = last_op(sketch.graph(), item.members);
  }
  absorb_into_scopes(sketch);
  lift_lonely(sketch, true);
}

void absorb_into_scopes(Sketch& sketch) {
  // Each round moves what follows a scope directly; a chain of activations is seldom longer than a few.
  for (int round = 0; round < 8; ++round) {
    const Neighbours neighbours(sketch);
    std::vector<ItemIndex> target = identity(sketch);
    const auto is_scope = [&](ItemIndex i) { return sketch.items()[i].kind == Item::Kind::scope; };
    std::vector<VertexIndex> grown;
    for (ItemIndex i = 0; i < target.size(); ++i) {
      const Item& item = sketch.items()[i];
      if (item.kind != Item::Kind::vertex) continue;
      const Vertex& v = sketch.graph()[item.shown];
      if (v.kind == VertexKind::parameter || v.kind == VertexKind::constant) {
        const auto& users = neighbours.consumers[i];
        if (users.size() == 1 && is_scope(users[0])) target[i] = users[0];
      } else if (v.kind == VertexKind::op && v.family == "pointwise" && neighbours.producers[i].size() == 1) {
        const ItemIndex before = neighbours.producers[i][0];
        const bool only_use = is_scope(before) && neighbours.consumers[before].size() == 1;
        if (only_use && sketch.items()[before].frame == item.frame) target[i] = before;
      }
      if (target[i] != i) grown.push_back(item.members.front());
    }
    if (grown.empty()) return;
    sketch.merge(target);
    for (const VertexIndex v : grown) {
      Item& scope = sketch.item(sketch.item_of(v));
      scope.shown = last_op(sketch.graph(), scope.members);
    }
  }
}

void lift_lonely(Sketch& sketch, bool only_scopes) {
  std::vector<std::size_t> items_in(sketch.frames().size(), 0);
  for (const Item& item : sketch.items()) {
    for (FrameIndex f = item.frame; f != 0; f = sketch.frames()[f].parent) ++items_in[f];
  }
  for (ItemIndex i = 0; i < sketch.items().size(); ++i) {
    Item& item = sketch.item(i);
    const bool lends =
        item.kind == Item::Kind::scope || (!only_scopes && item.is_op_or_layer() && !sketch.is_leaf_item(i));
    if (!lends) continue;
    while (item.frame != 0 && items_in[item.frame] == 1) {
      const Frame& frame = sketch.frames()[item.frame];
      if (frame.is_scope) item.title = item.title.empty() ? frame.name : frame.name + "." + item.title;
      item.times *= frame.times;
      item.frame = frame.parent;
    }
  }
}

void keep_within(Sketch& sketch, const std::vector<ItemIndex>& centres, std::size_t radius) {
  const Distances near = distances_from(sketch, centres);
  std::vector<bool> kept(near.distance.size());
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = near.distance[i] <= radius && near.distance[i] != kFar;
  cut(sketch, kept, sketch.items()[centres.front()].shown);
}

void keep_nearest(Sketch& sketch, ItemIndex centre, std::size_t count) {
  const Distances near = distances_from(sketch, {centre});
  std::vector<bool> kept(near.distance.size(), false);
  for (std::size_t i = 0; i < std::min(count, near.nearest_first.size()); ++i) kept[near.nearest_first[i]] = true;
  cut(sketch, kept, sketch.items()[centre].shown);
}

}  // namespace tapegrad::graph
