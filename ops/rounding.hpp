#pragma once
// To whole numbers, to rests and into ranges, elementwise. Integers stay integers.

#include <optional>
#include <tapegrad/op/operand.hpp>

namespace tapegrad {

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

/// NaN and the infinities replaced, these by the dtype's largest finite numbers if nothing else is said; gradient 0
/// there.
Tensor nan_to_num(const Tensor& x, double nan = 0, std::optional<double> posinf = std::nullopt,
                  std::optional<double> neginf = std::nullopt);

}  // namespace tapegrad
