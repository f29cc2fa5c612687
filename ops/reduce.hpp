#pragma once
// Reductions over any set of axes; no axes means all. keepdims leaves reduced axes with extent 1. A scalar may be
// reduced over axis 0 or -1, as in NumPy. Running results along one axis.

#include <cstdint>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

using Axes = std::vector<std::int64_t>;

/// Pairwise within blocks: the error grows with the logarithm of the count. The sum of nothing is 0.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// The mean of nothing is NaN.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// The product of nothing is 1. Its gradient is exact where factors are 0.
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// ln Σ eˣ without overflow; -inf, with gradient 0, of nothing or of -inf alone.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

/// sum and mean of the elements that are not NaN, which get no gradient. Of none: 0 and NaN.
Tensor nansum(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor nanmean(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

/// How many elements are not 0 (NaN is not), as i64.
Tensor count_nonzero(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// Whether some, or all, elements are not 0. Of nothing: false, true.
Tensor any(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor all(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

/// The largest and the smallest; equal ones share the gradient evenly; NaN when one is. ValueError of nothing.
Tensor amax(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor amin(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// Position of the first largest or smallest element (NaN counts as either) along an axis, or among all elements in
/// row-major order, as i64.
Tensor argmax(const Tensor& x, int axis, bool keepdims = false);
Tensor argmin(const Tensor& x, int axis, bool keepdims = false);
Tensor argmax(const Tensor& x);
Tensor argmin(const Tensor& x);

/// Elements, and where along an axis they stood.
struct ValuesAndIndices {
  Tensor values;
  Tensor indices;  ///< i64, along the axis
};
/// amax and argmax together, and the same of the smallest.
ValuesAndIndices max(const Tensor& x, int axis, bool keepdims = false);
ValuesAndIndices min(const Tensor& x, int axis, bool keepdims = false);
inline Tensor max(const Tensor& x) { return amax(x); }
inline Tensor min(const Tensor& x) { return amin(x); }

/// Σ (x - mean)² / (n - correction), in two passes; NaN, with gradient NaN, where n <= correction, so of nothing too.
Tensor var(const Tensor& x, const Axes& axes = {}, bool keepdims = false, double correction = 1);
/// √var, also where the squares would leave the range: the operation "std" (in C++ that name is a namespace's). Its
/// gradient is 0 where all elements are equal.
Tensor stddev(const Tensor& x, const Axes& axes = {}, bool keepdims = false, double correction = 1);
/// (Σ |x|ᵖ)^(1/p) for p > 0, infinity included; neither it nor its gradient leaves the range on the way. That is 0 at
/// 0; for p = inf, equal largest elements share it evenly.
Tensor norm(const Tensor& x, double p = 2, const Axes& axes = {}, bool keepdims = false);

/// The norm of a - b along the last axis, which goes away; a and b broadcast. PyTorch adds 1e-6 to each difference, so
/// that gradients of equal vectors exist; here nothing is added, and they are 0.
Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p = 2, bool keepdims = false);
/// The norms of all differences of a row of a [..., n, d] and one of b [..., m, d]: [..., n, m]. The batches broadcast.
Tensor cdist(const Tensor& a, const Tensor& b, double p = 2);

/// y[i] = x[0] + … + x[i]; with `reverse`, from the end. Small integers are summed as i64.
Tensor cumsum(const Tensor& x, int axis, bool reverse = false);
/// y[i] = x[0] · … · x[i], without x[i] itself when `exclusive`. Its gradient is exact where factors are 0.
Tensor cumprod(const Tensor& x, int axis, bool exclusive = false);
/// The largest or smallest of x[0] … x[i], and where it is: of equal ones the last, as in PyTorch, which alone gets the
/// gradient. From the first NaN on it is NaN.
ValuesAndIndices cummax(const Tensor& x, int axis);
ValuesAndIndices cummin(const Tensor& x, int axis);
/// y[i] = ln(exp(x[0]) + … + exp(x[i])), with a running maximum.
Tensor logcumsumexp(const Tensor& x, int axis);
/// h[i] = a[i] h[i-1] + b[i], with h[-1] = 0: a linear recurrence. a and b have one shape; `reverse` runs from the end.
Tensor linear_scan(const Tensor& a, const Tensor& b, int axis, bool reverse = false);
/// y[i] = x[i - by], and 0 where that is outside.
Tensor shift(const Tensor& x, int axis, std::int64_t by);

/// y[i] = x[i + 1] - x[i], `times` in a row; of bools, whether they differ. concat() adds NumPy's prepend and append.
Tensor diff(const Tensor& x, std::int64_t times = 1, int axis = -1);
/// The integral of y along an axis by the trapezoidal rule, at positions `step` apart or at x: of y's extent there, or
/// of a shape that broadcasts to y's.
Tensor trapezoid(const Tensor& y, int axis = -1, double step = 1);
Tensor trapezoid(const Tensor& y, const Tensor& x, int axis = -1);
/// The integral up to each position but the first.
Tensor cumulative_trapezoid(const Tensor& y, int axis = -1, double step = 1);
Tensor cumulative_trapezoid(const Tensor& y, const Tensor& x, int axis = -1);

}  // namespace tapegrad
