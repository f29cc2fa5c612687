#pragma once
// Colourings of the adjacency graph of a symmetric matrix, and the matrix from its compressed products.
// A. H. Gebremedhin, A. Tarafdar, F. Manne, A. Pothen, New Acyclic and Star Coloring Algorithms, SIAM J. Sci. Comput.
// 29 (2007).

#include <boost/graph/adjacency_list.hpp>
#include <tapegrad/scalar/sparse.hpp>

namespace tapegrad::scalars::detail {

using Colors = std::vector<std::size_t>;
/// A vertex a column; an edge, numbered in order of its ends, for two elements off the diagonal.
using AdjacencyGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property,
                                             boost::property<boost::edge_index_t, std::size_t>>;

struct Adjacency {
  AdjacencyGraph graph;
};

/// No two neighbours have one colour.
Colors distance_one_coloring(const AdjacencyGraph& graph);
/// Nor has a path of four vertices two.
Colors star_coloring(const AdjacencyGraph& graph);
/// Nor has a cycle.
Colors acyclic_coloring(const AdjacencyGraph& graph);

/// The element of each edge, from products[color * vertices + v]: the sums of v's elements in the columns of a colour.
/// Every two colours must span a forest.
std::vector<double> edge_elements(const AdjacencyGraph& graph, const Colors& colors, std::vector<double> products);

}  // namespace tapegrad::scalars::detail
