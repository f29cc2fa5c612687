#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/internal/graph_builder.hpp>

#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

Vertex leaf(VertexKind kind, std::string name) {
  Vertex v;
  v.kind = kind;
  v.name = std::move(name);
  return v;
}

Vertex op(std::string name) {
  Vertex v;
  v.op = std::move(name);
  return v;
}

TEST(GraphBuilder, NumbersTopologicallyAndByOrderOfAdditionAmongEquals) {
  GraphBuilder builder;
  const auto product = builder.add(op("mul"));
  const auto y = builder.add(leaf(VertexKind::input, "y"));
  const auto x = builder.add(leaf(VertexKind::input, "x"));
  builder.connect(x, product, 1);
  builder.connect(y, product, 0);
  std::vector<VertexIndex> index;
  const ComputationGraph graph = std::move(builder).build(&index);
  EXPECT_THAT(index, ElementsAre(2, 0, 1));
  EXPECT_EQ(graph[0].name, "y");
  EXPECT_EQ(graph[2].op, "mul");
  EXPECT_EQ(graph.id(2), "n2");
  ASSERT_EQ(graph.in_edges(2).size(), 2U);
  EXPECT_EQ(graph.in_edges(2)[0].from, 0U);
  EXPECT_EQ(graph.in_edges(2)[1].from, 1U);
  EXPECT_EQ(graph.out_edges(1).size(), 1U);
  EXPECT_EQ(graph.out_edges(2).size(), 0U);
}

TEST(GraphBuilder, GivesGradientsTheNumberOfTheirTwin) {
  GraphBuilder builder;
  auto weight = leaf(VertexKind::parameter, "w");
  weight.requires_grad = true;
  auto square = op("square");
  square.requires_grad = true;
  const auto w = builder.add(weight);
  builder.add(leaf(VertexKind::input, "x"));
  const auto y = builder.add(square);
  builder.connect(w, y, 0);
  builder.mirror_gradients();
  const auto gradient = builder.gradient_of(y);
  ASSERT_TRUE(gradient.has_value());
  builder.connect(w, *gradient, 0, EdgeKind::saved);
  const ComputationGraph graph = std::move(builder).build();
  ASSERT_EQ(graph.size(), 5U);
  EXPECT_EQ(graph.forward_size(), 3U);
  EXPECT_EQ(graph.id(3), "g2");
  EXPECT_EQ(graph.id(4), "g0");
  EXPECT_EQ(graph.twin(0), 4U);
  EXPECT_EQ(graph.twin(4), 0U);
  EXPECT_EQ(graph.twin(1), std::nullopt);
  EXPECT_EQ(graph[3].op, "square");
  EXPECT_THAT(graph.in_edges(4), ElementsAre(Edge{3, 4, 0, EdgeKind::gradient}));
  EXPECT_THAT(graph.in_edges(3), ElementsAre(Edge{0, 3, 0, EdgeKind::saved}));
}

TEST(GraphBuilder, KeepsBothUsesOfOneValue) {
  GraphBuilder builder;
  const auto x = builder.add(leaf(VertexKind::input, "x"));
  const auto y = builder.add(op("mul"));
  builder.connect(x, y, 0);
  builder.connect(x, y, 1);
  EXPECT_EQ(std::move(builder).build().out_edges(0).size(), 2U);
}

TEST(GraphBuilder, NamesTheCycle) {
  GraphBuilder builder;
  const auto a = builder.add(op("first"));
  const auto b = builder.add(op("second"));
  const auto after = builder.add(op("after"));
  builder.connect(a, b, 0);
  builder.connect(b, a, 0);
  builder.connect(b, after, 0);
  EXPECT_THAT([&] { std::move(builder).build(); },
              ThrowsMessage<GraphError>(testing::AllOf(HasSubstr("cycle"), HasSubstr("first"), HasSubstr("second"))));
}

TEST(GraphBuilder, RejectsWhatIsNoGraph) {
  GraphBuilder builder;
  const auto x = builder.add(leaf(VertexKind::input, "x"));
  const auto y = builder.add(op("exp"));
  const auto g = builder.add_gradient(y);
  EXPECT_THROW(builder.connect(x, 17, 0), GraphError);
  EXPECT_THROW(builder.connect(y, x, 0), GraphError) << "a leaf takes no input";
  EXPECT_THROW(builder.connect(x, g, 0), GraphError) << "data does not flow into a gradient";
  EXPECT_THROW(builder.connect(x, y, 0, EdgeKind::saved), GraphError);
  EXPECT_THROW(builder.connect(g, y, 0, EdgeKind::gradient), GraphError);
  EXPECT_THROW(builder.add_gradient(y), GraphError);
  EXPECT_THROW(builder.add_gradient(g), GraphError);
  Vertex negative = op("exp");
  negative.shape = {2, -1};
  EXPECT_THAT([&] { builder.add(negative); }, ThrowsMessage<ValueError>(HasSubstr("[2, -1]")));
  Vertex endless = op("exp");
  endless.flops = HUGE_VAL;
  EXPECT_THROW(builder.add(endless), ValueError);
}

TEST(GraphBuilder, RejectsAnInputGivenTwice) {
  GraphBuilder builder;
  const auto x = builder.add(leaf(VertexKind::input, "x"));
  const auto z = builder.add(leaf(VertexKind::input, "z"));
  const auto y = builder.add(op("exp"));
  builder.connect(x, y, 0);
  builder.connect(z, y, 0);
  EXPECT_THAT([&] { std::move(builder).build(); }, ThrowsMessage<GraphError>(HasSubstr("input 0 of n2 (exp)")));
}

TEST(GraphBuilder, RejectsAGradientAgainstTheSweep) {
  GraphBuilder builder;
  const auto x = builder.add(leaf(VertexKind::input, "x"));
  const auto y = builder.add(op("exp"));
  builder.connect(x, y, 0);
  const auto gx = builder.add_gradient(x);
  const auto gy = builder.add_gradient(y);
  builder.connect(gx, gy, 0, EdgeKind::gradient);
  EXPECT_THAT([&] { std::move(builder).build(); }, ThrowsMessage<GraphError>(HasSubstr("g0 → g1")));
}

TEST(GraphBuilder, ReplacesWhatIsNotUtf8) {
  GraphBuilder builder("t\xFFitle");
  builder.add(leaf(VertexKind::input, "a\xC3z\xED\xA0\x80"));
  const ComputationGraph graph = std::move(builder).build();
  EXPECT_EQ(graph.title(), "t\uFFFDitle");
  EXPECT_EQ(graph[0].name, "a\uFFFDz\uFFFD\uFFFD\uFFFD");
}

TEST(ComputationGraph, FindsByIdAndByName) {
  const ComputationGraph graph = samples::mlp();
  EXPECT_EQ(graph.find("n3"), 3U);
  EXPECT_EQ(graph.find("g3"), graph.twin(3));
  EXPECT_EQ(graph.find("hidden1.weight"), 2U);
  for (const char* none : {"g0", "n99999999999", "n1x", "n", "", "hidden9.weight"})
    EXPECT_EQ(graph.find(none), std::nullopt) << none;
}

TEST(ComputationGraph, CountsElementsAndBytes) {
  Vertex v;
  v.shape = {3, 4};
  EXPECT_EQ(element_count(v), 12);
  EXPECT_EQ(value_bytes(v), 0);
  v.dtype = "f64";
  EXPECT_EQ(value_bytes(v), 96);
  v.shape.clear();
  EXPECT_EQ(element_count(v), 1);
}

TEST(ComputationGraph, DeepChainsNeedNoStack) { EXPECT_EQ(samples::unrolled(25'000).forward_size(), 125'005U); }

}  // namespace
}  // namespace tapegrad::graph
