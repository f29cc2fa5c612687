#pragma once
// Functions of statistics and information theory, elementwise. Integers are promoted to f32.

#include <tapegrad/op/operand.hpp>

namespace tapegrad {

Tensor erf(const Tensor& x);
/// 1 - erf(x), precise in the tail.
Tensor erfc(const Tensor& x);
/// The inverse of erf; ±inf at ±1, NaN beyond.
Tensor erfinv(const Tensor& x);
/// The probability that a standard normal variable is below x; and its density.
Tensor normal_cdf(const Tensor& x);
Tensor normal_density(const Tensor& x);

/// log |Γ(x)|; +inf at 0 and the negative whole numbers.
Tensor lgamma(const Tensor& x);
/// The derivative of lgamma.
Tensor digamma(const Tensor& x);
/// The derivative of digamma of that order, from 0 to 30 (ValueError).
Tensor polygamma(int order, const Tensor& x);

/// log(exp(a) + exp(b)) without overflow; -inf with gradient 0 where both are -inf.
Tensor logaddexp(const Operand& a, const Operand& b);
/// a log b; 0 where a is 0, even where b is too.
Tensor xlogy(const Operand& a, const Operand& b);

}  // namespace tapegrad
