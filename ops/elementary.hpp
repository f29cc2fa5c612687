#pragma once
// Elementary functions, elementwise. Integers are promoted to f32.

#include <tapegrad/ops/operand.hpp>

namespace tapegrad {

Tensor exp(const Tensor& x);
/// exp(x) - 1, exact near 0.
Tensor expm1(const Tensor& x);
/// Natural logarithm; NaN below 0, gradient +inf at 0.
Tensor log(const Tensor& x);
/// log(1 + x), exact near 0.
Tensor log1p(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tanh(const Tensor& x);

}  // namespace tapegrad
