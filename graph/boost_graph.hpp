#pragma once
// ComputationGraph as a Boost.Graph graph: a model of VertexListGraph, EdgeListGraph and BidirectionalGraph, so that
// Boost's algorithms (and yours) run on it without a copy. Vertex descriptors are the indices, edge descriptors the
// edges.
//
//   std::vector<VertexIndex> order;
//   boost::topological_sort(graph, std::back_inserter(order));

#include <boost/graph/graph_traits.hpp>
#include <boost/graph/properties.hpp>
#include <boost/iterator/counting_iterator.hpp>
#include <boost/property_map/property_map.hpp>
#include <tapegrad/graph/computation_graph.hpp>
#include <utility>

namespace tapegrad::graph {

struct BoostGraphCategory : boost::bidirectional_graph_tag, boost::vertex_list_graph_tag, boost::edge_list_graph_tag {};

}  // namespace tapegrad::graph

namespace boost {

template <>
struct graph_traits<tapegrad::graph::ComputationGraph> {
  using vertex_descriptor = tapegrad::graph::VertexIndex;
  using edge_descriptor = tapegrad::graph::Edge;
  using directed_category = bidirectional_tag;
  using edge_parallel_category = allow_parallel_edge_tag;
  using traversal_category = tapegrad::graph::BoostGraphCategory;
  using vertex_iterator = counting_iterator<vertex_descriptor>;
  using edge_iterator = const edge_descriptor*;
  using out_edge_iterator = const edge_descriptor*;
  using in_edge_iterator = const edge_descriptor*;
  using vertices_size_type = std::size_t;
  using edges_size_type = std::size_t;
  using degree_size_type = std::size_t;
  static vertex_descriptor null_vertex() { return ~vertex_descriptor{0}; }
};

template <>
struct property_map<tapegrad::graph::ComputationGraph, vertex_index_t> {
  using type = typed_identity_property_map<tapegrad::graph::VertexIndex>;
  using const_type = type;
};

}  // namespace boost

namespace tapegrad::graph {

using BoostTraits = boost::graph_traits<ComputationGraph>;

inline auto edge_range(std::span<const Edge> edges) { return std::pair(edges.data(), edges.data() + edges.size()); }

inline std::pair<BoostTraits::vertex_iterator, BoostTraits::vertex_iterator> vertices(const ComputationGraph& g) {
  return {BoostTraits::vertex_iterator(0), BoostTraits::vertex_iterator(static_cast<VertexIndex>(g.size()))};
}
inline std::size_t num_vertices(const ComputationGraph& g) { return g.size(); }
inline auto edges(const ComputationGraph& g) { return edge_range(g.edges()); }
inline std::size_t num_edges(const ComputationGraph& g) { return g.edges().size(); }
inline auto out_edges(VertexIndex v, const ComputationGraph& g) { return edge_range(g.out_edges(v)); }
inline std::size_t out_degree(VertexIndex v, const ComputationGraph& g) { return g.out_edges(v).size(); }
inline auto in_edges(VertexIndex v, const ComputationGraph& g) { return edge_range(g.in_edges(v)); }
inline std::size_t in_degree(VertexIndex v, const ComputationGraph& g) { return g.in_edges(v).size(); }
inline std::size_t degree(VertexIndex v, const ComputationGraph& g) { return out_degree(v, g) + in_degree(v, g); }
inline VertexIndex source(const Edge& e, const ComputationGraph&) { return e.from; }
inline VertexIndex target(const Edge& e, const ComputationGraph&) { return e.to; }
inline boost::typed_identity_property_map<VertexIndex> get(boost::vertex_index_t, const ComputationGraph&) {
  return {};
}
inline VertexIndex get(boost::vertex_index_t, const ComputationGraph&, VertexIndex v) { return v; }

}  // namespace tapegrad::graph
