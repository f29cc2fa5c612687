// What a graph says of itself in words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/explain.hpp>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad::graph {
namespace {

using Kind = Explanation::Kind;

std::vector<Kind> kinds_of(const std::vector<Explanation>& all) {
  std::vector<Kind> kinds;
  for (const Explanation& one : all) kinds.push_back(one.kind);
  return kinds;
}

Tensor named(std::vector<double> values, const char* name) {
  Tensor t = parameter(copy_of(std::span<const double>(values), Shape{std::ssize(values)}));
  t.set_name(name);
  return t;
}

TEST(Explain, SaysWhereTheFirstNanCameFrom) {
  const Trace trace(Trace::Keep::measurements);
  const Tensor x = named({-1, 2}, "x");
  const Tensor y = sum(log(x) * 2.0);
  y.backward();
  const ComputationGraph g = capture(y, {.statistics = true, .trace = &trace});
  const std::vector<Explanation> all = explanations(g);
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0].kind, Kind::non_finite);
  ASSERT_FALSE(all[0].where.empty());
  EXPECT_EQ(g[all[0].where[0]].op, "log");
  EXPECT_THAT(all[0].text, ::testing::HasSubstr("log of one negative value, smallest -1"));
}

TEST(Explain, SaysWhichParametersGetNoGradientAndWhy) {
  const Trace trace;
  const Tensor used = named({1, 2}, "used"), cut = named({3, 4}, "cut");
  const Tensor y = sum(used * cut.detach());
  y.backward();
  const ComputationGraph g = capture(y);
  const std::vector<Explanation> all = explanations(g);
  EXPECT_THAT(kinds_of(all), ::testing::Contains(Kind::no_gradient));
  EXPECT_THAT(explain(g), ::testing::HasSubstr("'cut': every way from it to an output is cut by detach"));
}

TEST(Explain, FindsNoFaultWhereThereIsNone) {
  const Trace trace;
  const Tensor x = named({1, 2}, "x");
  const Tensor y = sum(square(x));
  y.backward();
  const ComputationGraph g = capture(y);
  for (const Explanation& one : explanations(g)) EXPECT_GE(one.kind, Kind::memory) << one.text;
}

}  // namespace
}  // namespace tapegrad::graph
