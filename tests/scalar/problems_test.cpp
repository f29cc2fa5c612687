// The functions that AD benchmarks differentiate: the gradient in reverse mode beside that of forward mode in long
// double, and this beside differences.

#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/scalar/scalar.hpp>

#include "../../bench/scalar_nested_problems.hpp"
#include "../../bench/scalar_problems.hpp"

namespace tapegrad::scalars {
namespace {

template <class Problem>
void expect_gradient(const Problem& problem, double tolerance = 1e-13) {
  const auto f = [&](const auto& x) { return problem.value(x); };
  const std::vector<double> g = gradient(f, problem.inputs);

  const std::size_t n = problem.inputs.size();
  const std::vector<long double> at(problem.inputs.begin(), problem.inputs.end());
  std::vector<long double> exact(n);
  long double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<long double> direction(n);
    direction[i] = 1;
    exact[i] = jvp(f, at, direction).tangent[0];
    largest = std::max(largest, std::abs(exact[i]));
  }
  for (std::size_t i = 0; i < n; ++i)
    EXPECT_NEAR(g[i], static_cast<double>(exact[i]), tolerance * static_cast<double>(largest)) << "input " << i;

  // Along one direction by Richardson's extrapolation of central differences.
  const long double h = 1e-4L;
  long double along = 0, coarse = 0, fine = 0;
  std::vector<long double> direction(n);
  for (std::size_t i = 0; i < n; ++i) {
    direction[i] = std::cos(static_cast<long double>(i));
    along += exact[i] * direction[i];
  }
  const auto difference = [&](long double step) {
    std::vector<long double> up = at, down = at;
    for (std::size_t i = 0; i < n; ++i) {
      up[i] += step * direction[i];
      down[i] -= step * direction[i];
    }
    return (f(up) - f(down)) / (2 * step);
  };
  coarse = difference(2 * h);
  fine = difference(h);
  const long double extrapolated = (4 * fine - coarse) / 3;
  EXPECT_NEAR(static_cast<double>(extrapolated / largest), static_cast<double>(along / largest), 1e-9);
}

using namespace scalar_problems;

TEST(Problems, Rosenbrock) { expect_gradient(scalar_problems::Rosenbrock(50)); }
TEST(Problems, BlackScholes) { expect_gradient(BlackScholes(10)); }
TEST(Problems, LogDeterminant) { expect_gradient(LogDeterminant(8)); }
TEST(Problems, LogSumExp) { expect_gradient(LogSumExp(50)); }
TEST(Problems, LeastSquares) { expect_gradient(LeastSquares(20, 8)); }
TEST(Problems, KMeans) { expect_gradient(KMeans(30, 4, 3)); }
TEST(Problems, GaussianMixture) { expect_gradient(GaussianMixture(30, 4, 3)); }
TEST(Problems, BundleAdjustment) { expect_gradient(BundleAdjustment(3, 14, 40)); }
TEST(Problems, HandTracking) { expect_gradient(HandTracking(40)); }
TEST(Problems, Lstm) { expect_gradient(Lstm(20, 2, 5)); }
TEST(Problems, Ode) { expect_gradient(Ode(40, 12)); }
TEST(Problems, Particle) { expect_gradient(Particle()); }
TEST(Problems, Saddle) { expect_gradient(Saddle()); }

}  // namespace
}  // namespace tapegrad::scalars
