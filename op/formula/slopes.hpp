#pragma once
// Slopes that keep their digits where the terms of the plain formula round to a constant, overflow or are subnormal.
// The plain formulas stand for Tensors: a recorded gradient is made of ops, each of which rounds its result.

#include <tapegrad/op/formula/error_function.hpp>
#include <tapegrad/op/formula/exponential.hpp>
#include <tapegrad/op/formula/hyperbolic.hpp>

namespace tapegrad::formula {

template <class... X>
concept Recorded = !(Number<std::remove_cvref_t<X>> && ...);

// ---- smooth steps ---------------------------------------------------------------------------------------------------

/// The derivative of 1 / (1 + e^-x), which 1 - y² of the rounded y is not where y is close to 1.
template <Real T>
[[gnu::always_inline]] inline T logistic_slope(T x) {
  const T e = exp(-std::abs(x));
  return e / ((1 + e) * (1 + e));
}
template <Recorded X>
auto logistic_slope(const X& x) {
  return logistic(x) * logistic(-x);
}

template <Real T>
[[gnu::always_inline]] inline T tanh_slope(T x) {
  const T far = -2 * std::abs(x), e = exp(far);
  return exp_times(far, 4 / ((1 + e) * (1 + e)));
}
template <Recorded X>
auto tanh_slope(const X& x) {
  // Of the two the first has a derivative with all digits close to 0, the second none that is infinite far out.
  const auto near = abs(x) < 1;
  return where(near, square(reciprocal(cosh(where(near, x, 0)))), 4 * logistic_slope(2 * x));
}

// ---- quotients by squares -------------------------------------------------------------------------------------------

namespace detail {

/// From this to its reciprocal, the squares of numbers are well within range.
template <Real T>
inline constexpr T kLeastSquared = static_cast<T>(std::same_as<T, float> ? 0x1p-60 : 0x1p-500);
template <Real T>
[[gnu::always_inline]] inline bool has_square(T x) {
  const T size = std::abs(x);
  return size > kLeastSquared<T> && size < 1 / kLeastSquared<T>;
}

}  // namespace detail

/// 1 / (x² + 1), the derivative of arctan.
template <Real T>
[[gnu::always_inline]] inline T atan_slope(T x) {
  const bool far = std::abs(x) >= 1 / detail::kLeastSquared<T>;  // the square overflows, and 1 is nothing to it
  const T part = 1 / (far ? x : x * x + 1);
  return far ? part * part : part;
}
template <Recorded X>
auto atan_slope(const X& x) {
  // By 1 / x where x is large: the slope's own derivatives have powers of x² + 1.
  const auto near = abs(x) < 1;
  const auto close = where(near, x, 0), inverse = reciprocal(where(near, 1, x));
  return where(near, reciprocal(close * close + 1), inverse * inverse / (inverse * inverse + 1));
}

/// 1 - x².
template <Real T>
[[gnu::always_inline]] inline T one_minus_square(T x) {
  return (1 - x) * (1 + x);
}
template <Recorded X>
auto one_minus_square(const X& x) {
  // The derivative of the product is a difference of nearly equal numbers where x is close to 0.
  return where(abs(x) < 0.5, 1 - x * x, (1 - x) * (1 + x));
}

/// a / b².
template <Real T>
[[gnu::always_inline]] inline T over_square(T a, T b) {
  constexpr T kUp = static_cast<T>(std::same_as<T, float> ? 0x1p30 : 0x1p60), kDown = T{0.0625};
  const T scale = std::abs(b) > 1 ? kDown : kUp, square = scale * scale;
  const T part = 1 / (b * scale);  // normal, and finite where b is not 0
  return detail::has_square(b) ? a * (part * part * square) : a * part * part * square;
}
template <class A, class B>
requires Recorded<A, B>
auto over_square(const A& a, const B& b) { return a / b / b; }

/// a / (a² + b²); 0 at the origin and at infinity.
template <Real T>
[[gnu::always_inline]] inline T over_square_sum(T a, T b) {
  constexpr T kUp = static_cast<T>(std::same_as<T, float> ? 0x1p100 : 0x1p600), kDown = 1 / kUp;
  const T size = std::abs(a) > std::abs(b) ? std::abs(a) : std::abs(b);
  const T scale = detail::has_square(size) ? 1 : size > 1 ? kDown : kUp;
  const T x = a * scale, y = b * scale;
  const T slope = x / (x * x + y * y) * scale;
  return ((size == 0) | (std::abs(a) == kInfinity<T>) | (std::abs(b) == kInfinity<T>)) ? 0 : slope;
}
template <class A, class B>
requires Recorded<A, B>
auto over_square_sum(const A& a, const B& b) {
  const auto length = hypot(a, b);
  return where(length == 0 || length == kInfinity<double>, 0, a / length / length);
}

// ---- powers ---------------------------------------------------------------------------------------------------------

namespace detail {

/// factor |a|^b with the sign of `power`, which is a^b rounded: two halves of it, where it is not a normal number.
template <Real T>
T power_times(T a, T b, T power, T factor) {
  if (std::isnormal(power) || power != power) return power * factor;
  const T half = pow(std::abs(a), b / 2);
  return std::copysign(half, power) * factor * half;
}

}  // namespace detail

/// Whether b a^(b - 1) is better had as b a^b / a: where b - 1 rounds b, or its being odd, away.
template <class T>
[[gnu::always_inline]] inline bool rounds_less_one(T b) {
  constexpr T kWhole = static_cast<T>(1 / std::numeric_limits<T>::epsilon());
  const T size = std::abs(b);
  return (b > -1 && b < T{0.5}) || (size >= kWhole && size < kInfinity<T>);
}

/// b a^(b - 1).
template <Real T>
[[gnu::always_inline]] inline T power_slope(T a, T b) {
  if constexpr (std::same_as<T, float>) {
    const double power = b, size = power * detail::power_of_floats(std::abs(a), power - 1);
    const double half = power * 0.5;
    const bool whole = std::trunc(power) == power, odd = whole & (half != std::trunc(half));
    const double below = whole ? ((odd | (std::abs(b) == kInfinity<T>)) ? size : -size) : kNaN<double>;
    return static_cast<float>(a < 0 ? below : size);
  } else {
    if (rounds_less_one(b) && a != 0 && std::abs(a) < kInfinity<T>) return b * pow(a, b) / a;
    return detail::power_times(a, b - 1, pow(a, b - 1), b);
  }
}
template <class A, class B>
requires Recorded<A, B>
auto power_slope(const A& a, const B& b) {
  const auto plain = [&] { return b * pow(a, b - 1); };
  const auto divided = [&](const auto& rounds) {
    return where(rounds && a != 0 && a - a == 0, b * pow(a, b) / a, plain());
  };
  if constexpr (Number<B>)
    return rounds_less_one(b) ? divided(true) : plain();
  else
    return divided((b > -1 && b < 0.5) || (abs(b) >= 0x1p24 && b - b == 0));
}

/// a^b ln a.
template <Real T>
[[gnu::always_inline]] inline T power_log(T a, T b) {
  if constexpr (std::same_as<T, float>)
    return static_cast<float>(detail::power_of_floats(a, b) * log(double{a}));
  else
    return detail::power_times(a, b, pow(a, b), log(a));
}
template <class A, class B>
requires Recorded<A, B>
auto power_log(const A& a, const B& b) { return pow(a, b) * log(a); }

// ---- products with what vanishes ------------------------------------------------------------------------------------

template <class X, class F>
requires Recorded<X, F>
auto exp_times(const X& x, const F& factor) { return exp(x) * factor; }
template <class X, class F>
requires Recorded<X, F>
auto logistic_times(const X& x, const F& factor) { return logistic(x) * factor; }
template <class X, class F>
requires Recorded<X, F>
auto normal_cdf_times(const X& x, const F& factor) { return normal_cdf(x) * factor; }

}  // namespace tapegrad::formula
