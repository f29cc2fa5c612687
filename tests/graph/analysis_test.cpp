#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dominator_tree.hpp>
#include <numeric>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/analysis.hpp>

#include "random_graphs.hpp"
#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using samples::found;
using samples::Recording;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Finding = GradientReport::Finding;

TEST(Describe, SaysWhatAndWhere) {
  GraphBuilder builder;
  Vertex v;
  v.op = "log";
  v.name = "scores\n2";
  v.scope = "encoder.0";
  v.source = "model.cpp:41";
  builder.add_gradient(builder.add(v));
  const ComputationGraph graph = std::move(builder).build();
  EXPECT_EQ(describe(graph, 0), "n0 log 'scores 2' in encoder.0, recorded at model.cpp:41");
  EXPECT_EQ(describe(graph, 1), "g0 gradient of log 'scores 2' in encoder.0");
}

// Values: x → relu → log → mul → loss; the logarithm meets a negative number.
ComputationGraph with_nan(VertexIndex first_bad_value, bool bad_input = false) {
  GraphBuilder builder;
  std::optional<GraphBuilder::Handle> last;
  const std::vector<std::string> ops{"", "relu", "log", "mul", "sum"};
  for (VertexIndex i = 0; i < ops.size(); ++i) {
    Vertex v;
    v.kind = i == 0 ? VertexKind::input : VertexKind::op;
    v.op = ops[i];
    v.requires_grad = true;
    v.statistics = Statistics{.nan = i >= first_bad_value || (i == 0 && bad_input) ? 1U : 0U};
    const auto handle = builder.add(v);
    if (last) builder.connect(*last, handle, 0);
    last = handle;
  }
  for (auto h = static_cast<GraphBuilder::Handle>(ops.size()); h-- > 0;) {
    Vertex measured;
    measured.statistics = Statistics{.inf = h <= 1 ? 1U : 0U};
    builder.add_gradient(h, measured);
  }
  builder.mirror_gradients();
  return std::move(builder).build();
}

TEST(FirstBad, IsTheOpThatMadeIt) {
  EXPECT_EQ(first_bad_vertex(with_nan(2)), 2U) << "the logarithm";
  EXPECT_EQ(first_bad_vertex(with_nan(99, true)), 0U) << "the input itself";
  EXPECT_EQ(first_bad_vertex(samples::mlp()), std::nullopt);
}

TEST(FirstBad, LooksAtTheBackwardPassToo) {
  const ComputationGraph graph = with_nan(99);
  EXPECT_EQ(first_bad_vertex(graph), found(graph, "g1"));
}

TEST(Unused, IsWhatNoOutputNeeds) {
  Recording r;
  const auto x = r.input("x", {2});
  r.parameter("forgotten", {2});
  const auto y = r.op("exp", {x}, {2});
  r.op("log", {y}, {2});
  r.output("y", y);
  const ComputationGraph graph = r.finish();
  const auto unused = unused_vertices(graph);
  ASSERT_EQ(unused.size(), 2U);
  EXPECT_EQ(graph[unused[0]].name, "forgotten");
  EXPECT_EQ(graph[unused[1]].op, "log");
  EXPECT_THAT(unused_vertices(samples::mlp()), IsEmpty());
  EXPECT_THAT(unused_vertices(samples::unrolled(20'000)), IsEmpty());
}

TEST(CriticalPath, IsTheDearestChain) {
  GraphBuilder builder;
  const auto add = [&](double flops, std::vector<GraphBuilder::Handle> inputs) {
    Vertex v;
    v.op = "op";
    v.flops = flops;
    const auto handle = builder.add(v);
    for (std::uint32_t slot = 0; slot < inputs.size(); ++slot) builder.connect(inputs[slot], handle, slot);
    return handle;
  };
  const auto a = add(1, {}), cheap = add(2, {a}), dear = add(10, {a}), also = add(1, {dear});
  add(5, {cheap, also});
  const ComputationGraph graph = std::move(builder).build();
  const CriticalPath path = critical_path(graph, Cost::flops);
  EXPECT_THAT(path.vertices, ElementsAre(0, 2, 3, 4));
  EXPECT_EQ(path.cost, 17);
  EXPECT_EQ(critical_path(graph, Cost::seconds).cost, 0);
  EXPECT_THAT(critical_path(ComputationGraph(), Cost::bytes).vertices, IsEmpty());
}

TEST(Dominators, AreTheBottlenecks) {
  const ComputationGraph graph = samples::mlp();
  std::vector<std::string> ops;
  for (const VertexIndex v : bottlenecks(graph)) ops.push_back(graph[v].op);
  // The labels join only at the loss, so nothing before it is passed by all data.
  EXPECT_THAT(ops, ElementsAre("cross_entropy"));
  const VertexIndex logits = graph.in_edges(found(graph, "loss")).front().from - 1;
  ops.clear();
  for (const VertexIndex v : bottlenecks(graph, logits)) ops.push_back(graph[v].op);
  EXPECT_THAT(ops, ElementsAre("", "matmul", "add", "relu", "matmul", "add", "relu", "matmul"));
  EXPECT_THAT(bottlenecks(ComputationGraph()), IsEmpty());
}

TEST(Dominators, DeepGraphsNeedNoStack) {
  const ComputationGraph graph = samples::unrolled(20'000);
  EXPECT_EQ(immediate_dominators(graph).size(), graph.forward_size());
}

RC_GTEST_PROP(Dominators, AreThoseOfBoost, ()) {
  const ComputationGraph graph = samples::random_graph(*rc::gen::arbitrary<std::uint64_t>(),
                                                       static_cast<std::size_t>(*rc::gen::inRange(1, 60)), false);
  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS>;
  const std::size_t root = graph.forward_size();
  Graph copy(root + 1);
  // Boost's algorithm asks for edges only from what can be reached.
  std::vector<bool> reached(root, false);
  bool has_inputs = false;
  for (VertexIndex v = 0; v < root; ++v) has_inputs = has_inputs || graph[v].kind == VertexKind::input;
  for (VertexIndex v = 0; v < root; ++v) {
    reached[v] = has_inputs ? graph[v].kind == VertexKind::input : is_leaf(graph[v]);
    if (reached[v]) add_edge(root, v, copy);
    for (const Edge& e : graph.in_edges(v)) {
      if (!reached[e.from]) continue;
      reached[v] = true;
      add_edge(e.from, v, copy);
    }
  }
  std::vector<Graph::vertex_descriptor> expected(root + 1, Graph::null_vertex());
  boost::lengauer_tarjan_dominator_tree(
      copy, root, boost::make_iterator_property_map(expected.begin(), get(boost::vertex_index, copy)));
  const auto dominators = immediate_dominators(graph);
  for (VertexIndex v = 0; v < root; ++v) {
    const bool none = expected[v] == root || expected[v] == Graph::null_vertex();
    RC_ASSERT(dominators[v].has_value() == !none);
    if (!none) RC_ASSERT(*dominators[v] == expected[v]);
  }
}

TEST(KeptAlive, NamesTheGradients) {
  const ComputationGraph graph = samples::mlp();
  const auto keepers = kept_alive_by(graph, 6);
  ASSERT_EQ(keepers.size(), 1U);
  EXPECT_EQ(graph.id(keepers[0]), "g9");
  EXPECT_THAT(kept_alive_by(graph, found(graph, "labels")), IsEmpty());
}

TEST(Memory, FreesABufferAfterItsLastUse) {
  Recording r;
  auto x = r.input("x", {10});
  for (int i = 0; i < 5; ++i) x = r.op("exp", {x}, {10});
  r.output("y", x);
  const MemoryEstimate estimate = estimate_memory(r.finish());
  EXPECT_EQ(estimate.persistent, 40);
  EXPECT_EQ(estimate.peak, 40 + 2 * 40) << "an op's input and its output";
  EXPECT_EQ(estimate.live[6], 40 + 40) << "an output is no copy";
}

TEST(Memory, KeepsWhatIsSavedUntilItsGradient) {
  Recording r;
  auto x = r.parameter("w", {10});
  for (int i = 0; i < 5; ++i) x = r.op("exp", {x}, {10});
  const ComputationGraph graph = r.finish();
  const MemoryEstimate estimate = estimate_memory(graph);
  EXPECT_EQ(estimate.persistent, 80) << "the parameter and its gradient";
  // Four saved values and the result, and then its gradient in its place.
  EXPECT_EQ(estimate.peak, 80 + 5 * 40);
  EXPECT_EQ(graph.id(estimate.peak_at), "n5");
  EXPECT_EQ(estimate.live[6], 80 + 5 * 40) << graph.id(6);
  EXPECT_EQ(estimate.live[7], 80 + 5 * 40) << "g4 while g5 and three saved values live";
}

TEST(Memory, AViewTakesNone) {
  GraphBuilder builder;
  Vertex v;
  v.op = "exp";
  v.shape = {10};
  v.dtype = "f64";
  const auto a = builder.add(v);
  v.op = "transpose";
  v.is_view = true;
  builder.connect(a, builder.add(v), 0);
  EXPECT_EQ(estimate_memory(std::move(builder).build()).peak, 80);
}

TEST(ScopeTotals, AddUp) {
  const auto totals = scope_totals(samples::mlp());
  ASSERT_EQ(totals.size(), 4U);
  EXPECT_EQ(totals[0].scope, "");
  EXPECT_EQ(totals[0].parameters, 535'818);
  EXPECT_EQ(totals[0].ops, 9U);
  EXPECT_EQ(totals[1].scope, "hidden1");
  EXPECT_EQ(totals[1].parameters, 401'920);
  EXPECT_EQ(totals[1].ops, 2U);
  EXPECT_EQ(scope_totals(samples::transformer(2))[2].scope, "encoder");
}

// w → relu → stop → loss, with another way from v.
struct Stopped {
  ComputationGraph graph;
  GradientReport report;
};

Stopped stopped(GradientStop stop, const std::string& op) {
  GraphBuilder builder;
  const auto add = [&](VertexKind kind, std::string name, std::string made_by, bool requires_grad,
                       std::vector<GraphBuilder::Handle> inputs) {
    Vertex v;
    v.kind = kind;
    v.name = std::move(name);
    v.op = std::move(made_by);
    v.requires_grad = requires_grad;
    if (v.op == op) v.stop = stop;
    const auto handle = builder.add(v);
    for (std::uint32_t slot = 0; slot < inputs.size(); ++slot) builder.connect(inputs[slot], handle, slot);
    return handle;
  };
  const auto w = add(VertexKind::parameter, "w", "", true, {});
  const auto v = add(VertexKind::parameter, "v", "", true, {});
  const auto hidden = add(VertexKind::op, "", "relu", true, {w});
  const auto cut = add(VertexKind::op, "", op, false, {hidden});
  const auto sum = add(VertexKind::op, "", "add", true, {cut, v});
  add(VertexKind::output, "loss", "", true, {sum});
  builder.mirror_gradients();
  Stopped result{std::move(builder).build(), {}};
  result.report = explain_gradient(result.graph, found(result.graph, "w"));
  return result;
}

TEST(ExplainGradient, FindsTheStop) {
  const Stopped detached = stopped(GradientStop::detached, "detach");
  EXPECT_EQ(detached.report.finding, Finding::detached);
  EXPECT_THAT(detached.report.where, ElementsAre(3));
  EXPECT_THAT(detached.report.text, AllOf(HasSubstr("n0 parameter 'w'"), HasSubstr("cut by detach: n3 detach")));
  EXPECT_EQ(stopped(GradientStop::no_grad, "exp").report.finding, Finding::no_grad);
  EXPECT_EQ(stopped(GradientStop::not_differentiable, "argmax").report.finding, Finding::not_differentiable);
  EXPECT_EQ(explain_gradient(detached.graph, found(detached.graph, "v")).finding, Finding::flows);
}

TEST(ExplainGradient, OtherReasons) {
  Recording r;
  const auto used = r.parameter("used", {});
  r.parameter("unused", {});
  const auto frozen = r.parameter("frozen", {});
  r.last().requires_grad = false;
  r.output("y", r.op("mul", {used, frozen}, {}));
  const ComputationGraph graph = r.finish();
  const auto finding = [&](const char* name) { return explain_gradient(graph, found(graph, name)).finding; };
  EXPECT_EQ(finding("used"), Finding::flows);
  EXPECT_EQ(finding("unused"), Finding::unused);
  EXPECT_EQ(finding("frozen"), Finding::not_required);
  EXPECT_THROW(explain_gradient(graph, found(graph, "g0")), ValueError);
  EXPECT_THROW(explain_gradient(graph, 10'000), ValueError);
}

TEST(ExplainGradient, WithoutABackwardPass) {
  GraphBuilder builder;
  Vertex w;
  w.kind = VertexKind::parameter;
  w.requires_grad = true;
  Vertex y;
  y.op = "exp";
  y.requires_grad = true;
  builder.connect(builder.add(w), builder.add(y), 0);
  EXPECT_EQ(explain_gradient(std::move(builder).build(), 0).finding, Finding::not_recorded);
}

TEST(ExplainGradient, ZeroIsBlamedOnTheOpThatMadeIt) {
  GraphBuilder builder;
  std::optional<GraphBuilder::Handle> last;
  double norm = 0;
  for (const char* op : {"", "matmul", "relu", "mul", "sum"}) {
    if (op == std::string("relu")) norm = 1;  // it gives nothing to the matmul
    Vertex v;
    v.kind = op[0] == '\0' ? VertexKind::parameter : VertexKind::op;
    v.name = op[0] == '\0' ? "w" : "";
    v.op = op;
    v.requires_grad = true;
    const auto handle = builder.add(v);
    if (last) builder.connect(*last, handle, 0);
    Vertex measured;
    measured.statistics = Statistics{.norm = norm};
    builder.add_gradient(handle, measured);
    last = handle;
  }
  builder.mirror_gradients();
  const ComputationGraph graph = std::move(builder).build();
  const GradientReport report = explain_gradient(graph, 0);
  EXPECT_EQ(report.finding, Finding::zero);
  EXPECT_THAT(report.where, ElementsAre(2));
  EXPECT_THAT(report.text, HasSubstr("all zero, and becomes so in n2 relu"));
}

}  // namespace
}  // namespace tapegrad::graph
