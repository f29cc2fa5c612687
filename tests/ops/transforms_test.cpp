#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::ThrowsMessage;

Tensor draw(const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  return randn(shape, f64, rng);
}
Tensor vec(std::initializer_list<double> values) { return tensor(values, f64); }

void expect_near(const Tensor& got, const Tensor& wanted, double tolerance = 1e-12) {
  ASSERT_EQ(got.shape(), wanted.shape());
  EXPECT_THAT(got.values(), Pointwise(DoubleNear(tolerance), wanted.values()));
}

// (xᵀ a x) has the gradient (a + aᵀ) x and the Hessian a + aᵀ.
const Tensor a = tensor({1, 2, 0, 5, -1, 3, 4, 0.5, 2}, {3, 3}, f64);
Tensor quadratic(const Tensor& x) { return matmul(x, matmul(a, x)); }
Tensor mixed(const Tensor& x, const Tensor& w) { return tanh(matmul(w, x)) * x; }

TEST(Vjp, PullsACotangentBack) {
  const Tensor x = draw({3});
  const auto [y, g] = vjp(quadratic, x);
  EXPECT_NEAR(y.item(), quadratic(x).item(), 1e-14);
  expect_near(g, matmul(a + transpose(a), x));
  EXPECT_FALSE(g.requires_grad());
  EXPECT_FALSE(y.requires_grad());
  const auto [z, gradients] = vjp(mixed, {x, a}, vec({1, -2, 3}));
  EXPECT_EQ(z.shape(), (Shape{3}));
  EXPECT_EQ(gradients[1].shape(), (Shape{3, 3}));
}

TEST(Jvp, IsTheJacobianTimesTheTangent) {
  const Tensor x = draw({3}), v = draw({3}, 2), dw = draw({3, 3}, 3);
  const auto j = jacobian(mixed, {x, a});
  const auto [y, dy] = jvp(mixed, {x, a}, {v, dw});
  expect_near(dy, matmul(j[0], v) + matmul(reshape(j[1], {3, 9}), reshape(dw, {9})));
  expect_near(y, mixed(x, a));
  // An undefined tangent is zero.
  expect_near(jvp(mixed, {x, a}, {v, Tensor()}).tangent, matmul(j[0], v));
  EXPECT_NEAR(jvp(quadratic, x, v).tangent.item(), matmul(matmul(a + transpose(a), x), v).item(), 1e-12);
}

TEST(Jvp, IsZeroForAFunctionThatDoesNotMove) {
  expect_near(jvp([](const Tensor& x) { return ones_like(x); }, vec({1, 2}), vec({3, 4})).tangent, vec({0, 0}));
  expect_near(jvp([](const Tensor& x) { return x; }, vec({1, 2}), vec({3, 4})).tangent, vec({3, 4}));
  expect_near(jvp([](const Tensor& x) { return -x; }, vec({1, 2}), vec({3, 4})).tangent, vec({-3, -4}));
}

TEST(Jacobian, HasTheShapeOfTheValueThenTheInput) {
  const Tensor x = draw({2, 3}), w = draw({3, 4}, 5);
  const auto j = jacobian([](const Tensor& p, const Tensor& q) { return matmul(p, q); }, {x, w});
  ASSERT_EQ(j[0].shape(), (Shape{2, 4, 2, 3}));
  ASSERT_EQ(j[1].shape(), (Shape{2, 4, 3, 4}));
  for (std::int64_t r = 0; r < 2; ++r)
    for (std::int64_t c = 0; c < 4; ++c)
      for (std::int64_t k = 0; k < 3; ++k) {
        EXPECT_EQ(j[0].at({r, c, r, k}), w.at({k, c}));
        EXPECT_EQ(j[0].at({r, c, 1 - r, k}), 0);
        EXPECT_EQ(j[1].at({r, c, k, c}), x.at({r, k}));
      }
  expect_near(jacobian(exp, vec({0, 1})), tensor({1, 0, 0, std::exp(1.0)}, {2, 2}, f64));
  EXPECT_EQ(jacobian(exp, zeros({0}, f64)).shape(), (Shape{0, 0}));
  EXPECT_EQ(jacobian(exp, scalar(0, f64)).item(), 1);
  expect_near(jacobian([](const Tensor&) { return vec({1, 2}); }, vec({1})), zeros({2, 1}, f64));
}

TEST(Hessian, OfAQuadraticFormIsItsSymmetricPart) {
  const Tensor w = parameter(draw({3}), "w");
  const Tensor h = hessian(quadratic, w);
  expect_near(h, a + transpose(a));
  EXPECT_FALSE(h.requires_grad());
  EXPECT_FALSE(w.grad().defined());
  expect_near(hvp(quadratic, w, vec({1, 2, 3})), matmul(h, vec({1, 2, 3})));
}

TEST(Hessian, HasABlockForEachPairOfInputs) {
  const auto f = [](const Tensor& x, const Tensor& w) { return sum(mixed(x, w)); };
  const Tensor x = draw({3}), v = draw({3}, 2), dw = draw({3, 3}, 3);
  const auto h = hessian(f, {x, a});
  ASSERT_EQ(h[0][1].shape(), (Shape{3, 3, 3}));
  ASSERT_EQ(h[1][1].shape(), (Shape{3, 3, 3, 3}));
  expect_near(reshape(h[0][1], {3, 9}), transpose(reshape(h[1][0], {9, 3})));
  const auto product = hvp(f, {x, a}, {v, dw});
  expect_near(product[0], matmul(h[0][0], v) + matmul(reshape(h[0][1], {3, 9}), reshape(dw, {9})));
  expect_near(reshape(product[1], {9}),
              matmul(reshape(h[1][0], {9, 3}), v) + matmul(reshape(h[1][1], {9, 9}), reshape(dw, {9})));
}

TEST(Hessian, IsZeroForALinearFunction) {
  expect_near(hessian([](const Tensor& x) { return sum(x * 3); }, vec({1, 2})), zeros({2, 2}, f64));
  expect_near(hessian([](const Tensor& x) { return sum(ones_like(x)); }, vec({1, 2})), zeros({2, 2}, f64));
}

TEST(Transforms, NestToAnyOrder) {
  const auto f = [](const Tensor& x) { return sum(x * x * x * x); };
  const auto second = [&](const Tensor& x) {
    return jacobian([&](const Tensor& y) { return vjp(f, y, {}, {true}).gradient; }, x, {true});
  };
  const Tensor x = vec({2, -3});
  expect_near(second(x), tensor({48, 0, 0, 108}, {2, 2}, f64));
  expect_near(hessian(f, x), second(x));
  const Tensor third = jacobian(second, x);
  EXPECT_EQ(third.shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(third.at({0, 0, 0}), 48);
  EXPECT_EQ(third.at({1, 1, 1}), -72);
  EXPECT_EQ(third.at({0, 1, 1}), 0);
  expect_near(jacobian([&](const Tensor& y) { return hessian(f, y, {true}); }, x), third);
  expect_near(jacobian(
                  [&](const Tensor& y) {
                    return hvp(f, y, vec({1, 1}), {true});
                  },
                  x),
              tensor({48, 0, 0, -72}, {2, 2}, f64));
}

TEST(Transforms, DoNotConfuseNestedArguments) {
  // d/dx [x · d/dy (x + y)] = 1, not 2.
  const auto inner = [](const Tensor& x) {
    return x * vjp([&](const Tensor& y) { return x + y; }, scalar(1, f64), {}, {true}).gradient;
  };
  EXPECT_EQ(vjp(inner, scalar(3, f64)).gradient.item(), 1);
  // The same tensor as argument and as constant: only the argument counts.
  const Tensor x = parameter(scalar(3, f64));
  const Tensor once = vjp([&](const Tensor& y) { return y * x; }, x, {}, {true}).gradient;
  EXPECT_EQ(once.item(), 3);
  EXPECT_EQ(grad(once, x).item(), 1);
}

TEST(Transforms, ReachWhatTheFunctionClosesOver) {
  const Tensor w = parameter(vec({2, 5}));
  const Tensor x = vec({3, 7});
  const Tensor tangent = jvp([&](const Tensor& y) { return w * w * y; }, x, ones_like(x), {true}).tangent;
  sum(tangent).backward();
  EXPECT_THAT(w.grad().values(), ElementsAre(4, 10));
}

TEST(Transforms, LeaveTheCallersGraphUsable) {
  const Tensor w = parameter(vec({2, 5}));
  const Tensor x = exp(w);
  const auto f = [&](const Tensor& y) { return sum(y * x); };
  EXPECT_THAT(vjp(f, x).gradient.values(), ElementsAre(DoubleEq(std::exp(2.0)), DoubleEq(std::exp(5.0))));
  hessian(f, x);
  jacobian(f, x, {true});
  EXPECT_FALSE(w.grad().defined());
  sum(x).backward();
  EXPECT_THAT(w.grad().values(), ElementsAre(DoubleEq(std::exp(2.0)), DoubleEq(std::exp(5.0))));
}

TEST(Transforms, WorkUnderNoGradAndOnFixedInputs) {
  const NoGrad off;
  expect_near(hessian(quadratic, vec({1, 2, 3})), a + transpose(a));
  const auto take = [](const Tensor& x, const Tensor& n) { return x * n; };
  const auto pulled = vjp(take, {vec({1, 2}), tensor({3, 4}, i64)}, vec({1, 1}));
  EXPECT_THAT(pulled.gradients[0].values(), ElementsAre(3, 4));
  EXPECT_FALSE(pulled.gradients[1].defined());
}

TEST(Transforms, SayWhatDoesNotFit) {
  const Tensor x = vec({1, 2});
  EXPECT_THAT([&] { vjp(exp, x); },
              ThrowsMessage<ShapeError>(HasSubstr("vjp: the function returned f64 [2], not one")));
  EXPECT_THAT([&] { vjp(exp, x, vec({1})); }, ThrowsMessage<ShapeError>(HasSubstr("cotangent f64 [1]")));
  EXPECT_THAT([&] { jvp(exp, x, vec({1})); }, ThrowsMessage<ShapeError>(HasSubstr("input 0 is f64 [2]")));
  EXPECT_THAT([&] { jvp(add, {x, x}, {x}); }, ThrowsMessage<ValueError>(HasSubstr("2 inputs and 1 tangents")));
  EXPECT_THAT([&] { hessian(exp, x); }, ThrowsMessage<ShapeError>(HasSubstr("hessian: the function returned")));
  EXPECT_THAT([&] { hvp(exp, x, x); }, ThrowsMessage<ShapeError>(HasSubstr("hvp: the function returned")));
  EXPECT_THAT([&] { jacobian(exp, tensor({1, 2}, i64)); }, ThrowsMessage<DTypeError>(HasSubstr("i64 [2]")));
  EXPECT_THAT([&] { jacobian(add, x); }, ThrowsMessage<ValueError>(HasSubstr("a function of 2 tensors was given 1")));
  EXPECT_THAT([&] { jacobian([](const Tensor&) { return Tensor(); }, x); },
              ThrowsMessage<ValueError>(HasSubstr("returned an undefined Tensor")));
  const auto whole = [](const Tensor& t) { return cast(t, i64); };
  EXPECT_THAT([&] { jacobian(whole, x); }, ThrowsMessage<DTypeError>(HasSubstr("jacobian: the function returned i64")));
  EXPECT_THAT([&] { jvp(whole, x, x); }, ThrowsMessage<DTypeError>(HasSubstr("jvp: the function returned i64")));
  EXPECT_THAT([&] { vjp(whole, x, x); }, ThrowsMessage<DTypeError>(HasSubstr("vjp: the function returned i64")));
}

}  // namespace
}  // namespace tapegrad
