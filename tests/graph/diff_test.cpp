#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/internal/alignment.hpp>
#include <tapegrad/graph/internal/mermaid_limits.hpp>
#include <tapegrad/graph/save.hpp>

#include "mermaid_reader.hpp"
#include "random_graphs.hpp"
#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using samples::Recording;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RC_GTEST_PROP(Align, FindsALongestCommonSubsequence, (std::vector<std::uint32_t> a, std::vector<std::uint32_t> b)) {
  for (auto* sequence : {&a, &b}) {
    for (std::uint32_t& x : *sequence) x %= 4;
  }
  const auto pairs = align(a, b);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    RC_ASSERT(a.at(pairs[i].first) == b.at(pairs[i].second));
    if (i > 0) RC_ASSERT(pairs[i - 1].first < pairs[i].first && pairs[i - 1].second < pairs[i].second);
  }
  std::vector<std::vector<std::size_t>> longest(a.size() + 1, std::vector<std::size_t>(b.size() + 1, 0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      longest[i + 1][j + 1] = a[i] == b[j] ? longest[i][j] + 1 : std::max(longest[i][j + 1], longest[i + 1][j]);
    }
  }
  RC_ASSERT(pairs.size() == longest[a.size()][b.size()]);
}

TEST(Align, GivesUpOnSequencesThatHaveNothingInCommon) {
  std::vector<std::uint32_t> a(20'000, 1), b(20'000, 2);
  a.front() = b.front() = 7;
  a.back() = b.back() = 8;
  EXPECT_EQ(align(a, b).size(), 2U);
}

// x → (linear → activation) × 3 → loss, with what `change` does to the recording in the middle.
template <class Change>
ComputationGraph model(Change change) {
  Recording r("model");
  auto x = r.input("x", {8, 4});
  for (int i = 0; i < 3; ++i) {
    x = r.linear("layer" + std::to_string(i), x, 4, 4, 8);
    x = change(r, i, x);
    x = r.op("relu", {x}, {8, 4});
  }
  r.output("loss", r.op("mean", {x}, {}, "reduction"));
  return r.finish();
}
ComputationGraph plain() {
  return model([](Recording&, int, auto x) { return x; });
}

TEST(Diff, OfAGraphWithItselfIsEmpty) {
  const GraphDiff same = diff(plain(), plain());
  EXPECT_TRUE(same.empty());
  EXPECT_EQ(same.unchanged, plain().forward_size());
  EXPECT_EQ(to_text(same, plain(), plain()), "0 added, 0 removed, 0 changed, 18 unchanged\n");
  EXPECT_TRUE(diff(ComputationGraph(), ComputationGraph()).empty());
}

TEST(Diff, AnInsertedOpIsOneDifference) {
  const ComputationGraph before = plain(), after = model([](Recording&r, int i, auto x) {
                                             return i == 1 ? r.op("dropout", {x}, {8, 4}, "random") : x;
                                           });
  const GraphDiff d = diff(before, after);
  ASSERT_EQ(d.added.size(), 1U);
  EXPECT_EQ(after[d.added[0]].op, "dropout");
  EXPECT_THAT(d.removed, IsEmpty());
  ASSERT_EQ(d.changed.size(), 1U) << "the op after it";
  EXPECT_EQ(after[d.changed[0].after].op, "relu");
  EXPECT_THAT(d.changed[0].fields, ElementsAre(testing::Field(&FieldChange::field, "inputs")));
  const std::string text = to_text(d, before, after);
  EXPECT_THAT(text, HasSubstr("+ n10 dropout [8, 4]"));
  EXPECT_THAT(text, HasSubstr("1 added, 0 removed, 1 changed, 17 unchanged"));
  EXPECT_THAT(to_text(diff(after, before), after, before), HasSubstr("- n10 dropout [8, 4]"));
}

TEST(Diff, ShapesAttributesAndCosts) {
  const auto with = [](auto change) {
    return model([&](Recording& r, int i, auto x) {
      if (i == 1) change(r.last());
      return x;
    });
  };
  const auto fields = [&](auto change) {
    const GraphDiff d = diff(plain(), with(change));
    std::vector<std::string> names;
    for (const VertexChange& c : d.changed) {
      for (const FieldChange& f : c.fields) names.push_back(f.field + " " + f.before + "→" + f.after);
    }
    return names;
  };
  EXPECT_THAT(fields([](Vertex& v) { v.attributes = {{"axis", "1"}}; }), ElementsAre("attributes →axis=1"));
  EXPECT_THAT(fields([](Vertex& v) { v.dtype = "f64"; }), Contains("dtype f32→f64"));
  EXPECT_THAT(fields([](Vertex& v) { v.flops = 33; }), ElementsAre("flops 32→33"));
  EXPECT_THAT(fields([](Vertex& v) { v.failed = true; }), ElementsAre("failed no→yes"));
  EXPECT_THAT(fields([](Vertex& v) { v.shape = {8, 5}; }), Contains("shape [8, 4]→[8, 5]"));
}

TEST(Diff, StatisticsWithinTheToleranceAreEqual) {
  const auto with_norm = [](double norm, double gradient_norm) {
    GraphBuilder builder;
    Vertex v;
    v.op = "exp";
    v.statistics = Statistics{.norm = norm};
    v.seconds = std::isnan(norm) ? 0 : norm;
    Vertex measured;
    measured.statistics = Statistics{.norm = gradient_norm};
    builder.add_gradient(builder.add(v), measured);
    return std::move(builder).build();
  };
  EXPECT_TRUE(diff(with_norm(100, 1), with_norm(104, 0.96)).empty());
  const GraphDiff d = diff(with_norm(100, 1), with_norm(100, 2));
  ASSERT_EQ(d.changed.size(), 1U);
  EXPECT_THAT(d.changed[0].fields, ElementsAre(FieldChange{"gradient norm", "1", "2"}));
  EXPECT_EQ(diff(with_norm(100, 1), with_norm(104, 1), {.tolerance = 0.01}).changed.size(), 1U);
  EXPECT_TRUE(diff(with_norm(100, 1), with_norm(200, 1), {.statistics = false}).empty());
  EXPECT_EQ(diff(with_norm(100, 1), with_norm(200, 1), {.statistics = false, .seconds = true}).changed.size(), 1U);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(diff(with_norm(nan, 1), with_norm(nan, 1)).empty());
  EXPECT_FALSE(diff(with_norm(nan, 1), with_norm(1, 1)).empty());
}

TEST(Diff, AScopeThatWasRenamedIsNoNewModel) {
  const auto with_scope = [](const std::string& scope) {
    Recording r;
    const auto x = r.input("x", {4});
    r.scope = scope;
    r.output("y", r.op("tanh", {r.op("exp", {x}, {4})}, {4}));
    return r.finish();
  };
  const GraphDiff d = diff(with_scope("old"), with_scope("new"));
  EXPECT_THAT(d.added, IsEmpty());
  ASSERT_EQ(d.changed.size(), 2U);
  EXPECT_THAT(d.changed[0].fields, ElementsAre(FieldChange{"scope", "old", "new"}));
}

TEST(Diff, DrawsWhatHasChanged) {
  const ComputationGraph before = model([](Recording& r, int i, auto x) {
    return i == 0 ? r.op("tanh", {x}, {8, 4}) : x;
  });
  const ComputationGraph after = model([](Recording& r, int i, auto x) {
    if (i == 2) r.last().attributes = {{"a", "1"}};
    return i == 1 ? r.op("dropout", {x}, {8, 4}, "random") : x;
  });
  const MermaidText text = read_mermaid(to_mermaid(diff(before, after), before, after));
  EXPECT_THAT(text.errors, IsEmpty());
  std::map<std::string, std::string> paints;
  for (const auto& [id, node] : text.nodes) paints[node.label.substr(0, node.label.find('\n'))] = node.paint;
  EXPECT_THAT(paints, testing::IsSupersetOf({std::pair<const std::string, std::string>("+ dropout", "added"),
                                             {"− tanh", "removed"},
                                             {"~ add", "changed"},
                                             {"matmul", "op"}}));
  EXPECT_THAT(text.legend, testing::IsSupersetOf({"added", "removed", "changed"}));
  EXPECT_THAT(text.description, HasSubstr("1 values added, 1 removed"));
}

RC_GTEST_PROP(Diff, HoldsForAnyTwoGraphs, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto size = static_cast<std::size_t>(*rc::gen::inRange(1, 120));
  const ComputationGraph a = samples::random_graph(seed, size), b = samples::random_graph(seed / 2, size + 3);
  RC_ASSERT(diff(a, a).empty());
  const GraphDiff forth = diff(a, b), back = diff(b, a);
  RC_ASSERT(forth.matched.size() + forth.removed.size() == a.forward_size());
  RC_ASSERT(forth.matched.size() + forth.added.size() == b.forward_size());
  RC_ASSERT(forth.empty() == back.empty());
  to_text(forth, a, b);
  const MermaidText text = read_mermaid(to_mermaid(forth, a, b));
  RC_ASSERT(text.errors.empty());
}

TEST(Diff, OfLargeGraphs) {
  const ComputationGraph before = samples::unrolled(12'000), after = samples::unrolled(12'001);
  const GraphDiff d = diff(before, after);
  EXPECT_EQ(d.added.size(), 5U);
  EXPECT_THAT(d.removed, IsEmpty());
}

std::string written(const ComputationGraph& before, const ComputationGraph& after) {
  return format_named("github").write_diff(diff(before, after), before, after);
}

TEST(Diff, IsMarkdownForAPullRequest) {
  const ComputationGraph before = samples::mlp(), after = samples::transformer(1);
  const std::string text = written(before, after);
  EXPECT_THAT(text, HasSubstr("| parameters | "));
  EXPECT_THAT(text, HasSubstr("<details><summary>Before</summary>\n\n```mermaid\nflowchart"));
  EXPECT_EQ(mermaid_diagrams(text, "diff.md").size(), 3U);
  EXPECT_EQ(written(before, before), "The graph of the model does not change.\n");
}

}  // namespace
}  // namespace tapegrad::graph
