#pragma once
// The recorded graph as plain data: what every picture, analysis, comparison and file is made from, without the program
// that recorded it. <tapegrad/graph/boost_graph.hpp> makes it a Boost.Graph graph.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/graph/fields.hpp>
#include <tuple>
#include <vector>

namespace tapegrad::graph {

/// Position of a vertex in ComputationGraph::vertices().
using VertexIndex = std::uint32_t;

enum class VertexKind : std::uint8_t { op, input, parameter, constant, output, gradient };
enum class EdgeKind : std::uint8_t { data, gradient, saved };

/// Why no gradient flows back through a vertex, where the program asked for that.
enum class GradientStop : std::uint8_t { none, detached, no_grad, not_differentiable };

template <>
inline constexpr std::array<std::string_view, 6> kWords<VertexKind>{"op",       "input",  "parameter",
                                                                    "constant", "output", "gradient"};
template <>
inline constexpr std::array<std::string_view, 3> kWords<EdgeKind>{"data", "gradient", "saved"};
template <>
inline constexpr std::array<std::string_view, 4> kWords<GradientStop>{"none", "detached", "no_grad",
                                                                      "not_differentiable"};

constexpr std::string_view to_string(VertexKind kind) { return word_of(kind); }
constexpr std::string_view to_string(EdgeKind kind) { return word_of(kind); }
constexpr std::string_view to_string(GradientStop stop) { return word_of(stop); }

/// An attribute of an operation: its key and its value as text.
struct Attribute {
  std::string key, value;
  bool operator==(const Attribute&) const = default;
};

/// What was measured on the value (for a gradient vertex: the gradient) that a vertex stands for.
struct Statistics {
  std::optional<double> min{}, max{}, mean{}, norm{};
  std::uint64_t nan = 0, inf = 0, zero = 0;
  bool operator==(const Statistics&) const = default;

  static constexpr auto fields() {
    return std::tuple{
        Field{&Statistics::min, {.name = "min", .doc = "smallest finite element", .compare = Compare::roughly}},
        Field{&Statistics::max, {.name = "max", .doc = "largest finite element", .compare = Compare::roughly}},
        Field{&Statistics::mean, {.name = "mean", .doc = "mean of the finite elements", .compare = Compare::roughly}},
        Field{&Statistics::norm, {.name = "norm", .doc = "Euclidean norm", .compare = Compare::roughly}},
        Field{&Statistics::nan, {.name = "nan", .doc = "elements that are NaN", .compare = Compare::roughly}},
        Field{&Statistics::inf, {.name = "inf", .doc = "infinite elements", .compare = Compare::roughly}},
        Field{&Statistics::zero, {.name = "zero", .doc = "elements that are 0", .compare = Compare::roughly}}};
  }
};

/// A value: one that enters the graph, one that an op made, or the gradient of one of these. fields() says what each
/// member means.
struct Vertex {
  VertexKind kind = VertexKind::op;
  std::string op, family, name, scope;
  std::vector<std::int64_t> shape;
  std::string dtype;
  std::vector<Attribute> attributes;
  std::string formula, source;
  double flops = 0, bytes = 0, saved_bytes = 0, shared_bytes = 0;
  bool requires_grad = false, is_view = false, is_call = false, failed = false, released = false;
  std::uint32_t changes = 0;
  GradientStop stop = GradientStop::none;
  std::optional<Statistics> statistics;
  std::optional<double> seconds;
  bool operator==(const Vertex&) const = default;

  static constexpr auto fields() {
    constexpr Compare exactly = Compare::exactly;
    return std::tuple{
        Field{&Vertex::kind,
              {.name = "kind",
               .doc = "what the vertex is; an `output` marks its one input as a result of the graph",
               .follows_value = true}},
        Field{&Vertex::op,
              {.name = "op",
               .doc = "name of the op; leaves and outputs have none",
               .label = "op",
               .compare = exactly,
               .follows_value = true}},
        Field{&Vertex::family,
              {.name = "family",
               .doc = "group of the op in the reference: `pointwise`, `contraction`, `reduction`, ...",
               .follows_value = true}},
        Field{&Vertex::name,
              {.name = "name",
               .doc = "of a parameter, input or output; elsewhere where the user gave one",
               .label = "name",
               .compare = exactly,
               .follows_value = true}},
        Field{&Vertex::scope,
              {.name = "scope",
               .doc = "path of the part of the model it belongs to, joined by dots: `encoder.layers.3.attention`",
               .label = "scope",
               .compare = exactly,
               .follows_value = true}},
        Field{&Vertex::shape,
              {.name = "shape",
               .doc = "sizes; `[]` is a scalar",
               .label = "value",
               .compare = exactly,
               .follows_value = true}},
        Field{&Vertex::dtype,
              {.name = "dtype",
               .doc = "`f32`, `f64`, `i64`, `i32`, `u8`, `bool`",
               .compare = exactly,
               .follows_value = true}},
        Field{&Vertex::attributes,
              {.name = "attributes",
               .doc = "the op's attributes, in order, as strings",
               .label = "attributes",
               .compare = exactly}},
        Field{&Vertex::formula, {.name = "formula", .doc = "what the op computes", .label = "formula"}},
        Field{&Vertex::source, {.name = "source", .doc = "where it was recorded, `file:line`", .label = "recorded at"}},
        Field{&Vertex::flops,
              {.name = "flops",
               .doc = "arithmetic operations",
               .label = "operations",
               .unit = Unit::operations,
               .compare = exactly}},
        Field{&Vertex::bytes, {.name = "bytes", .doc = "bytes read and written", .unit = Unit::bytes}},
        Field{&Vertex::saved_bytes,
              {.name = "saved_bytes",
               .doc = "bytes of the buffers that it keeps for the backward sweep, and no vertex before it",
               .label = "saved for backward",
               .unit = Unit::bytes,
               .compare = exactly}},
        Field{&Vertex::shared_bytes,
              {.name = "shared_bytes",
               .doc = "bytes of the buffers that it keeps too, but a vertex before it already",
               .label = "saved before it already",
               .unit = Unit::bytes,
               .compare = exactly}},
        Field{&Vertex::requires_grad,
              {.name = "requires_grad", .doc = "a gradient can flow to it", .compare = exactly}},
        Field{&Vertex::is_view, {.name = "is_view", .doc = "its value shares the buffer of its first input"}},
        Field{&Vertex::is_call,
              {.name = "is_call",
               .doc =
                   "a call with several results: it has no value of its own; its results are the vertices that take it",
               .compare = exactly,
               .follows_value = true}},
        Field{&Vertex::failed, {.name = "failed", .doc = "the op that threw", .compare = exactly}},
        Field{&Vertex::released,
              {.name = "released", .doc = "a backward pass has let go of what it kept", .label = "freed by backward"}},
        Field{&Vertex::changes,
              {.name = "changes",
               .doc = "how often its value was changed in place since it was recorded",
               .label = "changed in place"}},
        Field{&Vertex::stop, {.name = "stop", .doc = "why no gradient flows back through it", .compare = exactly}},
        Field{&Vertex::statistics,
              {.name = "statistics", .doc = "what was measured on the value, or on the gradient; see below"}},
        Field{&Vertex::seconds,
              {.name = "seconds", .doc = "time it took", .unit = Unit::seconds, .compare = Compare::roughly}}};
  }
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
  std::optional<double> partial{};
  bool operator==(const Edge&) const = default;

  /// All but its ends, which each format has a form of its own for.
  static constexpr auto fields() {
    return std::tuple{
        Field{&Edge::slot, {.name = "slot", .doc = "which input of the op"}},
        Field{&Edge::kind, {.name = "kind", .doc = "see below"}},
        Field{&Edge::partial,
              {.name = "partial", .doc = "derivative of a scalar for this input of it", .compare = Compare::roughly}}};
  }
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
