#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphml.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tapegrad/graph/save.hpp>

#include "random_graphs.hpp"
#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using samples::found;

struct Node {
  std::string kind, op, name, scope, shape, twin;
};
struct Arc {
  int slot = -1;
  std::string flow;
};
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, Node, Arc>;

Graph read_graphml(const std::string& text) {
  Graph graph;
  // What is not asked for here is read and dropped.
  boost::dynamic_properties properties([](const std::string&, const boost::any&, const boost::any&) {
    return boost::shared_ptr<boost::dynamic_property_map>();
  });
  properties.property("kind", get(&Node::kind, graph));
  properties.property("op", get(&Node::op, graph));
  properties.property("name", get(&Node::name, graph));
  properties.property("scope", get(&Node::scope, graph));
  properties.property("shape", get(&Node::shape, graph));
  properties.property("twin", get(&Node::twin, graph));
  properties.property("slot", get(&Arc::slot, graph));
  properties.property("flow", get(&Arc::flow, graph));
  std::istringstream stream(text);
  boost::read_graphml(stream, graph, properties);
  return graph;
}

TEST(GraphMl, BoostReadsItBack) {
  for (const ComputationGraph& graph : {samples::mlp(), samples::transformer(2), samples::random_graph(5, 120)}) {
    const Graph read = read_graphml(to_graphml(graph));
    ASSERT_EQ(num_vertices(read), graph.size());
    ASSERT_EQ(num_edges(read), graph.edges().size());
    for (VertexIndex v = 0; v < graph.size(); ++v) {
      EXPECT_EQ(read[v].kind, to_string(graph[v].kind));
      const auto twin = graph.twin(v);
      EXPECT_EQ(read[v].twin, twin ? graph.id(*twin) : "");
      EXPECT_EQ(in_degree(v, read), graph.in_edges(v).size());
    }
  }
  const Graph read = read_graphml(to_graphml(samples::mlp()));
  EXPECT_EQ(read[2].name, "hidden1.weight");
  EXPECT_EQ(read[2].shape, "[784, 512]");
  EXPECT_EQ(read[*edges(read).first].flow, "data");
}

TEST(GraphMl, KeepsNames) {
  GraphBuilder builder("<&>");
  Vertex v;
  v.op = "vector<float> & \"co\" 输入";
  builder.add(v);
  EXPECT_EQ(read_graphml(to_graphml(std::move(builder).build()))[0].op, v.op);
}

TEST(ModelExplorer, HasItsForm) {
  const ComputationGraph graph = samples::mlp();
  const nlohmann::json read = nlohmann::json::parse(to_model_explorer(graph));
  EXPECT_EQ(read.at("label"), "mlp");
  const auto& nodes = read.at("graphs").at(0).at("nodes");
  ASSERT_EQ(nodes.size(), graph.size());
  EXPECT_EQ(nodes[4].at("id"), "n4");
  EXPECT_EQ(nodes[4].at("label"), "matmul");
  EXPECT_EQ(nodes[4].at("namespace"), "hidden1");
  EXPECT_EQ(nodes[4].at("incomingEdges")[1],
            (nlohmann::json{{"sourceNodeId", "n2"}, {"sourceNodeOutputId", "0"}, {"targetNodeInputId", "1"}}));
  EXPECT_EQ(nodes[4].at("outputsMetadata")[0].at("attrs")[0].at("value"), "f32[32, 512]");
  const VertexIndex gradient = found(graph, "g4");
  EXPECT_EQ(nodes[gradient].at("namespace"), "gradients/hidden1");
  EXPECT_EQ(nodes[gradient].at("incomingEdges").size(), 2U);
  for (const auto& node : nodes) {
    for (const auto& attribute : node.at("attrs")) {
      EXPECT_TRUE(attribute.at("value").is_string() || attribute.at("value").at("type") == "node_ids");
    }
  }
}

TEST(ModelExplorer, ScopesNestAtSlashesOnly) {
  samples::Recording r;
  r.scope = "encoder.layers/x.0";
  r.op("exp", {r.input("x", {})}, {});
  const nlohmann::json read = nlohmann::json::parse(to_model_explorer(r.finish()));
  EXPECT_EQ(read.at("graphs")[0].at("nodes")[1].at("namespace"), "encoder/layers_x/0");
}

TEST(Export, TakesAnything) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const ComputationGraph graph = samples::random_graph(seed, 100);
    EXPECT_TRUE(nlohmann::json::accept(to_model_explorer(graph)));
    EXPECT_EQ(num_vertices(read_graphml(to_graphml(graph))), graph.size());
  }
  EXPECT_EQ(num_vertices(read_graphml(to_graphml(ComputationGraph()))), 0U);
  EXPECT_GT(to_graphml(samples::unrolled(12'000)).size(), 1'000'000U);
}

}  // namespace
}  // namespace tapegrad::graph
