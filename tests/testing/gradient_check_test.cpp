// The checker itself: what is right passes, and each kind of wrong is found for what it is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>

#include "wrong_ops.hpp"

namespace tapegrad::tests {
namespace {

using testing::check_gradients;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::GradientReport;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Kinks;
using ::testing::Not;
using ::testing::SizeIs;

Tensor draw(const Shape& shape, std::uint64_t seed = 4) {
  Rng rng(seed);
  return randn(shape, f64, rng);
}

Tensor network(const Tensor& x, const Tensor& w, const Tensor& b) { return tanh(matmul(x, w) + b); }

TEST(GradientCheck, PassesRightFunctionsToTheThirdOrder) {
  const GradientReport report = check_gradients(network, {draw({2, 3}), draw({3, 2}), draw({2})}, {.order = 3});
  EXPECT_TRUE(report.ok()) << to_string(report);
  EXPECT_GT(report.compared, 14u * 5u) << "each element against each of the value's, and weighted, and nested";
  EXPECT_LT(report.worst.error, 0.1) << to_string(report);
  EXPECT_THAT(report.warnings, IsEmpty());
}

TEST(GradientCheck, TakesCallablesOfEachKind) {
  const Tensor a = draw({3}), b = draw({3}, 9);
  EXPECT_TRUE(check_gradients(exp, {a}).ok());
  EXPECT_TRUE(check_gradients(add, {a, b}).ok());
  EXPECT_TRUE(check_gradients([](const Tensor& x) { return x * x; }, {a}).ok());
  EXPECT_TRUE(check_gradients([](const auto& x, const auto& y) { return x * y; }, {a, b}).ok());
  EXPECT_TRUE(check_gradients([](Tensor x, Tensor y, Tensor z, Tensor t) { return x * y + z * t; }, {a, b, a, b}).ok());
  EXPECT_TRUE(check_gradients([](std::span<const Tensor> all) { return all[0] * all[1]; }, {a, b}).ok());
  struct Scale {
    double by = 3;
    Tensor operator()(const Tensor& x) const { return x * by; }
  };
  EXPECT_TRUE(check_gradients(Scale{}, {a}).ok());
}

TEST(GradientCheck, RejectsARuleThatIsOffByATenthOfAPercent) {
  EXPECT_TRUE(check_gradients(cube, {draw({4})}, {.order = 3}).ok());
  const GradientReport report = check_gradients(cube_off, {draw({4})});
  EXPECT_FALSE(report.ok());
  ASSERT_THAT(report.mismatches, Not(IsEmpty()));
  for (const auto& m : report.mismatches) {
    EXPECT_EQ(m.order, 1);
    EXPECT_NEAR(m.analytic / m.numeric, 1.001, 1e-6);
    EXPECT_NEAR(m.relative(), 0.001, 1e-5);
  }
}

TEST(GradientCheck, RejectsARuleThatIsWrongOnlyInItsSecondDerivative) {
  const Tensor x = draw({4});
  EXPECT_TRUE(check_gradients(cube_forgetful, {x}).ok());
  const GradientReport report = check_gradients(cube_forgetful, {x}, {.order = 2});
  ASSERT_THAT(report.mismatches, SizeIs(4));
  for (const auto& m : report.mismatches) {
    EXPECT_EQ(m.order, 2);
    EXPECT_EQ(m.analytic, 0);
    EXPECT_GT(std::abs(m.numeric), 1e-3);
  }
}

TEST(GradientCheck, RejectsARuleThatChangesWhenItIsRecorded) {
  const GradientReport report = check_gradients(cube_two_faced, {draw({4})}, {.order = 2, .forward = false});
  ASSERT_THAT(report.mismatches, SizeIs(4));
  EXPECT_EQ(report.mismatches[0].output, "recorded");
  EXPECT_NEAR(report.mismatches[0].analytic / report.mismatches[0].numeric, 2, 1e-12);
}

TEST(GradientCheck, NamesTheInputAndElementThatAreWrong) {
  Tensor w = draw({3}, 8);
  w.set_name("weights");
  const GradientReport report = check_gradients(weigh, {draw({3}), w});
  ASSERT_THAT(report.mismatches, Not(IsEmpty()));
  for (const auto& m : report.mismatches) {
    EXPECT_EQ(m.input, "1 'weights'");
    EXPECT_EQ(m.element, "[2]");
    EXPECT_EQ(m.analytic, 0);
  }
}

TEST(GradientCheck, FindsOneWrongElementInALargeInputThroughDirections) {
  const Tensor x = draw({5000}), w = draw({5000}, 2);
  const GradientReport right =
      check_gradients([](const Tensor& a, const Tensor& b) { return sum(tanh(a) * b); }, {x, w});
  EXPECT_TRUE(right.ok()) << to_string(right);
  const GradientReport wrong = check_gradients(weigh, {x, w});
  ASSERT_THAT(wrong.mismatches, Not(IsEmpty())) << "element 4999 has no gradient";
  EXPECT_THAT(wrong.mismatches[0].element, HasSubstr("direction"));
}

TEST(GradientCheck, WeightsLargeValuesByARandomCotangent) {
  const GradientReport report =
      check_gradients([](const Tensor& x) { return exp(x) * x; }, {draw({100})}, {.order = 2});
  EXPECT_TRUE(report.ok()) << to_string(report);
  EXPECT_EQ(report.compared, 100u + 100u + 1u + 100u) << "weighted instead of 100 × 100; recorded; jvp; order 2";
  EXPECT_FALSE(check_gradients(cube_off, {draw({100})}).ok());
}

// Mistakes that people make in rules, and what is said of each.
TEST(GradientCheck, SaysWhatAMistakeLooksLike) {
  const Tensor x = draw({3, 3}), b = draw({3}, 5);
  const auto diagnosis = [](const TensorFunction& f, const std::vector<Tensor>& inputs) {
    const GradientReport report = check_gradients(f, inputs);
    EXPECT_FALSE(report.ok());
    EXPECT_THAT(report.diagnoses, SizeIs(1)) << to_string(report);
    return report.diagnoses.empty() ? "" : report.diagnoses[0];
  };
  const auto twice = [](const Tensor& a) { return a * 2.0; };
  EXPECT_THAT(diagnosis([](const Tensor& a) { return a * a.detach(); }, {x}),
              HasSubstr("input 0: every derivative is 1/2"));
  EXPECT_THAT(diagnosis(with_gradient(twice, [](const Tensor& g, const Tensor&) { return g * -2.0; }), {x}),
              HasSubstr("the wrong sign"));
  EXPECT_THAT(diagnosis(with_gradient(twice, [](const Tensor& g, const Tensor&) { return g * 6.0; }), {x}),
              HasSubstr("3 times what it should be"));
  EXPECT_THAT(diagnosis(with_gradient(twice, [](const Tensor& g, const Tensor&) { return transpose(g * 2.0); }), {x}),
              HasSubstr("the right one transposed"));
  const auto shift = with_gradient([](const Tensor& a, const Tensor& c) { return a + c; },
                                   [](const Tensor& g, const Tensor&, const Tensor&) {
                                     return std::vector<Tensor>{g, select(g, 0, 0)};
                                   });
  EXPECT_THAT(diagnosis(shift, {x, b}),
              HasSubstr("input 1: the derivatives of some of the value's elements are right and"));
  EXPECT_THAT(check_gradients(cube_off, {draw({4})}).diagnoses, ElementsAre(HasSubstr("1.001 times")));
  EXPECT_THAT(check_gradients(cube, {draw({4})}).diagnoses, IsEmpty());
}

TEST(GradientCheck, ReportsTheKinkOfReluAtZero) {
  const Tensor x = tensor({-1, 0, 2}, f64);
  const GradientReport listed = check_gradients(relu, {x});
  EXPECT_TRUE(listed.ok()) << to_string(listed);
  ASSERT_FALSE(listed.kinks.empty());
  const auto& kink = listed.kinks[0];
  EXPECT_EQ(kink.element, "[1]");
  EXPECT_EQ(kink.left, 0);
  EXPECT_EQ(kink.right, 1);
  EXPECT_EQ(kink.analytic, 0);
  for (const auto& k : listed.kinks) EXPECT_EQ(k.element, "[1]");

  const GradientReport failed = check_gradients(relu, {x}, {.kinks = Kinks::fail});
  EXPECT_FALSE(failed.ok());
  EXPECT_THAT(failed.mismatches, IsEmpty());
  EXPECT_THAT(check_gradients(relu, {x}, {.kinks = Kinks::ignore}).kinks, IsEmpty());
}

TEST(GradientCheck, KnowsKinksFromSteepPlacesAndFromNearMisses) {
  const auto kinks = [](const testing::GradientReport& r) { return r.kinks.size(); };
  EXPECT_GT(kinks(check_gradients(abs, {tensor({0}, f64)})), 0u) << "although its central difference is its gradient";
  EXPECT_GT(kinks(check_gradients(sqrt, {tensor({0}, f64)})), 0u) << "not defined on the left";
  EXPECT_GT(kinks(check_gradients(maximum, {tensor({1.5}, f64), tensor({1.5}, f64)})), 0u);
  EXPECT_GT(kinks(check_gradients([](const Tensor& x) { return sign(x); }, {tensor({0}, f64)})), 0u) << "a jump";

  for (const double x : {1e-5, 1e-3, -1e-5}) {
    const GradientReport near = check_gradients(relu, {tensor({x}, f64)});
    EXPECT_TRUE(near.ok()) << to_string(near);
    EXPECT_EQ(kinks(near), 0u) << x;
  }
  const GradientReport steep = check_gradients([](const Tensor& x) { return tanh(x * 300); }, {tensor({0.001}, f64)});
  EXPECT_TRUE(steep.ok()) << to_string(steep);
  EXPECT_EQ(kinks(steep), 0u);
  const GradientReport large =
      check_gradients([](const Tensor& x) { return square(x) + 1e6; }, {tensor({0}, f64)}, {.absolute = 1e-4});
  EXPECT_EQ(kinks(large), 0u) << to_string(large);
}

TEST(GradientCheck, SeesAKinkOfTheGradientAtOrderTwo) {
  const auto f = [](const Tensor& x) { return square(relu(x)); };
  const GradientReport first = check_gradients(f, {tensor({0}, f64)});
  EXPECT_TRUE(first.ok() && first.kinks.empty()) << to_string(first);
  const GradientReport second = check_gradients(f, {tensor({0}, f64)}, {.order = 2});
  EXPECT_TRUE(second.ok()) << to_string(second);
  ASSERT_THAT(second.kinks, SizeIs(1));
  EXPECT_EQ(second.kinks[0].order, 2);
}

TEST(GradientCheck, RefusesNoise) {
  Rng rng(1);
  const GradientReport report =
      check_gradients([&](const Tensor& x) { return x * rand(x.shape(), 0, 1, f64, rng); }, {draw({3})});
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("two calls on the same inputs gave different values")));
}

TEST(GradientCheck, ReportsValuesThatAreNotFinite) {
  const GradientReport report = check_gradients(log, {tensor({1, -1}, f64)});
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("nan at element [1]")));
}

TEST(GradientCheck, ReportsAGradientThatIsMissing) {
  const GradientReport report =
      check_gradients([](const Tensor& x, const Tensor& y) { return x * y.detach(); }, {draw({2}), draw({2}, 5)});
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("input 1 got no gradient")));
  // An input that the value does not depend on needs none.
  EXPECT_TRUE(check_gradients([](const Tensor& x, const Tensor&) { return x * 2; }, {draw({2}), draw({2}, 5)}).ok());
  EXPECT_TRUE(check_gradients([](const Tensor& x) { return ones_like(x); }, {draw({2})}, {.order = 2}).ok());
}

TEST(GradientCheck, ReportsAGradientOfTheWrongShape) {
  const auto f = [](const Tensor& x) {
    if (x.requires_grad()) const_cast<Tensor&>(x).register_hook([](const Tensor& g) { return sum(g); });
    return x * 2;
  };
  const GradientReport report = check_gradients(f, {draw({3})});
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.problems, Contains(HasSubstr("gave f64 [] as the gradient of f64 [3]")));
}

TEST(GradientCheck, ReportsExceptions) {
  const GradientReport forward = check_gradients([](const Tensor& x) { return matmul(x, x); }, {draw({2, 3})});
  EXPECT_THAT(forward.problems, ElementsAre(HasSubstr("matmul: a is [2, 3]")));
  const auto f = [](const Tensor& x) {
    Tensor y = x * 2;
    if (y.requires_grad()) y.register_hook([](const Tensor&) -> Tensor { throw ValueError("no way back"); });
    return y;
  };
  EXPECT_THAT(check_gradients(f, {draw({2})}).problems, ElementsAre(HasSubstr("no way back")));
}

TEST(GradientCheck, SkipsIntegersAndSaysSo) {
  const GradientReport report = check_gradients([](const Tensor& x, const Tensor& n) { return x * n; },
                                                {draw({3}), tensor({1, 2, 3}, i64)}, {.order = 2});
  EXPECT_TRUE(report.ok()) << to_string(report);
  EXPECT_THAT(report.warnings, ElementsAre(HasSubstr("input 1 is i64 [3]: not differentiated")));
}

TEST(GradientCheck, CastsToDoubleAndWarnsInSinglePrecision) {
  const auto seen = [](DType wanted) {
    return [wanted](const Tensor& x) {
      EXPECT_EQ(x.dtype(), wanted);
      return tanh(x);
    };
  };
  EXPECT_TRUE(check_gradients(seen(f64), {tensor({0.3, 0.7})}).ok());
  const GradientReport report = check_gradients(seen(f32), {tensor({0.3, 0.7})}, {.order = 2, .dtype = f32});
  EXPECT_TRUE(report.ok()) << to_string(report);
  EXPECT_THAT(report.warnings, ElementsAre(HasSubstr("checked in f32")));
  const GradientReport inside = check_gradients([](const Tensor& x) { return tanh(cast(x, f32)); }, {draw({2})},
                                                {.absolute = 1e-2, .relative = 1e-2});
  EXPECT_TRUE(inside.ok()) << to_string(inside);
  EXPECT_THAT(inside.warnings, ElementsAre(HasSubstr("computes in f32")));
  EXPECT_FALSE(
      check_gradients([](const Tensor& x) { return relu(x) * x.detach(); }, {tensor({0.5})}, {.dtype = f32}).ok());
}

TEST(GradientCheck, LeavesTheCallersTensorsAlone) {
  const Tensor x = parameter(draw({3})), w = parameter(draw({3}, 6));
  const Tensor inner = exp(w);
  const auto version = x.version();
  EXPECT_TRUE(check_gradients([&](const Tensor& a) { return a * inner; }, {x}, {.order = 2}).ok());
  EXPECT_FALSE(x.grad().defined());
  EXPECT_EQ(x.version(), version);
  sum(inner).backward();
  EXPECT_TRUE(w.grad().defined()) << "the graph that f closed over is still whole";
}

TEST(GradientCheck, WorksUnderNoGrad) {
  const NoGrad off;
  EXPECT_TRUE(check_gradients(tanh, {draw({2})}, {.order = 2}).ok());
  EXPECT_FALSE(check_gradients(cube_off, {draw({2})}).ok());
  EXPECT_FALSE(grad_enabled());
}

TEST(GradientCheck, HandlesEmptyAndScalarInputs) {
  EXPECT_TRUE(check_gradients(exp, {zeros({0, 3}, f64)}, {.order = 3}).ok());
  EXPECT_TRUE(check_gradients(exp, {scalar(0.5, f64)}, {.order = 3}).ok());
}

TEST(GradientCheck, SurvivesSizesFarFromOne) {
  const GradientReport report =
      check_gradients([](const Tensor& x) { return square(x) / 1e4; }, {tensor({1e4, -3e5, 1e-9}, f64)}, {.order = 2});
  EXPECT_TRUE(report.ok()) << to_string(report);
}

TEST(GradientCheck, RefusesImpossibleOptions) {
  EXPECT_THROW(check_gradients(exp, {draw({2})}, {.order = 0}), ValueError);
  EXPECT_THROW(check_gradients(exp, {draw({2})}, {.order = 5}), ValueError);
  EXPECT_THROW(check_gradients(exp, {draw({2})}, {.dtype = i64}), ValueError);
  EXPECT_THROW(check_gradients(exp, {draw({2})}, {.absolute = -1}), ValueError);
  EXPECT_THROW(check_gradients(exp, {tensor({1, 2}, i64)}), ValueError);
  EXPECT_THROW(check_gradients(exp, {}), ValueError);
  const GradientReport report = check_gradients(add, {draw({2})});
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("a function of 2 tensors was given 1")));
}

}  // namespace
}  // namespace tapegrad::tests
