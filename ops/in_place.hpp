#pragma once
// Arithmetic that changes its first argument.
//
// Where nothing is recorded (no argument requires a gradient, or NoGrad is on), the elements are overwritten: every
// handle and view of the same memory sees it, and a graph that had saved the old ones refuses to run backward. Where
// the op is recorded, memory is left alone and `x` becomes the op's result: gradients stay right, also those of what
// was computed from the old value, which other handles keep.
//
// GraphError for a parameter that is changed while recording: the result would no longer be the leaf that collects the
// gradient. ShapeError when the other operand broadcasts to more than x's shape. x keeps its dtype; DTypeError when it
// is an integer's and the result is not.

#include <tapegrad/op/operand.hpp>

namespace tapegrad {

Tensor& add_(Tensor& x, const Operand& y);
Tensor& sub_(Tensor& x, const Operand& y);
Tensor& mul_(Tensor& x, const Operand& y);
Tensor& div_(Tensor& x, const Operand& y);

inline Tensor& operator+=(Tensor& x, const Operand& y) { return add_(x, y); }
inline Tensor& operator-=(Tensor& x, const Operand& y) { return sub_(x, y); }
inline Tensor& operator*=(Tensor& x, const Operand& y) { return mul_(x, y); }
inline Tensor& operator/=(Tensor& x, const Operand& y) { return div_(x, y); }

}  // namespace tapegrad
