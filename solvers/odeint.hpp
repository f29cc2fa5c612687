#pragma once
// Ordinary differential equations dy/dt = f(t, y), differentiable with respect to the start and to parameters of f.
//
//   auto spiral = [](double, const Tensor& y, std::span<const Tensor> p) { return matmul(pow(y, 3), p[0]); };
//   Tensor path = solvers::odeint(spiral, start, {0, 0.5, 1}, {a});

#include <functional>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::solvers {

/// The slope of y at time t, of y's shape and dtype.
using OdeFunction = std::function<Tensor(double t, const Tensor& y, std::span<const Tensor> parameters)>;

enum class OdeGradient : std::uint8_t {
  adjoint,  ///< a second equation, solved backwards: memory does not grow with the steps. First derivatives only
  recorded  ///< through the steps that were made: of any order
};

/// Of odeint().
struct OdeOptions {
  double relative_tolerance = 1e-7, absolute_tolerance = 1e-9;  ///< of each step's error, in each element
  OdeGradient gradient = OdeGradient::adjoint;
  std::int64_t max_steps = 100000;
};

/// y at each of `times`, which ascend or descend, the first being that of `start`: [times, ...]. Steps are chosen by
/// the pair of formulas of Dormand and Prince (1980), of order 5 and 4. f must reach what requires a gradient through
/// `parameters` (ValueError). ValueError for times that turn back, tolerances below 0, or when more than max_steps are
/// needed; ShapeError or DTypeError if f gives another shape or dtype.
Tensor odeint(const OdeFunction& f, const Tensor& start, const std::vector<double>& times,
              const std::vector<Tensor>& parameters = {}, const OdeOptions& options = {});

}  // namespace tapegrad::solvers
