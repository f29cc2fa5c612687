// Differences of neighbours, and integrals by the trapezoidal rule.

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

Tensor all_but_first(const Tensor& x, int axis) { return slice(x, axis, 1); }
Tensor all_but_last(const Tensor& x, int axis) {
  return slice(x, axis, 0, std::max<std::int64_t>(x.size(axis) - 1, 0));
}

/// The mean of each pair of neighbours.
Tensor heights(const char* op, const Tensor& y, int axis) {
  axis = normalized_axis(op, axis, y.rank());
  const Tensor half = cast(y, promote(y.dtype(), f32)) * 0.5;  // two large ones do not add up
  return all_but_first(half, axis) + all_but_last(half, axis);
}

/// The distances of positions x, which broadcast to pairs of neighbours of y.
Tensor widths(const char* op, const Tensor& y, const Tensor& x, int axis) {
  axis = normalized_axis(op, axis, y.rank());
  Tensor positions = x;
  if (x.rank() == 1) {
    std::vector<std::int64_t> along(static_cast<std::size_t>(y.rank()), 1);
    along[static_cast<std::size_t>(axis)] = x.numel();
    positions = reshape(x, along);
  }
  if (!broadcasts_to(positions.shape(), y.shape()) || positions.rank() != y.rank() ||
      positions.size(axis) != y.size(axis))
    throw ShapeError(std::string(op) + ": y is " + to_string(y.shape()) + " and x " + to_string(x.shape()) +
                     "; expected a position for each of the " + std::to_string(y.size(axis)) + " along axis " +
                     std::to_string(axis) + ", or y's shape");
  return diff(cast(positions, promote(x.dtype(), f32)), 1, axis);
}

}  // namespace

Tensor diff(const Tensor& x, std::int64_t times, int axis) {
  axis = normalized_axis("diff", axis, x.rank());
  if (times < 0) throw ValueError("diff: " + std::to_string(times) + " times; it must be zero or more");
  Tensor y = x;
  for (std::int64_t i = 0; i < std::min(times, x.size(axis)); ++i) {
    const Tensor after = all_but_first(y, axis), before = all_but_last(y, axis);
    y = x.dtype() == boolean ? after != before : after - before;
  }
  return y;
}

Tensor trapezoid(const Tensor& y, int axis, double step) { return sum(heights("trapezoid", y, axis), {axis}) * step; }
Tensor trapezoid(const Tensor& y, const Tensor& x, int axis) {
  return sum(heights("trapezoid", y, axis) * widths("trapezoid", y, x, axis), {axis});
}
Tensor cumulative_trapezoid(const Tensor& y, int axis, double step) {
  return cumsum(heights("cumulative_trapezoid", y, axis), axis) * step;
}
Tensor cumulative_trapezoid(const Tensor& y, const Tensor& x, int axis) {
  return cumsum(heights("cumulative_trapezoid", y, axis) * widths("cumulative_trapezoid", y, x, axis), axis);
}

}  // namespace tapegrad
