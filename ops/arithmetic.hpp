#pragma once
// Arithmetic, elementwise with broadcasting. Arguments are tensors or numbers; a number takes the tensor's dtype.
//
// Comparisons, logic and choice, elementwise with broadcasting. Results of comparisons are bool and have no gradient.
//
// Arithmetic that changes its first argument: where nothing is recorded (no argument requires a gradient, or NoGrad is
// on), the elements are overwritten: every handle and view of the same memory sees it, and a graph that had saved the
// old ones refuses to run backward. Where the op is recorded, memory is left alone and `x` becomes the op's result:
// gradients stay right, also those of what was computed from the old value, which other handles keep.
//
// GraphError for a parameter that is changed while recording: the result would no longer be the leaf that collects the
// gradient. ShapeError when the other operand broadcasts to more than x's shape. x keeps its dtype; DTypeError when it
// is an integer's and the result is not.

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

Tensor equal(const Operand& a, const Operand& b);
Tensor not_equal(const Operand& a, const Operand& b);
Tensor less(const Operand& a, const Operand& b);
Tensor less_equal(const Operand& a, const Operand& b);
Tensor greater(const Operand& a, const Operand& b);
Tensor greater_equal(const Operand& a, const Operand& b);
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);

/// |a - b| <= absolute + relative |b|, or equal; NaN only to NaN, where `equal_nan`. Compared in f64, with
/// broadcasting.
struct Closeness {
  double relative = 1e-5, absolute = 1e-8;
  bool equal_nan = false;
};
Tensor isclose(const Tensor& a, const Tensor& b, const Closeness& closeness = {});
/// Whether all are.
bool allclose(const Tensor& a, const Tensor& b, const Closeness& closeness = {});

/// Of bool tensors.
Tensor logical_and(const Operand& a, const Operand& b);
Tensor logical_or(const Operand& a, const Operand& b);
Tensor logical_xor(const Operand& a, const Operand& b);
Tensor logical_not(const Tensor& a);

/// a where the condition holds, else b. The branch not taken has gradient 0, even where its own slope is NaN or
/// infinite.
Tensor where(const Tensor& condition, const Operand& a, const Operand& b);
Tensor where(bool condition, const Operand& a, const Operand& b);

inline Tensor operator==(const Operand& a, const Operand& b) { return equal(a, b); }
inline Tensor operator!=(const Operand& a, const Operand& b) { return not_equal(a, b); }
inline Tensor operator<(const Operand& a, const Operand& b) { return less(a, b); }
inline Tensor operator<=(const Operand& a, const Operand& b) { return less_equal(a, b); }
inline Tensor operator>(const Operand& a, const Operand& b) { return greater(a, b); }
inline Tensor operator>=(const Operand& a, const Operand& b) { return greater_equal(a, b); }
inline Tensor operator&&(const Operand& a, const Operand& b) { return logical_and(a, b); }
inline Tensor operator||(const Operand& a, const Operand& b) { return logical_or(a, b); }
inline Tensor operator!(const Tensor& a) { return logical_not(a); }

Tensor& add_(Tensor& x, const Operand& y);
Tensor& sub_(Tensor& x, const Operand& y);
Tensor& mul_(Tensor& x, const Operand& y);
Tensor& div_(Tensor& x, const Operand& y);

inline Tensor& operator+=(Tensor& x, const Operand& y) { return add_(x, y); }
inline Tensor& operator-=(Tensor& x, const Operand& y) { return sub_(x, y); }
inline Tensor& operator*=(Tensor& x, const Operand& y) { return mul_(x, y); }
inline Tensor& operator/=(Tensor& x, const Operand& y) { return div_(x, y); }

}  // namespace tapegrad
