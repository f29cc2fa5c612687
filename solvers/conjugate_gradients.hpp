#pragma once
// Linear equations a x = b where a is symmetric and positive definite, and known by what it makes of a vector alone: a
// Hessian, for one.
//
//   auto h = [&](const Tensor& v) { return hvp(loss, w, v) + 1e-3 * v; };
//   Tensor step = solvers::conjugate_gradients(h, gradient).x;

#include <tapegrad/ops/tensor_function.hpp>

namespace tapegrad::solvers {

/// Of conjugate_gradients().
struct ConjugateGradientsOptions {
  double tolerance = 1e-10;         ///< of the residual's norm, relative to that of b; at least 0
  std::int64_t max_iterations = 0;  ///< 0: as many as b has elements
};

enum class CgEnd : std::uint8_t {
  converged,   ///< the residual is within the tolerance
  iterations,  ///< there were too many
  indefinite   ///< a direction d with d · a d ≤ 0 was met: x is what had been found before
};

/// A solution, and how the search for it ended.
struct CgResult {
  Tensor x;  ///< not recorded
  CgEnd end = CgEnd::converged;
  std::int64_t iterations = 0;
  double residual = 0;  ///< |b - a x| / |b|
};

/// The method of Hestenes and Stiefel (1952), from x = 0. b may have any shape, which is that of x; it is floating.
/// ShapeError or DTypeError if a(b) is not of b's shape or dtype, ValueError for options that cannot be.
CgResult conjugate_gradients(const TensorFunction& a, const Tensor& b, const ConjugateGradientsOptions& options = {});

}  // namespace tapegrad::solvers
