#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

using Parameters = std::span<const Tensor>;
Tensor decay(double, const Tensor& y, Parameters p) { return -p[0] * y; }
// Chen et al., "Neural Ordinary Differential Equations" (2018): the spiral that their example learns.
Tensor spiral(double, const Tensor& y, Parameters p) { return matmul(pow(y, 3), p[0]); }
const Tensor kSpiral = tensor({{-0.1, 2}, {-2, -0.1}}, f64);

TEST(Odeint, FollowsWhatIsKnown) {
  const Tensor path = solvers::odeint(decay, tensor({1, 2}, f64), {0, 0.5, 3}, {tensor({2}, f64)});
  EXPECT_EQ(path.shape(), (Shape{3, 2}));
  const std::vector<double> exact{1, 2, std::exp(-1), 2 * std::exp(-1), std::exp(-6), 2 * std::exp(-6)};
  EXPECT_THAT(path.values(), Pointwise(DoubleNear(1e-7), exact));
  // y' = t, back in time.
  const auto rising = [](double t, const Tensor& y, Parameters) { return zeros_like(y) + t; };
  EXPECT_NEAR(solvers::odeint(rising, tensor({0}, f64), {2, -1}).at({1, 0}), -1.5, 1e-12);
}

TEST(Odeint, TheErrorFollowsTheTolerance) {
  double before = 1;
  for (const double tolerance : {1e-3, 1e-6, 1e-9, 1e-12}) {
    const Tensor path = solvers::odeint(decay, tensor({1}, f64), {0, 2}, {tensor({1}, f64)},
                                        {.relative_tolerance = tolerance, .absolute_tolerance = tolerance});
    const double error = std::abs(path.at({1, 0}) - std::exp(-2));
    EXPECT_LT(error, 10 * tolerance);
    EXPECT_LT(error, before);
    before = error;
  }
}

TEST(Odeint, TheAdjointHasTheGradientsOfTheExactSolution) {
  // y(t) = y₀ exp(-k t)
  const Tensor y0 = parameter(tensor({1.5}, f64)), k = parameter(tensor({0.7}, f64));
  const Tensor path = solvers::odeint(decay, y0, {0, 1, 2}, {k}, {.relative_tolerance = 1e-10});
  const auto g = grad(sum(path * tensor({{1}, {2}, {3}}, f64)), {y0, k});
  const double a = std::exp(-0.7), b = std::exp(-1.4);
  EXPECT_NEAR(g[0].item(), 1 + 2 * a + 3 * b, 1e-8);
  EXPECT_NEAR(g[1].item(), 1.5 * (-2 * a - 6 * b), 1e-8);
}

TEST(Odeint, TheAdjointAgreesWithTheGradientThroughTheSteps) {
  const auto loss = [&](solvers::OdeGradient by) {
    return [by](const Tensor& y0, const Tensor& a) {
      return sum(square(solvers::odeint(spiral, y0, {0, 0.3, 1}, {a}, {.relative_tolerance = 1e-9, .gradient = by})));
    };
  };
  const std::vector<Tensor> at{tensor({{2, 0.5}}, f64), kSpiral};
  EXPECT_THAT(loss(solvers::OdeGradient::recorded), HasCorrectGradients(at));
  const auto adjoint = vjp(loss(solvers::OdeGradient::adjoint), at).gradients;
  const auto recorded = vjp(loss(solvers::OdeGradient::recorded), at).gradients;
  for (std::size_t i = 0; i < at.size(); ++i)
    EXPECT_THAT(adjoint[i].values(), Pointwise(DoubleNear(1e-6), recorded[i].values()));
}

TEST(Odeint, SecondDerivativesGoThroughTheSteps) {
  const auto last = [](solvers::OdeGradient by) {
    return [by](const Tensor& k) {
      return sum(solvers::odeint(decay, tensor({1}, f64), {0, 1}, {k}, {.relative_tolerance = 1e-9, .gradient = by}));
    };
  };
  const Tensor k = tensor({0.5}, f64);
  EXPECT_NEAR(hessian(last(solvers::OdeGradient::recorded), k).item(), std::exp(-0.5), 1e-6);
  EXPECT_THAT(message_of<GraphError>([&] { hessian(last(solvers::OdeGradient::adjoint), k); }), HasSubstr("recorded"));
}

TEST(Odeint, RefusesWhatItCannotFollow) {
  const Tensor y = tensor({1}, f64), k = parameter(tensor({1}, f64), "rate");
  EXPECT_THAT(message_of<ValueError>([&] {
                solvers::odeint([&](double, const Tensor& at, Parameters) { return -k * at; }, y, {0, 1});
              }),
              HasSubstr("'rate'"));
  EXPECT_THAT(message_of<ValueError>([&] { solvers::odeint(decay, y, {0, 1, 0.5}, {k}); }), HasSubstr("time 2"));
  EXPECT_THROW(solvers::odeint(decay, y, {}, {k}), ValueError);
  EXPECT_THROW(solvers::odeint([](double, const Tensor&, Parameters) { return ones({2}, f64); }, y, {0, 1}),
               ShapeError);
  EXPECT_THROW(solvers::odeint([](double, const Tensor&, Parameters) { return ones({1}); }, y, {0, 1}), DTypeError);
  // y' = y² has no solution at t = 1.
  const auto explodes = [](double, const Tensor& at, Parameters) { return at * at; };
  EXPECT_THROW(solvers::odeint(explodes, y, {0, 2}, {}, {.max_steps = 2000}), ValueError);
}

}  // namespace
}  // namespace tapegrad
