#pragma once
// Exponential, trigonometric and hyperbolic functions, elementwise. Integers are promoted to f32. Outside a function's
// domain value and gradient are NaN.

#include <tapegrad/op/operand.hpp>

namespace tapegrad {

Tensor exp(const Tensor& x);
Tensor exp2(const Tensor& x);
/// exp(x) - 1, exact near 0.
Tensor expm1(const Tensor& x);
/// Natural logarithm; gradient +inf at 0.
Tensor log(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
/// log(1 + x), exact near 0; gradient +inf at -1.
Tensor log1p(const Tensor& x);

Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
/// Gradient +inf at ±1.
Tensor asin(const Tensor& x);
/// Gradient -inf at ±1.
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
/// The angle of the point (x, y), from -π to π; gradient 0 at the origin and at infinity.
Tensor atan2(const Tensor& y, const Operand& x);
Tensor atan2(Number y, const Tensor& x);

Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor asinh(const Tensor& x);
/// For x ≥ 1; gradient +inf at 1.
Tensor acosh(const Tensor& x);
/// For |x| ≤ 1; gradient +inf at ±1.
Tensor atanh(const Tensor& x);

}  // namespace tapegrad
