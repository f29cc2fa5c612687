// Finds the layers of a model in what was recorded. A scope is called once or often; a call is a stretch of the
// recording without a break, so drawing it as one node never closes a cycle.

#include <algorithm>
#include <numeric>
#include <optional>
#include <tapegrad/graph/internal/sketch.hpp>

namespace tapegrad::graph {
namespace {

// A layer of more operations is a model of its own.
constexpr std::size_t kMostOps = 64;

bool is_any_of(std::string_view family, std::initializer_list<std::string_view> families) {
  return std::find(families.begin(), families.end(), family) != families.end();
}

// What a layer is called after.
bool carries_a_layer(const Vertex& v) {
  return is_any_of(v.family, {"contraction", "normalization", "recurrence", "indexing", "random"});
}
// What a layer of several products has at its heart, in its own scope and not in one within.
bool joins_products(const Vertex& v) { return v.op == "attention" || v.family == "recurrence"; }
bool may_stand_by(const Vertex& v) {
  return is_any_of(v.family, {"", "contraction", "shape", "pointwise", "recurrence", "random"});
}

class LayerFinder {
 public:
  explicit LayerFinder(Sketch& sketch) : sketch_(sketch), target_(sketch.items().size()) {
    std::iota(target_.begin(), target_.end(), ItemIndex{0});
    for (ItemIndex i = 0; i < target_.size(); ++i) {
      if (is_op(i)) ops_.push_back(i);
    }
    std::sort(ops_.begin(), ops_.end(),
              [&](ItemIndex a, ItemIndex b) { return sketch_.items()[a].shown < sketch_.items()[b].shown; });
    taken_.assign(ops_.size(), false);
  }

  void run() {
    std::vector<std::vector<std::size_t>> positions(sketch_.frames().size());  // in ops_, of what is in each frame
    for (std::size_t p = 0; p < ops_.size(); ++p) {
      for (FrameIndex f = item(p).frame; f != 0; f = sketch_.frames()[f].parent) positions[f].push_back(p);
    }
    // Frames come before those within them: so the outermost layer is found.
    for (FrameIndex f = 1; f < positions.size(); ++f) {
      const std::vector<std::size_t>& all = positions[f];
      for (std::size_t begin = 0; begin < all.size();) {
        std::size_t end = begin + 1;
        while (end < all.size() && all[end] == all[end - 1] + 1) ++end;
        consider(f, all[begin], all[begin] + (end - begin));
        begin = end;
      }
    }
    std::vector<VertexIndex> cores;
    for (const Layer& layer : layers_) cores.push_back(layer.core);
    sketch_.merge(target_);
    for (const Layer& layer : layers_) {
      Item& merged = sketch_.item(sketch_.item_of(layer.core));
      merged.kind = Item::Kind::layer;
      merged.core = layer.core;
      merged.shown = layer.last;
      merged.frame = layer.frame;
    }
  }

 private:
  struct Layer {
    FrameIndex frame;
    VertexIndex core, last;
  };

  bool is_op(ItemIndex i) const {
    return sketch_.items()[i].kind == Item::Kind::vertex &&
           sketch_.graph()[sketch_.items()[i].shown].kind == VertexKind::op;
  }
  const Item& item(std::size_t position) const { return sketch_.items()[ops_[position]]; }
  const Vertex& vertex(std::size_t position) const { return sketch_.graph()[item(position).shown]; }

  // Of the call [begin, end) of a frame.
  void consider(FrameIndex frame, std::size_t begin, std::size_t end) {
    if (end - begin < 2 || end - begin > kMostOps || taken_[begin]) return;
    const auto core = core_of(frame, begin, end);
    if (!core) return;
    for (std::size_t p = begin; p < end; ++p) {
      taken_[p] = true;
      target_[ops_[p]] = ops_[begin];
    }
    layers_.push_back({frame, item(*core).shown, item(end - 1).shown});
  }

  std::optional<std::size_t> core_of(FrameIndex frame, std::size_t begin, std::size_t end) const {
    std::optional<std::size_t> only, joint;
    std::size_t carriers = 0;
    bool all_direct = true, all_stand_by = true;
    for (std::size_t p = begin; p < end; ++p) {
      const Vertex& v = vertex(p);
      if (v.failed || v.stop != GradientStop::none) return std::nullopt;  // to be seen
      const bool direct = item(p).frame == frame;
      all_direct = all_direct && direct;
      all_stand_by = all_stand_by && may_stand_by(v);
      if (direct && joins_products(v) && !joint) joint = p;
      if (!carries_a_layer(v)) continue;
      ++carriers;
      if (!only) only = p;
    }
    if (joint && all_stand_by) return joint;
    if (all_direct && carriers == 1) return only;
    if (all_direct && carriers == 0 && uses_own_parameters(begin, end)) return end - 1;
    return std::nullopt;
  }

  bool uses_own_parameters(std::size_t begin, std::size_t end) const {
    for (std::size_t p = begin; p < end; ++p) {
      for (const Edge& e : sketch_.graph().in_edges(item(p).shown)) {
        const Vertex& input = sketch_.graph()[e.from];
        if (input.kind == VertexKind::parameter && input.scope == vertex(p).scope) return true;
      }
    }
    return false;
  }

  Sketch& sketch_;
  std::vector<ItemIndex> target_;
  std::vector<ItemIndex> ops_;  // in the order of recording
  std::vector<bool> taken_;     // of each of them: it is part of a layer
  std::vector<Layer> layers_;
};

}  // namespace

void draw_layers(Sketch& sketch) { LayerFinder(sketch).run(); }

void list_leaves(Sketch& sketch, bool named) {
  const Neighbours neighbours(sketch);
  std::vector<ItemIndex> leaves;
  for (ItemIndex i = 0; i < sketch.items().size(); ++i) {
    const Item& leaf = sketch.items()[i];
    if (!sketch.is_leaf_item(i) || sketch.graph()[leaf.shown].kind == VertexKind::input) continue;
    const std::vector<ItemIndex>& users = neighbours.consumers[i];
    const bool listed = !users.empty() && std::all_of(users.begin(), users.end(), [&](ItemIndex user) {
      const Item& item = sketch.items()[user];
      return item.kind != Item::Kind::rest &&
             !(item.kind == Item::Kind::vertex && sketch.graph()[item.shown].kind != VertexKind::op);
    });
    if (!listed) continue;
    leaves.push_back(i);
    for (const ItemIndex user : users) {
      Item& item = sketch.item(user);
      if (named && item.is_op_or_layer()) item.listed.push_back(leaf.shown);
    }
  }
  for (ItemIndex i = 0; i < sketch.items().size(); ++i) {
    std::vector<VertexIndex>& listed = sketch.item(i).listed;
    std::sort(listed.begin(), listed.end());
    listed.erase(std::unique(listed.begin(), listed.end()), listed.end());
  }
  sketch.absorb_leaves(leaves);
}

}  // namespace tapegrad::graph
