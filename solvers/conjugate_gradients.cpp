#include <tapegrad/solvers/conjugate_gradients.hpp>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::solvers {
namespace {

double inner(const Tensor& a, const Tensor& b) { return sum(a * b).item(); }

Tensor applied(const TensorFunction& a, const Tensor& to) {
  Tensor result = a({&to, 1}).detach();
  const auto text = [&] { return "conjugate_gradients: the map gave " + describe(result) + " for " + describe(to); };
  if (result.shape() != to.shape()) throw ShapeError(text() + "; the shapes must be equal");
  if (result.dtype() != to.dtype()) throw DTypeError(text() + "; the dtypes must be equal");
  return result;
}

}  // namespace

CgResult conjugate_gradients(const TensorFunction& a, const Tensor& b, const ConjugateGradientsOptions& options) {
  if (!is_floating(b.dtype())) throw DTypeError("conjugate_gradients: b is " + describe(b) + "; it must be floating");
  if (!(options.tolerance >= 0) || options.max_iterations < 0)
    throw ValueError("conjugate_gradients: a tolerance of " + std::to_string(options.tolerance) + " and " +
                     std::to_string(options.max_iterations) + " iterations; both are 0 or more");
  const NoGrad unrecorded;
  CgResult result{.x = zeros_like(b)};
  Tensor residual = b.detach(), direction = residual;
  const double whole = std::sqrt(inner(b, b));
  double square = whole * whole;
  const std::int64_t most = options.max_iterations ? options.max_iterations : b.numel();
  const auto is_done = [&] { return std::sqrt(square) <= options.tolerance * whole; };
  for (result.end = CgEnd::iterations; !is_done() && result.iterations < most; ++result.iterations) {
    const Tensor image = applied(a, direction);
    const double curvature = inner(direction, image);
    if (!(curvature > 0)) {
      result.end = CgEnd::indefinite;
      break;
    }
    const double length = square / curvature;
    result.x = result.x + length * direction;
    residual = residual - length * image;
    const double next = inner(residual, residual);
    direction = residual + (next / square) * direction;
    square = next;
  }
  if (is_done()) result.end = CgEnd::converged;
  result.residual = whole > 0 ? std::sqrt(square) / whole : 0;
  return result;
}

}  // namespace tapegrad::solvers
