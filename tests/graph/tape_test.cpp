// The tape of scalars as a graph.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/graph/topological_sort.hpp>
#include <cmath>
#include <iterator>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/boost_graph.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/graph/tape.hpp>
#include <tapegrad/scalar/scalar.hpp>

#include "../message_of.hpp"

namespace tapegrad::graph {
namespace {

using scalars::Real, scalars::Recording;
using ::testing::HasSubstr;

std::optional<double> partial(const ComputationGraph& graph, VertexIndex v, std::size_t slot) {
  return graph.in_edges(v)[slot].partial;
}

TEST(Tape, IsAGraphWithDerivativesOnItsEdges) {
  Recording recording;
  const Real x = recording.input(2), y = recording.input(3);
  Real z = x * y + sin(x);
  const double first = z.value();
  z /= y;
  const ComputationGraph graph = capture(recording, {{"x", x}, {"y", y}, {"z", z}}, "a quotient");
  ASSERT_EQ(graph.size(), 5U) << "two inputs, two statements, one output";
  EXPECT_EQ(graph.title(), "a quotient");
  EXPECT_EQ(graph[0].name, "x");
  EXPECT_EQ(graph[0].kind, VertexKind::input);
  EXPECT_EQ(graph[2].op, "statement");
  EXPECT_EQ(graph[4].kind, VertexKind::output);
  EXPECT_EQ(graph[3].statistics->mean, z.value());
  EXPECT_FALSE(graph[2].statistics) << "the tape keeps no values";
  const auto edges = graph.in_edges(3);
  ASSERT_EQ(edges.size(), 2U);
  for (const Edge& e : edges) EXPECT_DOUBLE_EQ(e.partial.value(), e.from == 2 ? 1.0 / 3 : -first / 9);
  double of_x = 0;
  for (const Edge& e : graph.in_edges(2))
    if (e.from == 0) of_x += e.partial.value();
  EXPECT_DOUBLE_EQ(of_x, 3 + std::cos(2.0));
  std::vector<VertexIndex> order;
  boost::topological_sort(graph, std::back_inserter(order));
  EXPECT_EQ(order.size(), graph.size());
  EXPECT_EQ(from_json(to_json(graph)), graph);
}

TEST(Tape, IsDrawnInEveryFormat) {
  Recording recording;
  const Real x = recording.input(0.5), y = 4 * x;
  const ComputationGraph graph = capture(recording, {{"x", x}, {"y", y}});
  EXPECT_THAT(to_dot(graph), HasSubstr("[class=data, label=<4>]"));
  EXPECT_THAT(to_mermaid(graph), HasSubstr("|\"4\"|"));
  EXPECT_THAT(render(graph, "graphml"), HasSubstr(">4<"));
  EXPECT_THAT(render(graph, "html"), HasSubstr("statement"));
}

TEST(Tape, OfALongRecordingIsWhole) {
  Recording recording;
  Real x = recording.input(1);
  const Real first = x;
  for (int i = 0; i < 200'000; ++i) x = x * 1.0 + first;  // over several chunks of the tape
  const ComputationGraph graph = capture(recording, {{"x", x}});
  EXPECT_EQ(graph.size(), 200'002U);
  EXPECT_EQ(graph.edges().size(), 400'001U);
  EXPECT_EQ(partial(graph, 200'000, 0), 1);
}

TEST(Tape, ShowsExternalFunctions) {
  Recording recording;
  const Real x = recording.input(2), constant = 3;
  const double values[] = {4, 8};
  const Real arguments[] = {x, constant};
  const auto y = recording.external(values, arguments, [](const double*, double*) {});
  const ComputationGraph graph = capture(recording, {{"x", x}, {"second", y[1]}});
  ASSERT_EQ(graph.size(), 4U);
  EXPECT_EQ(graph[1].op, "external");
  ASSERT_EQ(graph.in_edges(2).size(), 1U);
  EXPECT_FALSE(partial(graph, 2, 0));
}

TEST(Tape, IsOfTheInnermostRecording) {
  Recording outer;
  const Real x = outer.input(1);
  const Real kept = x + 1;
  {
    Recording inner;
    const Real y = inner.input(2), z = y * y;
    EXPECT_EQ(capture(inner, {{"z", z}}).size(), 3U);
    EXPECT_THROW(capture(inner, {{"x", x}}), GraphError);
    EXPECT_THROW(capture(outer, {}), GraphError);
  }
  EXPECT_EQ(capture(outer, {{"kept", kept}}).size(), 3U);
  EXPECT_THAT(message_of([&] { capture(outer, {{"three", Real(3)}}); }), HasSubstr("a constant was given"));
}

}  // namespace
}  // namespace tapegrad::graph
