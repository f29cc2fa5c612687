#pragma once
// The recorded graph as plain data: what every picture, analysis, comparison and file is made from, without the program
// that recorded it. <tapegrad/graph/boost_graph.hpp> makes it a Boost.Graph graph.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tapegrad::graph {

/// Position of a vertex in ComputationGraph::vertices().
using VertexIndex = std::uint32_t;

enum class VertexKind : std::uint8_t { input, parameter, constant, op, output, gradient };
enum class EdgeKind : std::uint8_t { data, gradient, saved };

/// Why no gradient flows back through a vertex, where the program asked for that.
enum class GradientStop : std::uint8_t { none, detached, no_grad, not_differentiable };

std::string_view to_string(VertexKind kind);
std::string_view to_string(EdgeKind kind);
std::string_view to_string(GradientStop stop);

struct Attribute {
  std::string key, value;
  bool operator==(const Attribute&) const = default;
};

/// What was measured on the value (for a gradient vertex: the gradient) that a vertex stands for.
struct Statistics {
  std::optional<double> min{}, max{}, mean{};  ///< over the finite elements
  std::optional<double> norm{};                ///< Euclidean
  std::uint64_t nan = 0, inf = 0, zero = 0;
  bool operator==(const Statistics&) const = default;
};

struct Vertex {
  VertexKind kind = VertexKind::op;
  std::string op;      ///< "matmul"; a gradient vertex has the op of its twin, a leaf has none
  std::string family;  ///< group of the op in the reference ("pointwise", "reduction", ...)
  std::string name;    ///< of a parameter, input or output ("hidden.weight"); elsewhere where the user gave one
  std::string scope;   ///< "encoder.layers.3.attn"
  std::vector<Attribute> attributes;
  std::string formula;
  std::vector<std::int64_t> shape;
  std::string dtype;       ///< "f32"
  std::string source;      ///< where it was recorded, "model.cpp:41"
  double flops = 0;        ///< arithmetic operations
  double bytes = 0;        ///< bytes read and written
  double saved_bytes = 0;  ///< bytes of the buffers that it keeps for the backward sweep
  bool requires_grad = false;
  bool is_view = false;  ///< its value shares the buffer of its first input
  bool failed = false;   ///< the op that threw
  GradientStop stop = GradientStop::none;
  std::optional<Statistics> statistics;
  std::optional<double> seconds;
  bool operator==(const Vertex&) const = default;
};

/// Leaves are where values enter the graph.
inline bool is_leaf(const Vertex& v) {
  return v.kind == VertexKind::input || v.kind == VertexKind::parameter || v.kind == VertexKind::constant;
}

/// Number of elements of the vertex's value.
double element_count(const Vertex& v);

/// Size of the vertex's value; 0 where the dtype is not known.
double value_bytes(const Vertex& v);

/// data: from the producer of a value to the op that takes it as input `slot`.
/// gradient: from the gradient of that op to the gradient of the producer, with the same slot.
/// saved: from the producer of a value to the gradient vertex that needs it.
struct Edge {
  VertexIndex from = 0, to = 0;
  std::uint32_t slot = 0;
  EdgeKind kind = EdgeKind::data;
  bool operator==(const Edge&) const = default;
};

/// An acyclic graph of values. First come the forward vertices in topological order, called n0, n1, ...; then the
/// gradient vertices, each the twin of a forward one and called g7 for n7, in the order in which a backward sweep comes
/// to them. The order, and so every name, depends only on what was recorded and in which order. Made by GraphBuilder.
class ComputationGraph {
 public:
  const std::string& title() const { return title_; }

  std::span<const Vertex> vertices() const { return vertices_; }
  const Vertex& operator[](VertexIndex v) const { return vertices_[v]; }
  /// Number of vertices, and of those that are not gradients: [0, forward_size()) is the forward graph.
  std::size_t size() const { return vertices_.size(); }
  std::size_t forward_size() const { return forward_size_; }

  /// All edges, by target, then kind, slot and source.
  std::span<const Edge> edges() const { return edges_; }
  /// The edges that end at a vertex: for an op its inputs by slot.
  std::span<const Edge> in_edges(VertexIndex v) const;
  /// The edges that start at a vertex, by target.
  std::span<const Edge> out_edges(VertexIndex v) const;

  /// The gradient of a forward vertex (none where it has no gradient), or the forward vertex of a gradient.
  std::optional<VertexIndex> twin(VertexIndex v) const;

  /// The forward vertex that a vertex is, or is the gradient of.
  VertexIndex value_of(VertexIndex v) const { return v < forward_size_ ? v : twins_[v]; }

  /// "n7", "g7".
  std::string id(VertexIndex v) const;
  /// The vertex with this id, or else the first with this name.
  std::optional<VertexIndex> find(std::string_view id_or_name) const;

  bool operator==(const ComputationGraph&) const = default;

 private:
  friend class GraphBuilder;
  std::string title_;
  std::vector<Vertex> vertices_;
  std::vector<Edge> edges_, edges_by_source_;
  std::vector<std::size_t> first_in_ = {0}, first_out_ = {0};  // of each vertex, and one past the last
  std::vector<VertexIndex> twins_;                             // itself where there is none
  std::size_t forward_size_ = 0;
};

}  // namespace tapegrad::graph
