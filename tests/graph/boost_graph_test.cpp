#include <gtest/gtest.h>

#include <boost/graph/depth_first_search.hpp>
#include <boost/graph/graph_concepts.hpp>
#include <boost/graph/reverse_graph.hpp>
#include <boost/graph/topological_sort.hpp>
#include <tapegrad/graph/boost_graph.hpp>

#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

BOOST_CONCEPT_ASSERT((boost::VertexListGraphConcept<ComputationGraph>));
BOOST_CONCEPT_ASSERT((boost::EdgeListGraphConcept<ComputationGraph>));
BOOST_CONCEPT_ASSERT((boost::BidirectionalGraphConcept<ComputationGraph>));
BOOST_CONCEPT_ASSERT((boost::ReadablePropertyGraphConcept<ComputationGraph, VertexIndex, boost::vertex_index_t>));

TEST(BoostGraph, AlgorithmsRunWithoutACopy) {
  const ComputationGraph graph = samples::mlp();
  std::vector<VertexIndex> order;
  boost::topological_sort(graph, std::back_inserter(order));
  ASSERT_EQ(order.size(), graph.size());
  std::vector<std::size_t> position(graph.size());
  for (std::size_t i = 0; i < order.size(); ++i) position[order[i]] = i;
  for (const Edge& e : graph.edges()) EXPECT_GT(position[e.from], position[e.to]) << "the sort comes out reversed";
}

TEST(BoostGraph, ReverseGraphSeesTheInEdges) {
  const ComputationGraph graph = samples::mlp();
  const auto reversed = boost::make_reverse_graph(graph);
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    EXPECT_EQ(out_degree(v, reversed), in_degree(v, graph));
  }
}

TEST(BoostGraph, DepthFirstSearchOfAChainNeedsNoStack) {
  const ComputationGraph graph = samples::unrolled(20'000);
  std::vector<VertexIndex> order;
  boost::topological_sort(graph, std::back_inserter(order));
  EXPECT_EQ(order.size(), graph.size());
}

}  // namespace
}  // namespace tapegrad::graph
