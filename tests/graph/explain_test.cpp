// What a graph says of itself in words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/explain.hpp>
#include <tapegrad/tapegrad.hpp>
#include <vector>

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

// A model with a fault, as a user would have it; its first explanation is to name the kind, the vertex and the cause.
struct Fault {
  const char* what;
  std::function<Tensor()> loss;
  Kind kind;
  const char* culprit;  // the op, or the name of the leaf
  const char* cause;
  std::vector<Tensor> also{};
};

std::vector<Fault> planted_faults() {
  const Tensor w = named({0.5, -0.25, 2}, "weight"), bias = named({1, 1, 1}, "bias");
  const auto constant = [](std::vector<double> values) {
    return copy_of(std::span<const double>(values), Shape{std::ssize(values)});
  };
  const auto chain = [&](double factor) {
    return [factor] {
      Tensor h = named({1, 2, 3}, "first");
      for (int i = 0; i < 12; ++i) h = h * factor;
      return sum(h + named({1, 1, 1}, "last"));
    };
  };
  return {
      {"log of negative values", [=] { return sum(log(w + 0.0)); }, Kind::non_finite, "log",
       "log of one negative value, smallest -0.25"},
      {"log of zero", [=] { return sum(log(relu(w)) * 2.0); }, Kind::non_finite, "log", "log of one zero"},
      {"division by zero",
       [=] {
         return sum(w / constant({1, 0, 2}));
       },
       Kind::non_finite, "div", "a division by one zero"},
      {"overflow", [=] { return sum(exp(w * 1000.0)); }, Kind::non_finite, "exp", "an overflow of f64"},
      {"NaN in the data",
       [=] {
         return sum(w * constant({1, std::nan(""), 2}));
       },
       Kind::non_finite, "", "in the data of this input itself"},
      {"the slope of sqrt at zero",
       [=] {
         return sum(sqrt(square(w - constant({0.5, 0, 0}))));
       },
       Kind::non_finite, "sqrt", "the slope of sqrt at one zero, which is infinite"},
      {"a detached branch", [=] { return sum(w * bias.detach()); }, Kind::no_gradient, "bias", "cut by detach"},
      {"gradients switched off",
       [=] {
         const auto scaled = [&] {
           const NoGrad off;
           return bias * 2.0;
         };
         return sum(w * scaled());
       },
       Kind::no_gradient, "bias", "while gradients were off"},
      {"a parameter that nothing uses",
       [=] { return sum(w * 2.0); },
       Kind::no_gradient,
       "bias",
       "nothing is computed from it",
       {bias}},
      {"dead units", [=] { return sum(relu(bias * -3.0) + w); }, Kind::no_gradient, "bias",
       "all zero, and becomes so in"},
      {"a gradient that vanishes", chain(0.1), Kind::vanishing, "first", "Gradients vanish"},
      {"a gradient that explodes", chain(10), Kind::exploding, "first", "Gradients explode"},
  };
}

TEST(Explain, NamesPlantedFaults) {
  for (std::size_t i = 0; i < planted_faults().size(); ++i) {
    const Fault fault = planted_faults()[i];  // made anew, without the gradients of the one before
    SCOPED_TRACE(fault.what);
    const Trace trace(Trace::Keep::measurements);
    const Tensor loss = fault.loss();
    loss.backward();
    const ComputationGraph g = capture(loss, {.statistics = true, .also = fault.also, .trace = &trace});
    const std::vector<Explanation> all = explanations(g);
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all[0].kind, fault.kind) << all[0].text;
    EXPECT_THAT(all[0].text, ::testing::HasSubstr(fault.cause));
    ASSERT_FALSE(all[0].where.empty());
    const Vertex& culprit = g[all[0].where[0]];
    EXPECT_EQ(is_leaf(culprit) ? culprit.name : culprit.op, fault.culprit) << all[0].text;
  }
}

TEST(Explain, SaysThatAnEarlierNanMayNotHaveBeenMeasured) {
  const Tensor x = named({-1, 2}, "x");
  const Tensor y = sum(log(x * 1.0) * 2.0);
  const std::string text = explain(capture(y, {.statistics = true}));
  EXPECT_THAT(text, ::testing::HasSubstr("The first NaN or infinity that can be seen comes from"));
  EXPECT_THAT(text, ::testing::HasSubstr("Its inputs were not measured"));
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
