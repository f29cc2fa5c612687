#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/draw.hpp>

#include "mermaid_reader.hpp"
#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;
using Edge = MermaidText::Edge;

// Every operation and leaf as a node of its own.
const DrawOptions kRecorded{.unfold = true, .parameters = Parameters::nodes};

MermaidText drawn(const ComputationGraph& graph, const DrawOptions& options = kRecorded) {
  MermaidText text = read_mermaid(to_mermaid(graph, options));
  EXPECT_THAT(text.errors, IsEmpty());
  return text;
}

ComputationGraph exponential() {
  samples::Recording r("exponential");
  const auto x = r.input("x", {2});
  r.output("y", r.op("exp", {x}, {2}));
  return r.finish();
}

TEST(Mermaid, IsThisText) {
  EXPECT_EQ(to_mermaid(exponential()), R"(flowchart TB
  accTitle: exponential
  accDescr: Forward graph of 3 values and 0 gradients, drawn as 3 nodes and 2 edges. Inputs: x [2]. Outputs: y [2].
  n0(["x<br/>[2] f32"]):::input
  n1["exp<br/>[2] f32"]:::pointwise
  n2(["y<br/>[2] f32"]):::output
  n0 --> n1
  n1 --> n2
  subgraph legend["Legend"]
    direction LR
    l0["elementwise op"]:::pointwise
  end
  n2 ~~~ legend
  classDef input fill:#dbeafe,stroke:#1d4ed8,color:#0b1f4b
  classDef pointwise fill:#ecfccb,stroke:#4d7c0f,color:#1a2e05
  classDef output fill:#dcfce7,stroke:#15803d,color:#052e16
  classDef frame fill:#8b949e1f,stroke:#8b949e,color:#757f89
  class legend frame
)");
}

TEST(Dot, IsThisText) {
  EXPECT_EQ(to_dot(exponential(), {.legend = false}), R"(digraph tapegrad {
  graph [rankdir=TB, bgcolor=white, fontname="Helvetica,Arial,sans-serif", labelloc=t, tooltip="Forward graph of 3 values and 0 gradients, drawn as 3 nodes and 2 edges. Inputs: x [2]. Outputs: y [2].", label=<exponential>]
  node [fontname="Helvetica,Arial,sans-serif", fontsize=12, margin="0.15,0.06"]
  edge [fontname="Helvetica,Arial,sans-serif", fontsize=10, color="#57606a", fontcolor="#24292f"]
  n0 [id=n0, shape=box, style="rounded,filled", fillcolor="#dbeafe", color="#1d4ed8", fontcolor="#0b1f4b", tooltip="n0 input\nname: x\nvalue: [2] f32", label=<<B>x</B><BR/><FONT POINT-SIZE="10">[2] f32</FONT>>]
  n1 [id=n1, shape=box, style="filled", fillcolor="#ecfccb", color="#4d7c0f", fontcolor="#1a2e05", tooltip="n1 op\nop: exp\nvalue: [2] f32\noperations: 2", label=<<B>exp</B><BR/><FONT POINT-SIZE="10">[2] f32</FONT>>]
  n2 [id=n2, shape=box, style="rounded,filled", fillcolor="#dcfce7", color="#15803d", fontcolor="#052e16", tooltip="n2 output\nname: y\nvalue: [2] f32", label=<<B>y</B><BR/><FONT POINT-SIZE="10">[2] f32</FONT>>]
  n0 -> n1 [class=data]
  n1 -> n2 [class=data]
}
)");
}

TEST(Draw, TheSameGraphGivesTheSameBytes) {
  const DrawOptions joint{.pass = Pass::joint};
  EXPECT_EQ(to_mermaid(samples::transformer(3), joint), to_mermaid(samples::transformer(3), joint));
  EXPECT_EQ(to_dot(samples::transformer(3), joint), to_dot(samples::transformer(3), joint));
}

TEST(Draw, AnEmptyGraphIsAPicture) {
  EXPECT_THAT(drawn(ComputationGraph()).nodes, IsEmpty());
  EXPECT_THAT(to_dot(ComputationGraph()), HasSubstr("digraph"));
}

TEST(Draw, ScopesAreFramesAndLendTheirNameToParameters) {
  const MermaidText text = drawn(samples::mlp());
  EXPECT_EQ(text.nodes.at("n2").label, "weight\n[784, 512] f32");
  EXPECT_EQ(text.frames.at(text.nodes.at("n2").frame), "hidden1");
  EXPECT_EQ(text.nodes.at("n6").frame, "");
  EXPECT_EQ(text.nodes.size(), 18U);
  EXPECT_EQ(text.edges.size(), 17U);
}

TEST(Draw, AFrameThatOnlyHoldsAnotherSharesItsTitle) {
  samples::Recording r;
  r.scope = "model.encoder.0";
  const auto x = r.op("relu", {r.input("x", {})}, {});
  r.scope = "model.encoder.0.deep";
  r.op("exp", {x}, {});
  const MermaidText text = drawn(r.finish());
  EXPECT_THAT(text.frames,
              testing::UnorderedElementsAre(testing::Pair("f0", "model.encoder.0"), testing::Pair("f1", "deep"),
                                            testing::Pair("legend", "Legend")));
  EXPECT_EQ(text.parents.at("f1"), "f0");
}

// The picture that people draw by hand.
TEST(Draw, DepthOneIsTheArchitecture) {
  const MermaidText text = drawn(samples::mlp(), {.depth = 1});
  EXPECT_THAT(text.edges, testing::UnorderedElementsAre(Edge{"n0", "-->", "s2", ""}, Edge{"s2", "-->", "s7", ""},
                                                        Edge{"s7", "-->", "s12", ""}, Edge{"s12", "-->", "n16", ""},
                                                        Edge{"n1", "-->", "n16", ""}, Edge{"n16", "-->", "n17", ""}));
  EXPECT_EQ(text.nodes.at("n0").label, "x\n[32, 784] f32");
  EXPECT_EQ(text.nodes.at("s2").label, "hidden1\nmatmul, add, relu\n[32, 512] f32\n401,920 parameters");
  EXPECT_EQ(text.nodes.at("s12").label, "output\nmatmul, add\n[32, 10] f32\n2,570 parameters");
  EXPECT_EQ(text.nodes.size(), 7U);
}

// Modules make all their parameters before the first of them is called.
TEST(Draw, PartsComeInTheOrderOfExecution) {
  samples::Recording r;
  r.scope = "late";
  const auto second = r.parameter("w", {4});
  r.scope = "early";
  const auto first = r.parameter("w", {4});
  r.scope = "";
  auto x = r.input("x", {4});
  r.scope = "early";
  x = r.op("mul", {x, first}, {4});
  r.scope = "late";
  r.op("mul", {x, second}, {4});
  r.scope = "frozen";
  r.parameter("w", {4});
  const ComputationGraph graph = r.finish();
  const std::string whole = to_mermaid(graph), parts = to_mermaid(graph, {.depth = 1}), table = to_text(graph);
  for (const std::string& text : {whole, parts, table}) EXPECT_LT(text.find("early"), text.find("late"));
  EXPECT_THAT(parts, HasSubstr("[\"frozen<br/>4 parameters\"]"));
}

TEST(Draw, NamesInAnyScript) {
  samples::Recording r;
  auto x = r.input("输入层", {1, 4});
  x = r.linear("隐藏层1", x, 4, 3, 1);
  x = r.linear("输出层", x, 3, 2, 1);
  const MermaidText text = drawn(r.finish(), {.depth = 1});
  EXPECT_THAT(text.nodes.at("n0").label, HasSubstr("输入层"));
  EXPECT_THAT(text.nodes.at("s1").label, HasSubstr("隐藏层1\n"));
  EXPECT_THAT(text.edges, ElementsAre(Edge{"n0", "-->", "s1", ""}, Edge{"s1", "-->", "s5", ""}));
}

TEST(Draw, TwinsStandInOnePicture) {
  const MermaidText text =
      drawn(samples::mlp(), {.pass = Pass::joint, .unfold = true, .parameters = Parameters::nodes, .saved = true});
  EXPECT_EQ(text.nodes.at("n4").label, "matmul\n[32, 512] f32");
  EXPECT_EQ(text.nodes.at("g4").label, "∂ matmul\n[32, 512] f32");
  EXPECT_THAT(text.edges, Contains(Edge{"g5", "-.->", "g4", ""}));
  EXPECT_THAT(text.edges, Contains(Edge{"n0", "--o", "g4", "98.0 KiB"}));
  EXPECT_EQ(text.frames.at(text.nodes.at("g4").frame), "∂ hidden1");
  EXPECT_FALSE(text.nodes.contains("g0")) << "the input requires no gradient";
  EXPECT_THAT(text.legend, Contains("dashed: flow of gradients"));

  const std::string dot =
      to_dot(samples::mlp(), {.pass = Pass::joint, .unfold = true, .parameters = Parameters::nodes});
  EXPECT_THAT(dot, HasSubstr("n5 -> g6 [class=saved"));
  EXPECT_THAT(dot, HasSubstr("g4 -> g5 [class=gradient, dir=back"));
}

TEST(Draw, TheBackwardPassAlone) {
  const MermaidText text =
      drawn(samples::mlp(), {.pass = Pass::backward, .unfold = true, .parameters = Parameters::nodes});
  EXPECT_EQ(text.nodes.size(), 16U);
  EXPECT_FALSE(text.nodes.contains("n4"));
  EXPECT_EQ(text.edges.front().arrow, "-.->");
}

TEST(Draw, DirectionAndShapes) {
  EXPECT_THAT(to_mermaid(samples::mlp(), {.direction = Direction::right}), testing::StartsWith("flowchart LR\n"));
  EXPECT_THAT(to_dot(samples::mlp(), {.direction = Direction::right}), HasSubstr("rankdir=LR"));
  const MermaidText text =
      drawn(samples::mlp(), {.unfold = true, .parameters = Parameters::nodes, .shapes = ShapeLabels::edges});
  EXPECT_EQ(text.nodes.at("n4").label, "matmul");
  EXPECT_THAT(text.edges, Contains(Edge{"n0", "-->", "n4", "[32, 784] f32"}));
  EXPECT_EQ(drawn(samples::mlp(), {.unfold = true, .parameters = Parameters::nodes, .shapes = ShapeLabels::none})
                .nodes.at("n4")
                .label,
            "matmul");
}

TEST(Draw, AttributesStopsAndFailures) {
  GraphBuilder builder;
  Vertex v;
  v.op = "softmax";
  v.attributes = {{"axis", "-1"}, {"stable", "true"}};
  builder.add(v);
  Vertex stopped;
  stopped.op = "detach";
  stopped.stop = GradientStop::detached;
  builder.add(stopped);
  Vertex failed;
  failed.op = "matmul";
  failed.failed = true;
  builder.add(failed);
  const MermaidText text = drawn(std::move(builder).build());
  EXPECT_EQ(text.nodes.at("n0").label, "softmax\naxis=-1, stable=true\nscalar");
  EXPECT_THAT(text.nodes.at("n1").label, HasSubstr("detached"));
  EXPECT_THAT(text.nodes.at("n2").label, HasSubstr("✖ failed"));
  EXPECT_EQ(text.nodes.at("n2").paint, "alert");
}

TEST(Draw, ALeafOfManyUsersIsDrawnAtEach) {
  samples::Recording r;
  const auto x = r.input("x", {2});
  const auto mask = r.input("mask", {2});
  auto y = x;
  for (int i = 0; i < 9; ++i) y = r.op(i % 2 ? "add" : "mul", {y, mask}, {2});
  std::vector<std::string> folded;
  const MermaidText text = read_mermaid(to_mermaid(
      r.finish(), {.unfold = true, .parameters = Parameters::nodes, .budget = Budget::unlimited()}, &folded));
  EXPECT_FALSE(text.nodes.contains("n1"));
  for (int k = 0; k < 9; ++k) EXPECT_TRUE(text.nodes.contains("n1_" + std::to_string(k)));
  EXPECT_THAT(text.edges, Contains(Edge{"n1_3", "-->", "n5", ""}));
  EXPECT_THAT(folded, ElementsAre("mask drawn at each of its uses"));
}

TEST(Draw, FocusShowsANeighbourhood) {
  const MermaidText text =
      drawn(samples::mlp(), {.unfold = true, .parameters = Parameters::nodes, .focus = "n9", .radius = 1});
  EXPECT_TRUE(text.nodes.contains("n9"));
  EXPECT_TRUE(text.nodes.contains("n7"));
  EXPECT_TRUE(text.nodes.contains("n10"));
  EXPECT_FALSE(text.nodes.contains("n4"));
  int rests = 0;
  for (const auto& [id, node] : text.nodes) rests += node.paint == "rest";
  EXPECT_EQ(rests, 2) << "before and after";
  EXPECT_TRUE(
      drawn(samples::mlp(), {.unfold = true, .parameters = Parameters::nodes, .focus = "hidden2.weight", .radius = 1})
          .nodes.contains("n9"));
  EXPECT_TRUE(drawn(samples::mlp(), {.unfold = true, .parameters = Parameters::nodes, .focus = "hidden2", .radius = 0})
                  .nodes.contains("n10"));
  EXPECT_THAT([] { to_mermaid(samples::mlp(), {.unfold = true, .parameters = Parameters::nodes, .focus = "hidden"}); },
              ThrowsMessage<ValueError>(HasSubstr("no vertex and no scope 'hidden'")));
}

ComputationGraph with_gradient_norms() {
  GraphBuilder builder;
  for (const double norm : {1000.0, 1.0, 0.0, std::numeric_limits<double>::quiet_NaN()}) {
    Vertex v;
    v.op = "exp";
    Vertex gradient;
    gradient.statistics = Statistics{.norm = norm};
    builder.add_gradient(builder.add(v), gradient);
  }
  return std::move(builder).build();
}

TEST(Overlay, GradientNormIsANumberAMarkAndAColour) {
  const MermaidText text = drawn(with_gradient_norms(),
                                 {.unfold = true, .parameters = Parameters::nodes, .overlay = Overlay::gradient_norm});
  EXPECT_EQ(text.nodes.at("n0").label, "exp\nscalar\n‖∇‖ 1e+03 █");
  EXPECT_EQ(text.nodes.at("n0").paint, "heat4");
  EXPECT_EQ(text.nodes.at("n1").label, "exp\nscalar\n‖∇‖ 1 ▁");
  EXPECT_EQ(text.nodes.at("n1").paint, "heat0");
  EXPECT_EQ(text.nodes.at("n2").label, "exp\nscalar\n‖∇‖ 0 ∅");
  EXPECT_EQ(text.nodes.at("n3").label, "exp\nscalar\n‖∇‖ nan ✖");
  EXPECT_EQ(text.nodes.at("n3").paint, "alert");
  EXPECT_THAT(text.legend, Contains(HasSubstr("█ ")));
}

TEST(Overlay, ValuesAreTheirExtremesAndMean) {
  GraphBuilder builder;
  const auto add = [&](const Statistics& statistics, const Statistics& of_gradient) {
    Vertex v, gradient;
    v.op = "exp";
    v.requires_grad = true;
    v.statistics = statistics;
    gradient.statistics = of_gradient;
    builder.add_gradient(builder.add(v), gradient);
  };
  add({.min = -100, .max = 2, .mean = 0.25}, {.min = 3, .max = 3, .mean = 3});
  add({.min = 0, .max = 0, .mean = 0}, {});
  add({.min = -1, .max = 1, .mean = 0, .nan = 2}, {.nan = 1});
  add({.min = 1, .max = 3}, {.max = 3});  // as a snapshot may have it
  const ComputationGraph graph = std::move(builder).build();
  const MermaidText text =
      drawn(graph, {.pass = Pass::joint, .unfold = true, .parameters = Parameters::nodes, .overlay = Overlay::values});
  EXPECT_THAT(text.nodes.at("n0").label, HasSubstr("-100 to 2, mean 0.25 █"));
  EXPECT_EQ(text.nodes.at("n0").paint, "heat4");
  EXPECT_THAT(text.nodes.at("g0").label, HasSubstr("all 3 ▁"));
  EXPECT_THAT(text.nodes.at("n1").label, HasSubstr("all 0 ∅"));
  EXPECT_EQ(text.nodes.at("n2").paint, "alert");
  EXPECT_THAT(text.nodes.at("g2").label, HasSubstr("no finite element ✖"));
  EXPECT_THAT(text.nodes.at("n3").label, HasSubstr("1 to 3 "));
  EXPECT_THAT(text.legend, Contains(HasSubstr("▁ largest element 3 to ")));
}

TEST(Overlay, SaysWhenItHasNothingToShow) {
  std::vector<std::string> folded;
  to_mermaid(samples::mlp(), {.unfold = true, .parameters = Parameters::nodes, .overlay = Overlay::time}, &folded);
  EXPECT_THAT(folded, Contains(HasSubstr("nothing that this overlay shows")));
}

TEST(Overlay, NonFiniteNamesTheFirst) {
  GraphBuilder builder;
  std::optional<GraphBuilder::Handle> last;
  for (const auto& [op, nan] : {std::pair("relu", 0U), std::pair("log", 3U), std::pair("mul", 4U)}) {
    Vertex v;
    v.op = op;
    v.statistics = Statistics{.nan = nan};
    const auto handle = builder.add(v);
    if (last) builder.connect(*last, handle, 0);
    last = handle;
  }
  const MermaidText text = drawn(std::move(builder).build(),
                                 {.unfold = true, .parameters = Parameters::nodes, .overlay = Overlay::non_finite});
  EXPECT_EQ(text.nodes.at("n0").label, "relu\nscalar");
  EXPECT_EQ(text.nodes.at("n1").label, "log\nscalar\n✖ first of all: 3 NaN or Inf");
  EXPECT_EQ(text.nodes.at("n1").paint, "alert");
  EXPECT_EQ(text.nodes.at("n2").label, "mul\nscalar\n⚠ 4 NaN or Inf");
}

TEST(Overlay, CostsAreSharesOfTheLargest) {
  GraphBuilder builder;
  for (const double bytes : {4096.0, 1024.0, 1.0, 0.0}) {
    Vertex v;
    v.op = "exp";
    v.saved_bytes = bytes;
    v.seconds = bytes * 1e-6;
    const auto handle = builder.add(v);
    v.seconds = 1;
    builder.add_gradient(handle, v);  // which is not drawn
  }
  const ComputationGraph graph = std::move(builder).build();
  const MermaidText saved =
      drawn(graph, {.unfold = true, .parameters = Parameters::nodes, .overlay = Overlay::saved_bytes});
  EXPECT_EQ(saved.nodes.at("n0").label, "exp\nscalar\nsaved 4.0 KiB █");
  EXPECT_EQ(saved.nodes.at("n1").paint, "heat2");
  EXPECT_EQ(saved.nodes.at("n2").paint, "heat0");
  EXPECT_EQ(saved.nodes.at("n3").label, "exp\nscalar");
  const MermaidText time = drawn(graph, {.unfold = true, .parameters = Parameters::nodes, .overlay = Overlay::time});
  EXPECT_EQ(time.nodes.at("n0").label, "exp\nscalar\n4.1 ms █");
  EXPECT_EQ(time.nodes.at("n3").label, "exp\nscalar\n0 ns ∅");
}

TEST(Overlay, InAJointPictureValuesAndGradientsHaveTheirOwn) {
  const MermaidText text =
      drawn(with_gradient_norms(),
            {.pass = Pass::joint, .unfold = true, .parameters = Parameters::nodes, .overlay = Overlay::gradient_norm});
  EXPECT_EQ(text.nodes.at("n0").label, "exp\nscalar");
  EXPECT_EQ(text.nodes.at("g0").label, "∂ exp\nscalar\n‖∇‖ 1e+03 █");
}

TEST(Budget, ReadsNamesAndNumbers) {
  EXPECT_EQ(Budget::parse("github").characters, 45'000U);
  EXPECT_LT(Budget::parse("gitlab").characters, 2'000U);
  EXPECT_LT(Budget::parse("gitea").characters, 5'000U);
  EXPECT_EQ(Budget::parse("none").nodes, Budget::kUnlimited);
  EXPECT_EQ(Budget::parse("1500").characters, 1'500U);
  for (const char* wrong : {"", "1499", "-1", "12x", "hub", "99999999999999999999999"}) {
    EXPECT_THROW(Budget::parse(wrong), ValueError) << wrong;
  }
}

TEST(Budget, TooSmallForAnythingIsAnError) {
  EXPECT_THAT([] { to_mermaid(samples::mlp(), {.budget = Budget{.nodes = 0}}); },
              ThrowsMessage<ValueError>(HasSubstr("not even one node fits")));
  EXPECT_THROW(to_mermaid(samples::mlp(), {.depth = 0}), ValueError);
}

}  // namespace
}  // namespace tapegrad::graph
