#pragma once
// Running results along an axis.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// y[i] = x[0] + … + x[i]; with `reverse`, from the end. Small integers are summed as i64.
Tensor cumsum(const Tensor& x, int axis, bool reverse = false);
/// y[i] = x[0] · … · x[i], without x[i] itself when `exclusive`. Its gradient is exact where factors are 0.
Tensor cumprod(const Tensor& x, int axis, bool exclusive = false);
/// y[i] = ln(exp(x[0]) + … + exp(x[i])), with a running maximum.
Tensor logcumsumexp(const Tensor& x, int axis);
/// h[i] = a[i] h[i-1] + b[i], with h[-1] = 0: a linear recurrence. a and b have one shape; `reverse` runs from the end.
Tensor linear_scan(const Tensor& a, const Tensor& b, int axis, bool reverse = false);
/// y[i] = x[i - by], and 0 where that is outside.
Tensor shift(const Tensor& x, int axis, std::int64_t by);

}  // namespace tapegrad
