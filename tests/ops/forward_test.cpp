// Forward mode: that it runs where it is cheaper, and that what it gives is what backward passes give.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::ThrowsMessage;

Tensor draw(const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  return randn(shape, f64, rng);
}

void expect_near(const Tensor& got, const Tensor& wanted, double tolerance = 1e-12) {
  ASSERT_EQ(got.shape(), wanted.shape());
  EXPECT_THAT(got.values(), Pointwise(DoubleNear(tolerance), wanted.values()));
}

/// The names of what ran.
template <class F>
std::vector<std::string> ran(const F& f) {
  const Trace trace;
  f();
  std::vector<std::string> names;
  for (const Node* node : trace.nodes()) names.emplace_back(node->op->info->name);
  return names;
}

int count(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<int>(std::count(names.begin(), names.end(), name));
}

// By the identity, which needs no forward rule: <u, J v> = <Jᵀ u, v>.
Tensor by_identity(const TensorFunction& f, const Tensor& x, const Tensor& v) {
  const Tensor at = parameter(x), y = f({&at, 1}), u = parameter(ones_like(y));
  const Tensor pulled = grad({&y, 1}, {&at, 1}, {&u, 1}, {.create_graph = true})[0];
  return grad({&pulled, 1}, {&u, 1}, {&v, 1})[0];
}

TEST(Forward, OfLinearAndPointwiseOpsRunsThemOnTangents) {
  const Tensor w = draw({3, 4}), b = draw({4}, 2), x = draw({2, 3}, 3), v = draw({2, 3}, 4);
  const auto f = [&](const Tensor& t) { return concat({sum(tanh(matmul(t, w) + b), {1}), t[0]}); };
  expect_near(jvp(f, x, v).tangent, by_identity(f, x, v));
  // One product for the value and one for the tangent; a gradient would have had one with a transpose.
  const auto names = ran([&] { jvp(f, x, v); });
  EXPECT_EQ(count(names, "matmul"), 2);
  EXPECT_EQ(count(names, "permute"), 0);
}

TEST(Forward, OfOpsWithoutARuleGoesThroughTheGradient) {
  const auto f = [](const Tensor& t) { return logsumexp(square(t), {1}) * prod(t, {1}); };
  const Tensor x = draw({2, 3}), v = draw({2, 3}, 2);
  expect_near(jvp(f, x, v).tangent, by_identity(f, x, v));
}

TEST(Forward, AddsUpWhatSeveralInputsBring) {
  const Tensor x = draw({3, 3}), v = draw({3, 3}, 2);
  const auto f = [](const Tensor& t) { return softmax(matmul(t, t), -1) * t + t / (1 + square(t)); };
  expect_near(jvp(f, x, v).tangent, by_identity(f, x, v));
  const auto broadcast = [](const Tensor& t) { return t[0] * t + unsqueeze(t[1], 1); };
  expect_near(jvp(broadcast, x, v).tangent, by_identity(broadcast, x, v));
}

TEST(Forward, DoesNotEnterWhatIsDetachedOrFixed) {
  const Tensor x = draw({3}), v = draw({3}, 2);
  expect_near(jvp([](const Tensor& t) { return t * t.detach(); }, x, v).tangent, v * x);
  const Tensor w = parameter(draw({3}, 5));
  expect_near(jvp([&](const Tensor& t) { return t * exp(w); }, x, v).tangent, v * exp(w.detach()));
  const Tensor rows = copy_of(std::vector<std::int64_t>{2, 0, 2});
  expect_near(jvp([&](const Tensor& t) { return take(t, rows, 0); }, x, v).tangent, take(v, rows, 0));
}

TEST(Forward, DoesNotMultiplyAnInfiniteSlopeByAZeroTangent) {
  const Tensor x = tensor({0, 4}, f64), v = tensor({0, 1}, f64);
  expect_near(jvp([](const Tensor& t) { return sqrt(t); }, x, v).tangent, tensor({0, 0.25}, f64));
}

TEST(Forward, NestsInBothModes) {
  // d²/dx² of x³ in all four orders of modes.
  const auto f = [](const Tensor& t) { return t * t * t; };
  const Tensor x = tensor({2, -3}, f64), one = ones({2}, f64), wanted = 6 * x;
  const auto forward = [&](const TensorFunction& g) {
    return [g, one](const Tensor& t) { return jvp(g, t, one, {.create_graph = true}).tangent; };
  };
  const auto reverse = [&](const TensorFunction& g) {
    return [g, one](const Tensor& t) { return vjp(g, t, one, {.create_graph = true}).gradient; };
  };
  expect_near(forward(forward(f))(x), wanted);
  expect_near(forward(reverse(f))(x), wanted);
  expect_near(reverse(forward(f))(x), wanted);
  expect_near(reverse(reverse(f))(x), wanted);
  expect_near(forward(forward(forward(f)))(x), 6 * one);
  // Through an op without a rule.
  const auto g = [](const Tensor& t) { return prod(t) * sum(exp(t)); };
  expect_near(forward(forward(g))(x), sum(hessian(g, x)));
}

TEST(Forward, GivesJacobiansOfFunctionsOfFewInputs) {
  const Tensor x = draw({2}), w = draw({2, 50});
  const auto f = [&](const Tensor& t) { return sin(matmul(t, w)); };
  const Tensor j = jacobian(f, x);
  expect_near(j, unsqueeze(cos(matmul(x, w)), 1) * transpose(w));
  // Two passes forward, not fifty backward.
  EXPECT_LT(ran([&] { jacobian(f, x); }).size(), 30u);
  // With a graph: the second derivatives of all fifty.
  const auto nested = [&](const Tensor& t) { return jacobian(f, t, {.create_graph = true}); };
  expect_near(jacobian(nested, x),
              reshape(-sin(matmul(x, w)), {50, 1, 1}) * unsqueeze(transpose(w), 2) * unsqueeze(transpose(w), 1));
}

TEST(Forward, GoesThroughAMillionOpsWithoutRecursion) {
  const auto f = [](const Tensor& t) {
    Tensor y = t;
    for (int i = 0; i < 1'000'000; ++i) y = y * 1.0000001;
    return y;
  };
  EXPECT_NEAR(jvp(f, scalar(2, f64), scalar(3, f64)).tangent.item(), 3 * std::exp(0.1), 1e-6);
}

TEST(Forward, SaysThatSavedValuesAreGone) {
  const auto f = [](const Tensor& t) {
    const Tensor y = exp(t);
    sum(y).backward();
    return y * y;
  };
  EXPECT_THAT([&] { jvp(f, draw({2}), draw({2})); }, ThrowsMessage<GraphError>(HasSubstr("its saved values are gone")));
  const auto changed = [](const Tensor& t) {
    Tensor y = exp(t);
    Tensor z = y * y;
    const NoGrad off;
    y.mutable_data<double>()[0] = 0;
    return z;
  };
  EXPECT_THAT([&] { jvp(changed, draw({2}), draw({2})); }, ThrowsMessage<GraphError>(HasSubstr("changed in place")));
}

}  // namespace
}  // namespace tapegrad
