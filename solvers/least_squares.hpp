#pragma once
// Nonlinear least squares: the x at which Σ ρ(rᵢ(x)²) / 2 is least.
//
//   auto residuals = [&](const Tensor& b) { return y - b[0] * (1 - exp(-b[1] * t)); };
//   auto fit = solvers::least_squares(residuals, tensor({500, 1e-4}, f64));
//
// By the Gauss-Newton method, made safe by Levenberg and Marquardt: far from the least value steps are short, near it
// they are those of Newton's method with JᵀJ for the Hessian.

#include <functional>
#include <tapegrad/ops/tensor_function.hpp>

namespace tapegrad::solvers {

/// How much a squared residual counts, so that outliers count for less: rho(s), which is s itself near 0, and its
/// slope.
struct RobustLoss {
  std::function<double(double s)> rho, slope;
};
/// Quadratic up to |r| = scale, linear beyond.
RobustLoss huber(double scale);
/// As huber(), without the seam: 2 scale² (√(1 + s / scale²) - 1).
RobustLoss soft_l1(double scale);
/// scale² log(1 + s / scale²): far outliers hardly count.
RobustLoss cauchy(double scale);

/// Of least_squares().
struct LeastSquaresOptions {
  RobustLoss loss{};                  ///< none: plain squares
  double damping = 1e-3;              ///< at first, relative to the diagonal of JᵀJ; 0: Gauss-Newton, never damped
  int max_iterations = 200;           ///< evaluations of the Jacobian
  double step_tolerance = 1e-13;      ///< ends when a step is smaller, relative to x
  double gradient_tolerance = 1e-13;  ///< or each column of J is as perpendicular to r
};

enum class FitEnd : std::uint8_t {
  converged,
  iterations,  ///< there were too many
  stuck        ///< no step, however short, lowers the cost
};

/// A least-squares solution, its errors, and how the search for it ended.
struct Fit {
  Tensor x;         ///< not recorded
  double cost = 0;  ///< Σ ρ(rᵢ²) / 2
  FitEnd end = FitEnd::converged;
  int iterations = 0;
  /// The inverse of JᵀJ times 2 cost / (m - n), for m residuals and n unknowns: the square roots of its diagonal are
  /// the standard errors. Undefined if m ≤ n, or J has not full rank.
  Tensor covariance;
};

/// x has one axis, in f64 for all digits; the residuals are one tensor of its dtype. ShapeError, DTypeError or
/// ValueError for what does not fit; ValueError if residuals or slopes are not finite where it starts.
Fit least_squares(const TensorFunction& residuals, const Tensor& start, const LeastSquaresOptions& options = {});

}  // namespace tapegrad::solvers
