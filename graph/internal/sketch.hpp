#pragma once
// A picture in the making: which vertices are drawn as which node, in which frame, with which edges between them. It
// starts as the graph itself, one item a forward vertex (a gradient goes where its twin goes), and every way of folding
// merges items until the picture is as small as wanted.

#include <cstdint>
#include <optional>
#include <string>
#include <tapegrad/graph/computation_graph.hpp>
#include <vector>

namespace tapegrad::graph {

using ItemIndex = std::uint32_t;
using FrameIndex = std::uint32_t;

/// What becomes one node; in a joint picture, with one gradient node beside it.
struct Item {
  enum class Kind : std::uint8_t { vertex, layer, scope, rest };
  Kind kind = Kind::vertex;
  std::vector<VertexIndex> members;  ///< forward vertices, ascending; of all copies
  VertexIndex shown = 0;             ///< the member that gives the shape, and the op
  VertexIndex core = 0;              ///< of a layer: the member that gives the op instead
  FrameIndex frame = 0;
  std::uint32_t times = 1;  ///< how often it is repeated, beside the repetitions of its frames
  std::string title;        ///< of a scope or a rest; of others the name of the scope that they are all there is in
  std::vector<VertexIndex> listed;  ///< leaves that it names, rather than that they are nodes; of the first copy

  bool is_op_or_layer() const { return kind == Kind::vertex || kind == Kind::layer; }
};

struct SketchEdge {
  ItemIndex from = 0, to = 0;
  EdgeKind kind = EdgeKind::data;  ///< data joins values, gradient joins gradients, saved a value to a gradient
  std::uint32_t slot = 0;
  VertexIndex value = 0;  ///< one of the values it carries, or whose gradients
  /// In a block that stands for all its repetitions: the edge leads so many of them on (for gradients, back), where it
  /// would otherwise lead from the block to itself.
  std::uint32_t steps = 0;
  std::optional<double> partial{};  ///< between two vertices
};

/// A box round items: a scope, or the one block that stands for all its repetitions. Frame 0 is the whole picture.
struct Frame {
  FrameIndex parent = 0;
  std::string name;
  std::uint32_t depth = 0;
  std::uint32_t times = 1;
  bool is_scope = true;  ///< and not made by folding
};

class Sketch {
 public:
  /// The graph must outlive the sketch.
  explicit Sketch(const ComputationGraph& graph);
  explicit Sketch(ComputationGraph&&) = delete;

  const ComputationGraph& graph() const { return *graph_; }
  const std::vector<Item>& items() const { return items_; }
  const std::vector<SketchEdge>& edges() const { return edges_; }
  const std::vector<Frame>& frames() const { return frames_; }

  Item& item(ItemIndex i) { return items_[i]; }
  Frame& frame(FrameIndex f) { return frames_[f]; }
  FrameIndex add_frame(FrameIndex parent, std::string name, std::uint32_t times = 1);

  /// The item that a vertex, or its twin, is drawn in.
  ItemIndex item_of(VertexIndex v) const;
  bool is_leaf_item(ItemIndex i) const;
  /// Where an item comes in the order of execution: at its first op, if it has one.
  VertexIndex place(ItemIndex i) const;
  /// "encoder.layers.0": the names from below `outer` down to `f`.
  std::string path(FrameIndex f, FrameIndex outer = 0) const;
  FrameIndex common_frame(FrameIndex a, FrameIndex b) const;
  /// The frame of this depth round `f`, or `f` itself where it is not as deep.
  FrameIndex ancestor(FrameIndex f, std::uint32_t depth) const;
  /// How often what is drawn once in this frame occurs.
  std::uint32_t repetitions(FrameIndex f) const;

  /// Item i goes into item target[i], which goes into itself. Edges that would then lead from an item to itself go.
  /// Those between copies of a block lead as many steps on as `steps` says of each edge, or go where it says 0; nothing
  /// is said of what lies within one copy (and of no edge where it is empty).
  void merge(const std::vector<ItemIndex>& target, const std::vector<std::optional<std::uint32_t>>& steps = {});

  /// Each of `leaves` goes into the first of the items that use it, and its edges go.
  void absorb_leaves(const std::vector<ItemIndex>& leaves);

 private:
  const ComputationGraph* graph_;
  std::vector<Item> items_;
  std::vector<SketchEdge> edges_;
  std::vector<Frame> frames_{Frame{}};
  std::vector<ItemIndex> item_of_;  // of each forward vertex
};

/// The data edges of a sketch, by their ends; without those to the next step of a block.
struct Neighbours {
  explicit Neighbours(const Sketch& sketch);
  std::vector<std::vector<ItemIndex>> producers, consumers;
};

/// Draws every scope of this depth (1 is the outermost), with all that is in it, as one node.
void collapse_scopes(Sketch& sketch, std::uint32_t depth);

/// Draws each call of a layer as one node: a scope with one product, normalisation or the like and little round it, or
/// what stands round attention or a recurrence.
void draw_layers(Sketch& sketch);

/// Names parameters and constants in the nodes that use them, or (`named` is false) leaves them out.
void list_leaves(Sketch& sketch, bool named);

/// A frame with nothing but one node in it goes, and the node takes over its name. Only scopes are such nodes, or ops
/// and layers too.
void lift_lonely(Sketch& sketch, bool only_scopes);

/// Gives a collapsed scope the parameters that only it uses, and the activation that follows it.
void absorb_into_scopes(Sketch& sketch);

/// Keeps the `count` items nearest to `centre`, and draws what was recorded before it and after it as one node each.
void keep_nearest(Sketch& sketch, ItemIndex centre, std::size_t count);

/// The same for what is at most `radius` edges from any of `centres`.
void keep_within(Sketch& sketch, const std::vector<ItemIndex>& centres, std::size_t radius);

/// Draws each stretch of the recording that is repeated exactly as one block. True if there was one.
bool fold_repeats(Sketch& sketch);

}  // namespace tapegrad::graph
