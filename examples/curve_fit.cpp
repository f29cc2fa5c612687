// A curve through points of which some are far off: y = exp(m t + c) by least squares, plain and robust, and the
// standard errors of m and c. The setting is that of the tutorial of the Ceres Solver; the points are drawn here.

#include <cmath>
#include <iostream>
#include <tapegrad/tapegrad.hpp>

using namespace tapegrad;

int main() {
  Rng rng(7);
  const Tensor t = linspace(0, 5, 67, f64);
  Tensor y = exp(0.3 * t + 0.1) + 0.2 * randn(t.shape(), f64, rng);
  for (const std::int64_t off : {10, 30, 55}) elements(y, off) = y[off] + 12;

  const auto residuals = [&](const Tensor& b) { return exp(b[0] * t + b[1]) - y; };
  const Tensor start = tensor({0, 0}, f64);
  const solvers::Fit plain = solvers::least_squares(residuals, start);
  const solvers::Fit robust = solvers::least_squares(residuals, start, {.loss = solvers::cauchy(0.5)});
  for (const solvers::Fit* fit : {&plain, &robust}) {
    const Tensor errors = sqrt(diagonal(fit->covariance));
    std::cout << (fit == &plain ? "plain " : "robust") << "  m = " << fit->x.at({0}) << " ± " << errors.at({0})
              << ", c = " << fit->x.at({1}) << " ± " << errors.at({1}) << '\n';
  }
  const bool found = std::abs(robust.x.at({0}) - 0.3) < 0.02 && std::abs(robust.x.at({1}) - 0.1) < 0.06;
  const bool misled = std::abs(plain.x.at({1}) - 0.1) > 2 * std::abs(robust.x.at({1}) - 0.1);
  return found && misled ? 0 : 1;
}
