#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/scalar/scalar.hpp>

#include "../message_of.hpp"

namespace tapegrad::scalars {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const auto rosenbrock = [](const auto& x) {
  std::remove_cvref_t<decltype(x[0])> sum = 0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) sum += 100 * square(x[i + 1] - x[i] * x[i]) + square(1 - x[i]);
  return sum;
};
const auto polar = [](const auto& x) {
  using T = std::remove_cvref_t<decltype(x[0])>;
  return std::vector<T>{x[0] * cos(x[1]), x[0] * sin(x[1]), x[0]};
};

TEST(Derivatives, HaveTheNamesOfTensors) {
  EXPECT_THAT(gradient(rosenbrock, {-1.0, 2.0}), ElementsAre(396, 200));
  EXPECT_THAT(hvp(rosenbrock, {-1.0, 2.0}, {1.0, 0.0}), ElementsAre(402, 400));
  const Matrix<double> h = hessian(rosenbrock, {-1.0, 2.0});
  EXPECT_THAT(h.elements, ElementsAre(402, 400, 400, 200));
  const Pushforward<double> along = jvp(polar, {2.0, 0.0}, {1.0, 3.0});
  EXPECT_THAT(along.value, ElementsAre(2, 0, 2));
  EXPECT_THAT(along.tangent, ElementsAre(1, 6, 1));
  EXPECT_THAT(vjp(polar, {2.0, 0.0}, {1.0, 1.0, 1.0}), ElementsAre(2, 2));
  EXPECT_THAT(jacobian(polar, {2.0, 0.0}).elements, ElementsAre(1, 0, 0, 2, 1, 0));
  EXPECT_EQ(value_and_gradient(rosenbrock, std::vector<double>{-1.0, 2.0}).value, 104);
}

TEST(Derivatives, OfManyInputsAgreeInBothModes) {
  std::vector<double> x;
  for (int i = 0; i < 19; ++i) x.push_back(0.1 * i);
  const Matrix<double> h = hessian(rosenbrock, x);
  const auto slope = [](const auto& at) { return gradient(rosenbrock, at); };
  const Matrix<double> by_rows = jacobian(slope, x);  // reverse over reverse
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < x.size(); ++j) EXPECT_NEAR(h(i, j), by_rows(i, j), 1e-10) << i << ", " << j;
  // More results than inputs: by columns.
  const auto tall = [&](const auto& p) {
    std::vector<std::remove_cvref_t<decltype(p[0])>> y;
    for (const double t : x) y.push_back(p[0] * exp(p[1] * t));
    return y;
  };
  const Matrix<double> j = jacobian(tall, {2.0, -0.5});
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(j(i, 0), std::exp(-0.5 * x[i]), 1e-14);
    EXPECT_NEAR(j(i, 1), 2 * x[i] * std::exp(-0.5 * x[i]), 1e-14);
  }
}

TEST(Derivatives, RefuseVectorsOfAnotherLength) {
  EXPECT_THAT(message_of<ValueError>([] { hvp(rosenbrock, {1.0, 2.0}, {1.0}); }), HasSubstr("has 1 elements, not 2"));
  EXPECT_THAT(message_of<ValueError>([] { vjp(polar, {1.0, 2.0}, {1.0}); }), HasSubstr("has 1 elements, not 3"));
}

}  // namespace
}  // namespace tapegrad::scalars
