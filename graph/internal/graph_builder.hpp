#pragma once
// Makes a ComputationGraph, from a recording or from a file.

#include <tapegrad/graph/computation_graph.hpp>

namespace tapegrad::graph {

/// Takes vertices and edges in any order and puts them into the one order that ComputationGraph promises. Handles are
/// the positions in which vertices were added; ties of the topological order go to the vertex added first.
class GraphBuilder {
 public:
  using Handle = std::uint32_t;

  explicit GraphBuilder(std::string_view title = {});

  /// Adds a forward vertex. Bytes that are not UTF-8 in its strings are replaced by U+FFFD.
  /// Throws ValueError for a negative size in the shape, a cost that is negative or not finite, or the kind gradient.
  Handle add(Vertex vertex);

  /// Adds the gradient twin of a forward vertex, with the fields that follow it (op, name, shape, ...); `measured`
  /// gives the rest (cost, statistics). Throws GraphError if it has one, or is a gradient itself.
  Handle add_gradient(Handle of, const Vertex& measured = {});

  /// Adds an edge. Throws GraphError unless its ends exist and are of the kinds that the edge kind asks for.
  void connect(Handle from, Handle to, std::uint32_t slot, EdgeKind kind = EdgeKind::data,
               std::optional<double> partial = {});

  /// Gives every vertex that requires a gradient its twin, where it has none, and every data edge between two such
  /// vertices its gradient edge.
  void mirror_gradients();

  std::size_t size() const { return vertices_.size(); }
  /// The twin that was added for a forward vertex.
  std::optional<Handle> gradient_of(Handle forward) const;

  /// The graph. `index_of`, if given, receives the index of each handle.
  /// Throws GraphError for a cycle, an input slot taken twice, or the same gradient or saved edge given twice.
  ComputationGraph build(std::vector<VertexIndex>* index_of = nullptr) &&;

 private:
  void check_handle(Handle h) const;
  std::string describe(Handle h) const;
  std::vector<Handle> forward_order() const;
  [[noreturn]] void throw_cycle(const std::vector<std::uint32_t>& waiting_for) const;

  static constexpr Handle kNone = ~Handle{0};
  std::string title_;
  std::vector<Vertex> vertices_;
  std::vector<Handle> twins_;  // kNone where there is none
  std::vector<Edge> edges_;    // between handles
};

}  // namespace tapegrad::graph
