#pragma once
// Arithmetic, elementwise with broadcasting. Arguments are tensors or numbers; a number takes the tensor's dtype.

#include <tapegrad/op/operand.hpp>

namespace tapegrad {

Tensor add(const Operand& a, const Operand& b);
Tensor sub(const Operand& a, const Operand& b);
Tensor mul(const Operand& a, const Operand& b);
/// a / b; integers are divided as floats.
Tensor div(const Operand& a, const Operand& b);
Tensor neg(const Tensor& x);
Tensor abs(const Tensor& x);
/// -1, 0 or 1; gradient 0.
Tensor sign(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
/// 1 / sqrt(x).
Tensor rsqrt(const Tensor& x);
/// The cube root, of negative numbers too; gradient +inf at 0.
Tensor cbrt(const Tensor& x);
/// a to the power b; 1 where b is 0. The gradient for a is 0 where b is 0. The gradient for b is 0 where a is 0 and b
/// is not negative.
Tensor pow(const Tensor& a, const Operand& b);
Tensor pow(Number a, const Tensor& b);
/// The larger; NaN when either is. Equal arguments share the gradient.
Tensor maximum(const Operand& a, const Operand& b);
Tensor minimum(const Operand& a, const Operand& b);
/// √(a² + b²) without overflow; gradient 0 where both are 0.
Tensor hypot(const Tensor& a, const Operand& b);
Tensor hypot(Number a, const Tensor& b);
/// a + t (b - a), exactly a at t = 0 and b at t = 1.
Tensor lerp(const Tensor& a, const Operand& b, const Operand& t);
Tensor lerp(Number a, const Tensor& b, const Operand& t);
Tensor lerp(Number a, Number b, const Tensor& t);

inline Tensor operator+(const Operand& a, const Operand& b) { return add(a, b); }
inline Tensor operator-(const Operand& a, const Operand& b) { return sub(a, b); }
inline Tensor operator*(const Operand& a, const Operand& b) { return mul(a, b); }
inline Tensor operator/(const Operand& a, const Operand& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }

}  // namespace tapegrad
