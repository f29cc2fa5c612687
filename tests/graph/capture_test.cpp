// From tensors to a graph, and the mistakes that people look for in one, planted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "mermaid_reader.hpp"

namespace tapegrad::graph {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Finding = GradientReport::Finding;

struct Net : nn::Module {
  nn::Linear first{*this, "first", 3, 4}, second{*this, "second", 4, 4}, third{*this, "third", 4, 2};
};

VertexIndex vertex_of(const ComputationGraph& graph, std::string_view op) {
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    if (graph[v].op == op) return v;
  }
  throw std::out_of_range(std::string(op));
}

Tensor named_input() {
  Tensor x = tensor({0.5, -1, 2, 1, 0, -0.5}, {2, 3});
  x.set_name("x");
  return x;
}

TEST(Capture, HoldsWhatWasRecorded) {
  Net net;
  const ComputationGraph graph = capture(mean(net.first(named_input())), {.title = "net"});
  EXPECT_EQ(graph.title(), "net");
  const VertexIndex product = vertex_of(graph, "mean");
  EXPECT_EQ(graph[product].shape, std::vector<std::int64_t>{});
  const auto weight = graph.find("first.weight");
  ASSERT_TRUE(weight);
  EXPECT_EQ(graph[*weight].kind, VertexKind::parameter);
  EXPECT_EQ(graph[*weight].scope, "first");
  EXPECT_TRUE(graph.twin(*weight));
  const auto x = graph.find("x");
  ASSERT_TRUE(x);
  EXPECT_EQ(graph[*x].kind, VertexKind::input);
  EXPECT_FALSE(graph.twin(*x)) << "it requires no gradient";
}

TEST(Capture, IsTheSameBeforeAndAfterBackward) {
  Net net;
  Tensor loss = mean(square(net.first(named_input())));
  const ComputationGraph before = capture(loss);
  loss.backward({.retain_graph = true});
  EXPECT_EQ(capture(loss), before);
  const ComputationGraph measured = capture(loss, {.title = "net", .statistics = true});
  const VertexIndex gradient = measured.twin(measured.find("first.weight").value()).value();
  ASSERT_TRUE(measured[gradient].statistics);
  EXPECT_GT(measured[gradient].statistics->norm.value(), 0);
}

// The logarithm of something negative, between two layers.
class PlantedNan : public ::testing::Test {
 protected:
  PlantedNan() {
    Net net;
    const Tensor hidden = relu(net.first(named_input()));
    const Tensor logarithm = log(net.second(hidden) - 100);
    graph_ = capture(mean(net.third(logarithm)), {.title = "net", .statistics = true});
  }
  ComputationGraph graph_;
};

TEST_F(PlantedNan, IsFoundByTheAnalysis) {
  const auto bad = first_bad_vertex(graph_);
  ASSERT_TRUE(bad);
  EXPECT_EQ(graph_[*bad].op, "log");
  EXPECT_THAT(describe(graph_, *bad), HasSubstr("log"));
}

TEST_F(PlantedNan, IsMarkedByTheOverlay) {
  const MermaidText read = read_mermaid(to_mermaid(graph_, {.overlay = Overlay::non_finite}));
  const auto& node = read.nodes.at(graph_.id(vertex_of(graph_, "log")));
  EXPECT_THAT(node.label, HasSubstr("✖ first of all: 8 NaN or Inf"));
  EXPECT_EQ(node.paint, "alert");
  int first = 0;
  for (const auto& [id, other] : read.nodes) first += other.label.find("first of all") != std::string::npos;
  EXPECT_EQ(first, 1);
  EXPECT_THAT(to_dot(graph_, {.overlay = Overlay::non_finite}), HasSubstr("✖ first of all"));
  EXPECT_THAT(to_html(graph_), HasSubstr("first bad value"));
}

TEST(Measurements, AreOfEveryValueAndGradient) {
  Net net;
  const Trace trace(Trace::Keep::measurements);
  const Tensor loss = mean(net.second(relu(net.first(named_input()))));
  loss.backward();
  const ComputationGraph graph = capture(loss, {.statistics = true, .times = true, .trace = &trace});
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    if (graph[graph.value_of(v)].kind == VertexKind::output) continue;  // it stands for the value that it is made of
    EXPECT_TRUE(graph[v].statistics) << describe(graph, v);
    if (graph[v].kind == VertexKind::op) {
      EXPECT_GT(graph[v].seconds.value_or(0), 0) << describe(graph, v);
    }
  }
  const VertexIndex mean_gradient = *graph.twin(vertex_of(graph, "mean"));
  EXPECT_EQ(graph[mean_gradient].statistics->max, 1);
  EXPECT_GT(graph[mean_gradient].seconds.value_or(0), 0);
  EXPECT_EQ(graph, capture(loss, {.statistics = true, .times = true, .trace = &trace}));
  EXPECT_FALSE(capture(loss, {.statistics = true, .trace = &trace})[mean_gradient].seconds);
}

TEST(Measurements, LeaveTheBackwardPassOutOfTheTrace) {
  Net net;
  const Trace trace(Trace::Keep::measurements);
  const Tensor loss = mean(net.second(relu(net.first(named_input()))));
  const std::size_t recorded = trace.nodes().size();
  loss.backward();
  EXPECT_EQ(trace.nodes().size(), recorded);
  EXPECT_TRUE(trace.measured(engine::node_of(loss))->gradient.defined());
  EXPECT_EQ(Trace::current(), &trace);
}

TEST(PlantedDetach, IsFound) {
  Net net;
  const Trace trace;
  const Tensor hidden = relu(net.first(named_input()));
  const Tensor loss = mean(net.second(hidden.detach()));
  const ComputationGraph graph = capture(trace);
  for (const char* cut : {"first.weight", "first.bias"}) {
    const GradientReport report = explain_gradient(graph, graph.find(cut).value());
    EXPECT_EQ(report.finding, Finding::detached) << cut;
    ASSERT_EQ(report.where.size(), 1U);
    EXPECT_EQ(graph[report.where[0]].op, "detach");
    EXPECT_THAT(report.text, AllOf(HasSubstr(cut), HasSubstr("detach")));
  }
  EXPECT_EQ(explain_gradient(graph, graph.find("second.weight").value()).finding, Finding::flows);
  EXPECT_THAT(to_mermaid(graph), HasSubstr("⊣ detached"));
  EXPECT_THAT(to_html(graph), HasSubstr("every way"));
}

TEST(PlantedNoGrad, IsFound) {
  Net net;
  const Trace trace;
  Tensor hidden;
  {
    const NoGrad off;
    hidden = net.first(named_input());
  }
  const Tensor loss = mean(net.second(relu(hidden)));
  const ComputationGraph graph = capture(trace);
  EXPECT_EQ(explain_gradient(graph, graph.find("first.weight").value()).finding, Finding::no_grad);
}

// ---- why there is no gradient ---------------------------------------------------------------------------------------

// A part of the model whose result takes no part in the loss, or that is never called.
TEST(PlantedDeadBranch, IsFoundByATraceAfterBackward) {
  Net net;
  const Trace trace;
  const Tensor hidden = relu(net.first(named_input()));
  const Tensor dead = net.third(hidden);
  const Tensor loss = mean(net.second(hidden));
  loss.backward();
  EXPECT_FALSE(net.third.weight.grad().defined());
  const ComputationGraph graph = capture(trace);
  EXPECT_EQ(explain_gradient(graph, graph.find("third.weight").value()).finding, Finding::unused);
  EXPECT_EQ(explain_gradient(graph, graph.find("second.weight").value()).finding, Finding::flows);
}

TEST(PlantedDeadBranch, IsFoundBeforeBackwardWhenTheOutputIsGiven) {
  Net net;
  const Trace trace;
  const Tensor hidden = relu(net.first(named_input()));
  const Tensor dead = net.third(hidden);
  const Tensor loss = mean(net.second(hidden));
  const ComputationGraph graph = capture(trace, {&loss, 1});
  EXPECT_EQ(explain_gradient(graph, graph.find("third.weight").value()).finding, Finding::unused);
  EXPECT_EQ(explain_gradient(graph, graph.find("first.weight").value()).finding, Finding::flows);
}

TEST(PlantedDeadBranch, IsFoundWithoutATrace) {
  Net net;
  const Tensor loss = mean(net.second(relu(net.first(named_input()))));
  for (const bool after : {false, true}) {
    if (after) loss.backward();
    const ComputationGraph graph = capture(loss, {.also = net.parameters()});
    const GradientReport report = explain_gradient(graph, graph.find("third.weight").value());
    EXPECT_EQ(report.finding, Finding::unused);
    EXPECT_THAT(report.text, HasSubstr("nothing is computed from it"));
    EXPECT_EQ(explain_gradient(graph, graph.find("first.weight").value()).finding, Finding::flows);
  }
}

TEST(PlantedInteger, IsFound) {
  const Tensor w = parameter(tensor({0.5, 1.5}, {2}), "w");
  Tensor index = cast(tensor({1, 0}, {2}), i64);
  index.set_name("index");
  const Trace trace;
  const Tensor loss = sum(cast(cast(w, i64), f32) + index);
  const ComputationGraph graph = capture(trace, {&loss, 1});
  EXPECT_EQ(explain_gradient(graph, graph.find("w").value()).finding, Finding::not_differentiable);
  const GradientReport report = explain_gradient(graph, graph.find("index").value());
  EXPECT_EQ(report.finding, Finding::not_required);
  EXPECT_THAT(report.text, HasSubstr("only floating-point values have gradients"));
}

// ---- what is kept for the gradient ----------------------------------------------------------------------------------

double saved_in(const ComputationGraph& graph) {
  double saved = 0;
  for (const Vertex& v : graph.vertices()) saved += v.saved_bytes;
  return saved;
}

TEST(SavedBytes, CountEachBufferOnce) {
  const Tensor w = parameter(ones({16, 16}), "w");
  Tensor h = parameter(ones({8, 16}), "x");
  for (int i = 0; i < 30; ++i) h = tanh(matmul(h, w));
  const ComputationGraph graph = capture(sum(h));
  constexpr double kWeight = 4 * 16 * 16, kValue = 4 * 8 * 16;
  EXPECT_EQ(saved_in(graph), kWeight + 60 * kValue) << "the weight, x, 30 products and what tanh made of 29 of them";
  double shared = 0;
  for (const Vertex& v : graph.vertices()) shared += v.shared_bytes;
  EXPECT_EQ(shared, 29 * kWeight) << "which later products keep, too";
  EXPECT_EQ(saved_in(capture(sum(square(h) * square(h)))), kWeight + 63 * kValue) << "h, and each square";
}

TEST(SavedBytes, SurviveBackward) {
  const Tensor a = parameter(tensor({2, 1, 1, 3}, {2, 2}), "a");
  const Qr parts = qr(exp(a));
  const Tensor loss = sum(matmul(parts.q, parts.r));
  const ComputationGraph before = capture(loss);
  EXPECT_GT(saved_in(before), 0);
  loss.backward();
  const ComputationGraph after = capture(loss);
  EXPECT_EQ(saved_in(after), saved_in(before));
  EXPECT_TRUE(diff(before, after).empty());
  EXPECT_TRUE(std::equal(before.edges().begin(), before.edges().end(), after.edges().begin(), after.edges().end()));
  EXPECT_FALSE(before[vertex_of(before, "qr")].released);
  EXPECT_TRUE(after[vertex_of(after, "qr")].released);
  EXPECT_THAT(to_text(after), HasSubstr("freed by backward()"));
}

TEST(SavedBytes, AreNeverMoreThanThePeak) {
  Tensor h = parameter(ones({1, 16}), "x");
  const Tensor w = parameter(ones({16, 16}), "w");
  for (int i = 0; i < 30; ++i) h = tanh(matmul(h, w));
  const Tensor loss = sum(broadcast_to(h, {64, 16}) * broadcast_to(h, {64, 16}));
  for (const bool gradients : {true, false}) {
    const ComputationGraph graph = capture(loss, {.gradients = gradients});
    EXPECT_GE(estimate_memory(graph).peak, saved_in(graph));
  }
}

// ---- what a picture should not hide ---------------------------------------------------------------------------------

TEST(ChangedInPlace, IsSeen) {
  const Tensor x = named_input(), w = parameter(ones({3, 2}), "w");
  Tensor h = x * 2;
  const Trace trace;
  Tensor doubled = h + 0;
  doubled.copy_from(doubled + x);
  const Tensor y = matmul(doubled, w);
  const ComputationGraph graph = capture(trace, {&y, 1});
  const VertexIndex changed = graph.in_edges(vertex_of(graph, "matmul")).front().from;
  EXPECT_EQ(graph[changed].op, "add");
  EXPECT_EQ(graph[changed].changes, 1U);
  EXPECT_THAT(read_mermaid(to_mermaid(graph)).nodes.at(graph.id(changed)).label, HasSubstr("changed in place"));
  EXPECT_THAT(to_html(graph), HasSubstr("changed in place"));
  EXPECT_EQ(graph[vertex_of(graph, "matmul")].changes, 0U);
}

TEST(ChangedInPlace, IsSeenOfALeafThatWasSaved) {
  Tensor x = named_input();
  const Tensor w = parameter(ones({3, 2}), "w");
  const Tensor y = sum(matmul(x, w));
  EXPECT_EQ(capture(y)[*capture(y).find("x")].changes, 0U);
  x.fill(1);
  x.fill(2);
  EXPECT_EQ(capture(y)[*capture(y).find("x")].changes, 2U);
}

TEST(RecordedByAGradient, IsInAScopeOfItsOwn) {
  const Tensor w = parameter(tensor({0.5, 2}, {2}), "w");
  const Tensor y = sum(exp(w) * w);
  const Tensor slope = grad(y, w, {.create_graph = true});
  const ComputationGraph graph = capture(sum(square(slope)));
  for (VertexIndex v = 0; v < graph.forward_size(); ++v) {
    if (graph[v].kind != VertexKind::op) continue;
    const bool of_model = graph[v].op == "exp" || graph[v].op == "square" || graph[v].op == "sum";
    EXPECT_EQ(graph[v].scope, of_model ? "" : "gradient") << describe(graph, v);
    EXPECT_EQ(graph[v].source, "");
  }
  EXPECT_THAT(to_mermaid(graph), HasSubstr("[\"gradient\"]"));
}

TEST(KeptAlive, BufferIsKeptByTheGradientsThatNeedIt) {
  const Tensor w = parameter(ones({3, 3}), "w");
  const Tensor x = exp(w);
  const ComputationGraph graph = capture(sum(matmul(x, x) + x));
  std::vector<std::string> keepers;
  for (const VertexIndex v : kept_alive_by(graph, vertex_of(graph, "exp"))) keepers.push_back(graph[v].op);
  EXPECT_THAT(keepers, ElementsAre("matmul", "exp")) << "both its own gradient and the product's, but not the sum's";
}

TEST(KeptAlive, ThroughViewsOfTheBuffer) {
  const Tensor w = parameter(ones({2, 3}), "w");
  const Tensor x = exp(w), turned = transpose(x);
  const ComputationGraph graph = capture(sum(matmul(turned, x + 1)));
  const VertexIndex view = vertex_of(graph, "permute");
  EXPECT_TRUE(graph[view].is_view);
  std::vector<std::string> keepers;
  for (const VertexIndex v : kept_alive_by(graph, vertex_of(graph, "exp"))) keepers.push_back(graph[v].op);
  EXPECT_THAT(keepers, Contains("matmul"));
  EXPECT_EQ(kept_alive_by(graph, view), kept_alive_by(graph, vertex_of(graph, "exp")));
}

TEST(SeveralResults, AreVerticesBelowTheirOp) {
  const Tensor a = parameter(tensor({2, 1, 1, 3}, {2, 2}), "a");
  const Qr parts = qr(a);
  const ComputationGraph graph = capture(matmul(parts.q, parts.r));
  const VertexIndex op = vertex_of(graph, "qr"), q = vertex_of(graph, "qr.q"), r = vertex_of(graph, "qr.r");
  EXPECT_EQ(graph[op].dtype, "") << "it has no value of its own";
  EXPECT_EQ(graph[op].saved_bytes, 2 * 4 * 4) << "q and r, not a";
  EXPECT_EQ(graph[q].shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(graph[q].family, "linear algebra");
  for (const VertexIndex result : {q, r}) {
    ASSERT_EQ(graph.in_edges(result).size(), 1u);
    EXPECT_EQ(graph.in_edges(result)[0].from, op);
  }
  const auto gradient = graph.twin(op);
  ASSERT_TRUE(gradient);
  std::vector<VertexIndex> saved;
  for (const Edge& e : graph.in_edges(*gradient))
    if (e.kind == EdgeKind::saved) saved.push_back(e.from);
  EXPECT_THAT(saved, ElementsAre(q, r));
  for (const std::string& text : {to_mermaid(graph), to_dot(graph)}) EXPECT_THAT(text, HasSubstr("qr.r"));
}

TEST(FailedRun, IsDrawnAsFarAsItCame) {
  Net net;
  const Trace trace;
  EXPECT_THROW(matmul(relu(net.first(named_input())), ones({7, 2})), ShapeError);
  ASSERT_TRUE(trace.failure());
  const ComputationGraph graph = capture(trace);
  const VertexIndex failed = vertex_of(graph, "matmul");
  std::vector<VertexIndex> marked;
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    if (graph[v].failed) marked.push_back(v);
  }
  ASSERT_EQ(marked.size(), 1U);
  EXPECT_EQ(graph[marked[0]].op, "matmul");
  EXPECT_EQ(graph.in_edges(marked[0]).size(), 2U);
  EXPECT_THAT(graph[marked[0]].attributes, Contains(::testing::Field(&Attribute::value, HasSubstr("[7, 2]"))));
  const MermaidText read = read_mermaid(to_mermaid(graph));
  EXPECT_EQ(read.nodes.at(graph.id(marked[0])).paint, "alert");
  EXPECT_THAT(read.nodes.at(graph.id(marked[0])).label, HasSubstr("✖ failed"));
  EXPECT_LE(failed, marked[0]);
  EXPECT_TRUE(graph.find("first.weight")) << "what came before is there";
}

}  // namespace
}  // namespace tapegrad::graph
