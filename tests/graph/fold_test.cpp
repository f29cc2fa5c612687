#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/sketch.hpp>
#include <utility>

#include "mermaid_reader.hpp"
#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using samples::Recording;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Folded {
  MermaidText text;
  std::vector<std::string> notes;
};

// Folds repeats, and nothing else, however small the graph is.
Folded folded(const ComputationGraph& graph) {
  Folded result;
  Sketch sketch(graph);
  fold_repeats(sketch);
  std::size_t drawn_items = sketch.items().size();
  result.text = read_mermaid(to_mermaid(graph,
                                        {.unfold = true,
                                         .parameters = Parameters::nodes,
                                         .budget = Budget{.nodes = std::max<std::size_t>(drawn_items, 1)}},
                                        &result.notes));
  EXPECT_THAT(result.text.errors, IsEmpty());
  return result;
}

std::vector<std::string> frame_titles(const MermaidText& text) {
  std::vector<std::string> titles;
  for (const auto& [id, title] : text.frames) {
    if (id != "legend") titles.push_back(title);
  }
  return titles;
}

constexpr const char* kTimes = "\u00A0×\u00A0";

TEST(Repeats, TwelveLayersAreOneBlock) {
  std::vector<std::string> notes;
  const ComputationGraph graph = samples::transformer(12);
  ASSERT_GT(graph.size(), 900U);
  const MermaidText text = read_mermaid(to_mermaid(graph, {.unfold = true, .parameters = Parameters::nodes}, &notes));
  EXPECT_THAT(text.errors, IsEmpty());
  EXPECT_THAT(frame_titles(text), Contains(std::string("encoder.layers.0…11") + kTimes + "12"));
  EXPECT_THAT(notes, ElementsAre("encoder.layers.0…11 drawn once for 12"));
  EXPECT_THAT(text.legend, Contains("encoder.layers.0…11 drawn once for 12"));
  EXPECT_LT(text.nodes.size(), 60U);
  // Query, key and value are three equal products with three different purposes.
  EXPECT_THAT(frame_titles(text), testing::IsSupersetOf({"query", "key", "value"}));
}

TEST(Repeats, TheBlockIsWiredLikeTheFirstAtItsInputAndLikeTheLastAtItsOutput) {
  Recording r;
  auto x = r.op("embed", {r.input("x", {4})}, {4});
  for (int i = 0; i < 5; ++i) {
    r.scope = "layer" + std::to_string(i);
    const auto inner = r.op("tanh", {r.op("mul", {x, r.parameter("w", {4})}, {4})}, {4});
    x = r.op("add", {x, inner}, {4});
  }
  r.scope = "";
  r.output("y", r.op("sum", {x}, {}));
  const Folded f = folded(r.finish());
  EXPECT_THAT(frame_titles(f.text), ElementsAre(std::string("layer0…4") + kTimes + "5"));
  // n0 x, n1 embed, n2 mul, n3 w, n4 tanh, n5 add of the first layer, n22 the sum.
  using Edge = MermaidText::Edge;
  EXPECT_EQ(f.text.nodes.size(), 8U);
  EXPECT_THAT(f.text.edges, testing::IsSupersetOf({Edge{"n1", "-->", "n3", ""}, Edge{"n1", "-->", "n5", ""},
                                                   Edge{"n2", "-->", "n3", ""}, Edge{"n5", "-->", "n22", ""}}));
}

TEST(Repeats, TimeStepsShareTheirWeights) {
  const Folded f = folded(samples::unrolled(30));
  EXPECT_THAT(frame_titles(f.text), ElementsAre(std::string("block") + kTimes + "30"));
  EXPECT_EQ(f.text.nodes.at("n0").frame, "") << "the shared weight stays outside";
  EXPECT_EQ(f.text.nodes.at("n3").label, "x0…29\n[8, 64] f32");
  EXPECT_THAT(f.text.nodes, SizeIs(10));
}

// h = tanh(h w + x + b): without the loop the picture would say that every step starts from zero.
TEST(Repeats, ARecurrenceKeepsItsLoop) {
  using Edge = MermaidText::Edge;
  const ComputationGraph graph = samples::unrolled(30);
  const Folded f = folded(graph);
  EXPECT_EQ(f.text.nodes.at("n4").label, "matmul\n[8, 64] f32");
  EXPECT_THAT(f.text.edges, Contains(Edge{"n7", "-.->", "n4", "next step"}));
  EXPECT_THAT(to_dot(graph, {.unfold = true, .parameters = Parameters::nodes, .budget = Budget{.nodes = 12}}),
              testing::ContainsRegex("n7 -> n4 \\[class=loop, style=dashed, constraint=false, label=<.*next step"));
  const MermaidText joint =
      read_mermaid(to_mermaid(graph, {.pass = Pass::joint, .unfold = true, .parameters = Parameters::nodes}));
  EXPECT_THAT(joint.edges,
              testing::IsSupersetOf({Edge{"n7", "-.->", "n4", "next step"}, Edge{"g4", "-.->", "g7", "step before"}}));
}

TEST(Repeats, AStateThatFeedsItselfIsALoop) {
  Recording r;
  auto sum = r.constant({4}), previous = r.constant({4});
  for (int t = 0; t < 6; ++t) {
    const auto fresh = r.op("tanh", {r.input("x" + std::to_string(t), {4})}, {4});
    const auto old = std::exchange(previous, fresh);
    sum = r.op("add", {sum, r.op("mul", {fresh, old}, {4})}, {4});
  }
  r.output("y", sum);
  std::vector<MermaidText::Edge> loops;
  for (const auto& e : folded(r.finish()).text.edges)
    if (e.label == "next step") loops.push_back(e);
  ASSERT_THAT(loops, SizeIs(2));
  EXPECT_EQ(std::count_if(loops.begin(), loops.end(), [](const auto& e) { return e.from == e.to; }), 1);
}

TEST(Repeats, AStackOfLayersIsNoLoop) {
  for (const MermaidText::Edge& e : folded(samples::transformer(6)).text.edges) EXPECT_EQ(e.arrow, "-->");
}

TEST(Repeats, BlocksWithinBlocks) {
  Recording r;
  auto x = r.input("x", {4});
  for (int outer = 0; outer < 4; ++outer) {
    r.scope = "stage" + std::to_string(outer);
    for (int inner = 0; inner < 5; ++inner) x = r.op("tanh", {r.op("mul", {x, r.constant({4})}, {4})}, {4});
    x = r.op("norm", {x}, {4});
  }
  const Folded f = folded(r.finish());
  EXPECT_THAT(frame_titles(f.text), testing::UnorderedElementsAre(std::string("stage0…3") + kTimes + "4",
                                                                  std::string("block") + kTimes + "5"));
}

TEST(Repeats, ARowOfOneOpIsOneNode) {
  Recording r;
  auto x = r.input("x", {4});
  for (int i = 0; i < 8; ++i) x = r.op("tanh", {x}, {4});
  const Folded f = folded(r.finish());
  EXPECT_EQ(f.text.nodes.at("n1").label, std::string("tanh") + kTimes + "8\n[4] f32");
}

TEST(Repeats, ParallelHeadsFoldWhereTheyMeet) {
  Recording r;
  const auto x = r.input("x", {4});
  std::vector<Recording::Handle> heads;
  for (int i = 0; i < 6; ++i) {
    r.scope = "head" + std::to_string(i);
    heads.push_back(r.op("softmax", {r.op("matmul", {x, r.parameter("w", {4, 4})}, {4})}, {4}));
  }
  r.scope = "";
  r.output("y", r.op("concat", heads, {24}));
  const Folded f = folded(r.finish());
  EXPECT_THAT(frame_titles(f.text), ElementsAre(std::string("head0…5") + kTimes + "6"));
}

TEST(Repeats, WhatDiffersIsNotFolded) {
  const auto chain = [](auto change) {
    Recording r;
    auto x = r.input("x", {4});
    std::vector<Recording::Handle> made;
    for (int i = 0; i < 6; ++i) {
      x = r.op("tanh", {r.op("mul", {x, r.constant({4})}, {4})}, {4});
      made.push_back(x);
      change(r, i, made);
    }
    const ComputationGraph graph = r.finish();
    Sketch sketch(graph);
    return fold_repeats(sketch);
  };
  EXPECT_TRUE(chain([](Recording&, int, auto&) {}));
  EXPECT_FALSE(chain([](Recording& r, int i, auto&) { r.last().shape = {i + 1}; })) << "other shapes";
  EXPECT_FALSE(chain([](Recording& r, int i, auto&) { r.last().op += std::to_string(i); })) << "other ops";
}

TEST(Repeats, DenseConnectionsAreNoRepeats) {
  Recording r;
  std::vector<Recording::Handle> all{r.input("x", {4})};
  for (int i = 0; i < 8; ++i) all.push_back(r.op("concat", all, {4}));
  const ComputationGraph graph = r.finish();
  Sketch sketch(graph);
  EXPECT_FALSE(fold_repeats(sketch));
}

TEST(Repeats, GradientsFollowTheirTwins) {
  const MermaidText text = read_mermaid(
      to_mermaid(samples::unrolled(50), {.pass = Pass::joint, .unfold = true, .parameters = Parameters::nodes}));
  EXPECT_THAT(text.errors, IsEmpty());
  EXPECT_THAT(frame_titles(text), testing::UnorderedElementsAre(std::string("block") + kTimes + "50",
                                                                std::string("∂ block") + kTimes + "50"));
  EXPECT_TRUE(text.nodes.contains("g4"));
  EXPECT_THAT(text.nodes, SizeIs(10 + 8));
}

TEST(Repeats, CountsForTheWholeSeriesAreShared) {
  Recording r;
  auto x = r.input("x", {4});
  for (int i = 0; i < 6; ++i) x = r.op("tanh", {r.linear("layer" + std::to_string(i), x, 4, 4, 1)}, {4});
  std::vector<std::string> notes;
  const MermaidText text = read_mermaid(
      to_mermaid(r.finish(), {.unfold = true, .parameters = Parameters::nodes, .budget = Budget{.nodes = 4}}, &notes));
  EXPECT_THAT(text.errors, IsEmpty());
  EXPECT_EQ(text.nodes.at("s1").label,
            std::string("layer0…5") + kTimes + "6\nmatmul, add, tanh\n[4] f32\n20 parameters each");
  EXPECT_THAT(notes, ElementsAre("layer0…5 drawn once for 6", "one scope drawn as a node"));
}

TEST(Fold, CollapsesScopesWhenRepeatsDoNotSuffice) {
  std::vector<std::string> notes;
  const MermaidText text = read_mermaid(to_mermaid(
      samples::transformer(12), {.unfold = true, .parameters = Parameters::nodes, .budget = Budget::gitlab()}, &notes));
  EXPECT_THAT(text.errors, IsEmpty());
  EXPECT_THAT(text.nodes.at("s4").label, HasSubstr(std::string("encoder.layers.0…11") + kTimes + "12"));
  EXPECT_THAT(text.nodes.at("s4").label, HasSubstr("198,272 parameters each"));
  EXPECT_THAT(notes, ElementsAre("encoder.layers.0…11 drawn once for 12", "one scope drawn as a node"));
}

TEST(Fold, CutsRoundTheResultAtLast) {
  Recording r;
  std::vector<Recording::Handle> values{r.input("x", {4})};
  for (std::size_t i = 0; i < 400; ++i)
    values.push_back(r.op("op" + std::to_string(i), {values[i / 3], values[i]}, {4}));
  r.output("y", values.back());
  const ComputationGraph graph = r.finish();
  std::vector<std::string> notes;
  const MermaidText text = read_mermaid(
      to_mermaid(graph, {.unfold = true, .parameters = Parameters::nodes, .budget = Budget{.nodes = 20}}, &notes));
  EXPECT_THAT(text.errors, IsEmpty());
  EXPECT_EQ(text.nodes.size(), 20U);
  EXPECT_TRUE(text.nodes.contains("n401"));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("of 402 values left out")));
  const MermaidText centred = read_mermaid(to_mermaid(
      graph,
      {.unfold = true, .parameters = Parameters::nodes, .budget = Budget{.nodes = 20}, .focus = "n7", .radius = 400}));
  EXPECT_TRUE(centred.nodes.contains("n7"));
  EXPECT_FALSE(centred.nodes.contains("n401"));
}

TEST(Fold, AHundredThousandVerticesFitAnywhere) {
  const ComputationGraph graph = samples::unrolled(12'000);
  ASSERT_GT(graph.size(), 100'000U);
  for (const Budget& budget : {Budget::github(), Budget::gitlab(), Budget::gitea()}) {
    for (const Pass pass : {Pass::forward, Pass::backward, Pass::joint}) {
      EXPECT_LT(
          to_mermaid(graph, {.pass = pass, .unfold = true, .parameters = Parameters::nodes, .budget = budget}).size(),
          budget.characters);
    }
  }
  EXPECT_GT(to_dot(graph, {.unfold = true, .parameters = Parameters::nodes}).size(), 10'000'000U);
}

}  // namespace
}  // namespace tapegrad::graph
