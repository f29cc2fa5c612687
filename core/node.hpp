#pragma once
// The record of one value: who made it, from what, and where its numbers are. Users hold Tensors; tools that walk the
// graph read Nodes.
//
// A node has two lifetimes. The record lives while anything downstream does (record_refs). The value's buffer lives
// while a Tensor, or a node whose op declared that it saves it, does (value_refs, which together hold one record_ref).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <tapegrad/core/dtype.hpp>
#include <tapegrad/core/op.hpp>
#include <tapegrad/core/shape.hpp>
#include <tapegrad/core/storage.hpp>

namespace tapegrad {

struct ScopeName;
struct NodeExtra;  // names, hooks, accumulated gradients: what few nodes have

using Strides = std::array<std::int64_t, kMaxRank>;

/// A reference to an input's node, and whether it also keeps the input's value.
class Edge {
 public:
  Edge() = default;  ///< no node: the input is a number
  Edge(Node* node, bool saves) : bits_(reinterpret_cast<std::uintptr_t>(node) | (saves ? 1u : 0u)) {}
  Node* node() const { return reinterpret_cast<Node*>(bits_ & ~std::uintptr_t{1}); }
  bool saves() const { return bits_ & 1u; }

 private:
  std::uintptr_t bits_ = 0;
};

/// What a Tensor is a handle to: a value and, beside it, the record of how it was computed.
struct Node {
  static constexpr int kInlineEdges = 3;
  /// Edges and versions of a record with more inputs than fit inside the node.
  struct Outlined {
    Edge* many;
    std::uint32_t* versions;
  };

  RefCount record_refs;
  RefCount value_refs;
  const OpRecord* op = nullptr;  ///< null for leaves and constants
  Storage* storage = nullptr;    ///< null once nobody needs the value, and for row-sparse tensors
  std::byte* data = nullptr;     ///< first element
  Strides* strides = nullptr;    ///< in elements; null when row-major and dense
  NodeExtra* extra = nullptr;
  union {
    void* attributes = nullptr;
    double scalar;  ///< the number that stands for input `scalar_input` of a pointwise op
  };
  union {
    Edge inline_edges[kInlineEdges] = {};
    Outlined outlined;  ///< when edge_count > kInlineEdges
  };
  std::uint32_t inline_versions[kInlineEdges] = {};  ///< of the saved inputs when recorded
  std::uint32_t output_version = 0;
  std::uint64_t sequence = 0;  ///< order of creation on its thread
  const ScopeName* scope = nullptr;
  // Owned by the backward pass that `sweep` numbers; 0 when none is running over this node.
  std::atomic<std::uint32_t> sweep{0};
  std::uint32_t pending = 0;
  Node* gradient = nullptr;  ///< what has arrived so far; also links nodes about to be destroyed

  Shape shape;
  DType dtype = DType::f32;
  bool requires_grad : 1 = false;
  bool saves_output : 1 = false;
  bool released : 1 = false;     ///< a backward pass let go of what was saved
  bool traced_only : 1 = false;  ///< recorded for a Trace alone: to the program it is a leaf
  std::int8_t scalar_input = -1;
  std::uint8_t sweep_marks = 0;  ///< of the backward pass that runs
  std::uint32_t edge_count = 0;

  const Edge* edges() const { return edge_count > kInlineEdges ? outlined.many : inline_edges; }
  Edge* edges() { return edge_count > kInlineEdges ? outlined.many : inline_edges; }
  std::uint32_t* versions() { return edge_count > kInlineEdges ? outlined.versions : inline_versions; }
  const std::uint32_t* versions() const { return edge_count > kInlineEdges ? outlined.versions : inline_versions; }

  bool is_leaf() const { return op == nullptr || traced_only; }
  bool contiguous() const { return strides == nullptr; }
  /// The elements lie row-major and dense at `data`.
  bool dense() const { return strides == nullptr && storage != nullptr; }
  std::uint32_t version() const { return storage ? storage->version() : 0; }

  /// A node without value, edges or op; sequence and scope are set. One reference.
  static Node* create(const Shape& shape, DType dtype);

  void retain_record() { record_refs.retain(); }
  void release_record() noexcept {
    if (record_refs.release()) destroy();
  }
  void retain_value() {
    if (value_refs.retain() == 0) retain_record();
  }
  void release_value() noexcept {
    if (value_refs.release()) drop_value();
  }

  /// Makes room for `count` inputs, none connected yet. Once a node.
  void reserve_edges(std::size_t count);
  /// Sets input `i`; its value is kept when `saves`. Inputs never set (numbers) have no node.
  void connect(std::size_t i, Node& input, bool saves);
  /// Lets go of the saved values; the record stays, for pictures of the graph.
  void release_saved() noexcept;

 private:
  void drop_value() noexcept;  // no value reference is left
  void free_storage() noexcept;
  void destroy() noexcept;
};

}  // namespace tapegrad
