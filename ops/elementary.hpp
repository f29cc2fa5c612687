#pragma once
// Exponential, trigonometric and hyperbolic functions, elementwise. Integers are promoted to f32. Outside a function's
// domain value and gradient are NaN.
//
// To whole numbers, to rests and into ranges, elementwise. Integers stay integers.
//
// Functions of statistics and information theory, elementwise. Integers are promoted to f32.

#include <optional>
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

// Gradient 0 everywhere.
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
/// To the nearest whole number, the even one of two.
Tensor round(const Tensor& x);
/// Towards 0.
Tensor trunc(const Tensor& x);

/// a - b trunc(a / b): has the sign of a, as C's % and fmod. Of integers by 0: 0; of floats NaN.
Tensor fmod(const Tensor& a, const Operand& b);
Tensor fmod(Number a, const Tensor& b);
/// a - b floor(a / b): has the sign of b, as Python's %. Of integers by 0: 0; of floats NaN.
Tensor remainder(const Tensor& a, const Operand& b);
Tensor remainder(Number a, const Tensor& b);

/// x, but not below `min` nor above `max`; one of them may be absent. Gradient 0 at and beyond a bound. ValueError when
/// both are absent, one is NaN, or min is above max.
Tensor clamp(const Tensor& x, std::optional<double> min, std::optional<double> max = std::nullopt);
/// The same with bounds that broadcast; at a bound the gradient is shared, as maximum() and minimum() do. Where min is
/// above max the result is max, as in NumPy.
Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max);

/// The larger, and the smaller; of a NaN and a number, the number. Equal arguments share the gradient, as maximum() has
/// it; PyTorch gives it to a.
Tensor fmax(const Tensor& a, const Operand& b);
Tensor fmax(Number a, const Tensor& b);
Tensor fmin(const Tensor& a, const Operand& b);
Tensor fmin(Number a, const Tensor& b);
/// |a| with the sign of b, be that a zero or a NaN. No gradient for b, and 0 where a is 0.
Tensor copysign(const Tensor& a, const Operand& b);
Tensor copysign(Number a, const Tensor& b);

/// NaN and the infinities replaced, these by the dtype's largest finite numbers if nothing else is said; gradient 0
/// there.
Tensor nan_to_num(const Tensor& x, double nan = 0, std::optional<double> posinf = std::nullopt,
                  std::optional<double> neginf = std::nullopt);

Tensor erf(const Tensor& x);
/// 1 - erf(x), precise in the tail.
Tensor erfc(const Tensor& x);
/// The inverse of erf; ±inf at ±1, NaN beyond.
Tensor erfinv(const Tensor& x);
/// The probability that a standard normal variable is below x; and its density.
Tensor normal_cdf(const Tensor& x);
Tensor normal_density(const Tensor& x);
/// ln normal_cdf(x), which does not underflow: PyTorch's log_ndtr.
Tensor log_normal_cdf(const Tensor& x);
/// The inverse of normal_cdf, precise in both tails: PyTorch's ndtri. ±inf at 0 and 1, NaN outside.
Tensor normal_quantile(const Tensor& p);
/// exp(x²) erfc(x), which does not underflow; with `integrals` n from 1 to 30, the n-fold integral of erfc from x to
/// infinity takes the place of erfc (ValueError for others).
Tensor erfcx(const Tensor& x, int integrals = 0);

/// log |Γ(x)|; +inf at 0 and the negative whole numbers.
Tensor lgamma(const Tensor& x);
/// The derivative of lgamma.
Tensor digamma(const Tensor& x);
/// The derivative of digamma of that order, from 0 to 30 (ValueError).
Tensor polygamma(int order, const Tensor& x);

/// sin(πx) / (πx): 1 at 0, exactly 0 at other whole numbers and at infinity; or its derivative of an order from 0 to 30
/// (ValueError).
Tensor sinc(const Tensor& x, int derivative = 0);
/// The modified Bessel function of the first kind of an order from 0 to 30 (ValueError).
Tensor bessel_i(int order, const Tensor& x);
/// The derivative of an order from 0 to 30 of exp(-|x|) I_index(x), index 0 or 1 (ValueError): the mean of both sides
/// at 0.
Tensor bessel_ie(int index, int derivative, const Tensor& x);
inline Tensor i0(const Tensor& x) { return bessel_i(0, x); }
inline Tensor i1(const Tensor& x) { return bessel_i(1, x); }
inline Tensor i0e(const Tensor& x) { return bessel_ie(0, 0, x); }
inline Tensor i1e(const Tensor& x) { return bessel_ie(1, 0, x); }

/// log(exp(a) + exp(b)) without overflow; -inf with gradient 0 where both are -inf.
Tensor logaddexp(const Operand& a, const Operand& b);
/// a log b; 0 where a is 0, even where b is too.
Tensor xlogy(const Operand& a, const Operand& b);
/// a log(1 + b); 0 where a is 0, even where b is -1.
Tensor xlog1py(const Operand& a, const Operand& b);
/// -x log x, 0 at 0: what a probability contributes to entropy. -inf, with gradient NaN, below.
Tensor entr(const Tensor& x);

}  // namespace tapegrad
