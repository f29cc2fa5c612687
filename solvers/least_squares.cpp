#include <tapegrad/solvers/least_squares.hpp>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/transforms.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::solvers {
namespace {

double require_scale(const char* loss, double scale) {
  if (!(scale > 0) || !std::isfinite(scale))
    throw ValueError(std::string(loss) + ": a scale of " + std::to_string(scale) + "; it must be finite and above 0");
  return scale;
}

// The residuals at one point, and what they cost.
struct Point {
  Tensor x, r;
  double cost = 0;
};

class Problem {
 public:
  Problem(const TensorFunction& residuals, const LeastSquaresOptions& options) : f_(residuals), options_(options) {}

  Point at(const Tensor& x) const {
    const NoGrad unrecorded;
    const Tensor r = f_({&x, 1});
    if (r.dtype() != x.dtype())
      throw DTypeError("least_squares: the residuals are " + describe(r) + " for " + describe(x) +
                       "; the dtypes must be equal");
    Point point{x, flatten(r.detach()), 0};
    for (const double v : point.r.values()) point.cost += (is_robust() ? options_.loss.rho(v * v) : v * v) / 2;
    return point;
  }

  /// The Jacobian [m, n], and the residuals [m, 1], each row weighed by what its residual still counts.
  std::pair<Tensor, Tensor> linearised(const Point& point) const {
    const Tensor j = reshape(jacobian(f_, point.x), {point.r.numel(), point.x.numel()});
    const Tensor r = unsqueeze(point.r, 1);
    if (!is_robust()) return {j, r};
    std::vector<double> weights = point.r.values();
    for (double& v : weights) v = std::sqrt(options_.loss.slope(v * v));
    const Tensor w = unsqueeze(tensor(weights, point.x.dtype()), 1);
    return {w * j, w * r};
  }

 private:
  bool is_robust() const { return static_cast<bool>(options_.loss.rho); }

  const TensorFunction& f_;
  const LeastSquaresOptions& options_;
};

/// Whether the columns of which `r` is the triangular factor are independent, as far as its dtype can tell.
bool has_full_rank(const Tensor& r) {
  const std::vector<double> pivots = diagonal(r).values();
  const double rounding = static_cast<double>(pivots.size()) * (r.dtype() == f64 ? 0x1p-52 : 0x1p-23);
  const auto lengths = norm(r, 2, {0}).values();
  for (std::size_t i = 0; i < pivots.size(); ++i)
    if (!(pivots[i] > rounding * lengths[i])) return false;
  return true;
}

/// The step s for which |j s + r|² + |damping · scales · s|² is least; undefined if that is not one step.
Tensor best_step(const Tensor& j, const Tensor& r, const Tensor& scales, double damping) {
  // By QR of j with the damping below it: JᵀJ would square the condition of j.
  const Tensor rows = damping > 0 ? concat({j, diag(std::sqrt(damping) * scales)}) : j;
  const Tensor right = damping > 0 ? concat({r, zeros({scales.numel(), 1}, r.dtype())}) : r;
  const Qr factors = qr(rows);
  if (!has_full_rank(factors.r)) return {};
  return -squeeze(triangular_solve(factors.r, matmul(transpose(factors.q), right), {.upper = true}), 1);
}

Tensor covariance_of(const Tensor& j, double cost) {
  const std::int64_t m = j.size(0), n = j.size(1);
  if (m <= n) return {};
  const Tensor r = qr(j).r;
  if (!has_full_rank(r)) return {};
  const Tensor inverse_r = triangular_solve(r, eye(n, j.dtype()), {.upper = true});
  return matmul(inverse_r, transpose(inverse_r)) * (2 * cost / static_cast<double>(m - n));
}

bool is_finite(const Tensor& t) { return all(isfinite(t)).item() != 0; }

/// The largest cosine between the residuals and a column of j: 0 where the cost is least.
double slope_left(const Tensor& j, const Tensor& r, const Tensor& scales) {
  const double size = norm(r).item();
  if (size == 0) return 0;
  return amax(abs(squeeze(matmul(transpose(j), r), 1)) / (scales * size)).item();
}

struct Damping {
  double by, growth = 2;
  bool is_fixed;
  double step_tolerance;

  // Nielsen, "Damping parameter in Marquardt's method" (1999): by how much of what was promised came true.
  void relax(double gain) {
    by *= std::max(1.0 / 3, 1 - std::pow(2 * gain - 1, 3));
    growth = 2;
  }
  void stiffen() {
    by *= growth;
    growth *= 2;
  }
};

/// Moves `here` to where the cost is less, with as much damping as that needs. False, with the reason in `end`, if it
/// is as low as it gets.
bool descend(const Problem& problem, const Tensor& j, const Tensor& r, const Tensor& scales, Damping& damping,
             Point& here, FitEnd& end) {
  const double epsilon = here.x.dtype() == f64 ? 0x1p-52 : 0x1p-23;
  double first_promise = -1;
  for (;; damping.stiffen()) {
    const Tensor step = best_step(j, r, scales, damping.by);
    if (!step.defined() && damping.is_fixed)
      throw ValueError("least_squares: the Jacobian at " + to_string(here.x) +
                       " has not full rank, so that Gauss-Newton has no step; give it damping");
    if (!step.defined() && !std::isfinite(damping.by)) {
      end = FitEnd::stuck;
      return false;
    }
    if (!step.defined()) continue;
    // By how much the linear model's cost falls, without the digits that a difference of costs would lose.
    const double promise =
        sum(square(matmul(j, unsqueeze(step, 1)))).item() / 2 + damping.by * sum(square(scales * step)).item();
    if (first_promise < 0) first_promise = promise;
    Point there = problem.at(here.x + step);
    // Close to the least value steps are more exact than the cost can tell.
    const double rounding = 64 * epsilon * here.cost;
    const bool is_below_rounding = promise <= rounding;
    const bool is_lower = there.cost < here.cost || (is_below_rounding && there.cost <= here.cost + 4 * rounding);
    const bool is_last = promise <= std::pow(epsilon, 1.25) * here.cost || (is_below_rounding && !is_lower) ||
                         norm(step).item() <= damping.step_tolerance * (norm(here.x).item() + damping.step_tolerance);
    if (is_lower) {
      damping.relax(is_below_rounding ? 1 : (here.cost - there.cost) / promise);
      here = std::move(there);
    }
    if (is_last) end = first_promise <= std::sqrt(epsilon) * here.cost ? FitEnd::converged : FitEnd::stuck;
    if (!is_lower && damping.is_fixed && !is_last) end = FitEnd::stuck;
    if (is_last || is_lower || damping.is_fixed) return is_lower && !is_last;
  }
}

void require_options(const Tensor& start, const LeastSquaresOptions& o) {
  if (start.rank() != 1 || start.numel() == 0)
    throw ShapeError("least_squares: it starts at " + describe(start) + "; give one axis of one number or more");
  if (!is_floating(start.dtype()))
    throw DTypeError("least_squares: it starts at " + describe(start) + "; the dtype must be floating");
  if (!(o.damping >= 0) || !std::isfinite(o.damping) || o.max_iterations < 0 || !(o.step_tolerance >= 0) ||
      !(o.gradient_tolerance >= 0))
    throw ValueError("least_squares: damping, tolerances and the number of iterations are finite and 0 or more");
  if (static_cast<bool>(o.loss.rho) != static_cast<bool>(o.loss.slope))
    throw ValueError("least_squares: a robust loss needs both rho and its slope");
}

}  // namespace

RobustLoss huber(double scale) {
  const double limit = require_scale("huber", scale) * scale;
  return {[=](double s) { return s <= limit ? s : 2 * scale * std::sqrt(s) - limit; },
          [=](double s) { return s <= limit ? 1 : scale / std::sqrt(s); }};
}

RobustLoss soft_l1(double scale) {
  const double square = require_scale("soft_l1", scale) * scale;
  // √(1 + t) - 1 would lose the digits of a small t.
  return {[=](double s) { return 2 * s / (std::sqrt(1 + s / square) + 1); },
          [=](double s) { return 1 / std::sqrt(1 + s / square); }};
}

RobustLoss cauchy(double scale) {
  const double square = require_scale("cauchy", scale) * scale;
  return {[=](double s) { return square * std::log1p(s / square); }, [=](double s) { return 1 / (1 + s / square); }};
}

Fit least_squares(const TensorFunction& residuals, const Tensor& start, const LeastSquaresOptions& options) {
  require_options(start, options);
  const Problem problem(residuals, options);
  Point here = problem.at(start.detach());
  Damping damping{.by = options.damping, .is_fixed = options.damping == 0, .step_tolerance = options.step_tolerance};
  Fit fit;
  fit.end = FitEnd::iterations;
  Tensor j, r, scales;
  while (true) {
    std::tie(j, r) = problem.linearised(here);
    const NoGrad unrecorded;
    if (fit.iterations == 0 && !(is_finite(r) && is_finite(j)))
      throw ValueError("least_squares: residuals or their slopes are not finite at the start, " + to_string(here.x));
    // A column of zeros has no scale of its own; one that has become small keeps the scale that it had (Moré, "The
    // Levenberg-Marquardt algorithm", 1978), or steps would leap where the model does not tell anything any more.
    const Tensor lengths = norm(j, 2, {0}), own = where(lengths > 0, lengths, 1.0);
    scales = scales.defined() ? maximum(scales, lengths) : own;
    if (slope_left(j, r, own) <= options.gradient_tolerance) fit.end = FitEnd::converged;
    if (fit.end == FitEnd::converged || fit.iterations == options.max_iterations) break;
    ++fit.iterations;
    if (!descend(problem, j, r, scales, damping, here, fit.end)) break;
  }
  const NoGrad unrecorded;
  fit.x = here.x;
  fit.cost = here.cost;
  fit.covariance = covariance_of(j, here.cost);
  return fit;
}

}  // namespace tapegrad::solvers
