#pragma once
// The vocabulary of pointwise formulas. Each function reads on float and double (where it is branch-free, so that loops
// over it are vectorised), on long double (the reference), and on types that record themselves, which bring their own
// by argument-dependent look-up: Tensors, and the scalars of scalar/.

#include <tapegrad/op/formula/error_function.hpp>
#include <tapegrad/op/formula/exponential.hpp>
#include <tapegrad/op/formula/gamma.hpp>
#include <tapegrad/op/formula/hyperbolic.hpp>
#include <tapegrad/op/formula/number.hpp>
#include <tapegrad/op/formula/slopes.hpp>
#include <tapegrad/op/formula/trigonometric.hpp>

namespace tapegrad::formula {

using std::sqrt;

/// The element type of a reading: float, double or long double, an integer type; double for Tensors.
template <class X>
struct ScalarOf {
  using type = double;
};
template <Number X>
struct ScalarOf<X> {
  using type = X;
};
/// A constant in the precision of x's reading: `constant<X>(0.1L)` where X = decltype(x).
template <class X>
constexpr auto constant(long double value) {
  return static_cast<typename ScalarOf<std::remove_cvref_t<X>>::type>(value);
}

template <Number T>
T abs(T x) {
  if constexpr (std::unsigned_integral<T>)
    return x;
  else
    return static_cast<T>(std::abs(x));
}
template <Number T>
T square(T x) {
  return static_cast<T>(x * x);
}
template <Number T>
T rsqrt(T x) {
  return 1 / std::sqrt(x);
}
template <Number T>
T reciprocal(T x) {
  return 1 / x;
}
template <Number T>
T sign(T x) {
  return x > 0 ? T{1} : x < 0 ? static_cast<T>(-1) : x;  // zero keeps its sign, NaN stays NaN
}
template <Number T>
bool isinf(T x) {
  if constexpr (Real<T>)
    return std::abs(x) == kInfinity<T>;
  else
    return false;
}
template <Number T>
T zeros_like(T) {
  return 0;
}

// ---- whole numbers --------------------------------------------------------------------------------------------------

template <Number T>
T floor(T x) {
  if constexpr (Real<T>)
    return std::floor(x);
  else
    return x;
}
template <Number T>
T ceil(T x) {
  if constexpr (Real<T>)
    return std::ceil(x);
  else
    return x;
}
/// To the nearest, the even one of two.
template <Number T>
T round(T x) {
  if constexpr (Real<T>)
    return std::rint(x);
  else
    return x;
}
template <Number T>
T trunc(T x) {
  if constexpr (Real<T>)
    return std::trunc(x);
  else
    return x;
}

/// The rest of a division that is rounded towards 0: it has the sign of a. Of whole numbers by 0: 0.
template <Number T>
T fmod(T a, T b) {
  if constexpr (Real<T>)
    return std::fmod(a, b);
  else
    return b == 0 || b == static_cast<T>(-1) ? T{0} : static_cast<T>(a % b);
}
/// The rest of a division that is rounded down: it has the sign of b. Of whole numbers by 0: 0.
template <Number T>
T remainder(T a, T b) {
  const T rest = fmod(a, b);
  if constexpr (Real<T>)
    return rest == 0 ? std::copysign(rest, b) : (rest < 0) != (b < 0) ? rest + b : rest;
  else
    return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
}
template <Number A, Number B>
requires(!std::same_as<A, B>) auto fmod(A a, B b) {
  using T = std::common_type_t<A, B>;
  return fmod(static_cast<T>(a), static_cast<T>(b));
}

// ---- choice ---------------------------------------------------------------------------------------------------------

template <Number A, Number B>
auto where(bool condition, A a, B b) {
  using T = std::common_type_t<A, B>;
  return condition ? static_cast<T>(a) : static_cast<T>(b);
}

/// 1 where the condition holds, else NaN: a factor for slopes outside the domain of a function that gives NaN there.
template <class X>
auto valid(const auto& condition, const X&) {
  return where(condition, constant<X>(1), constant<X>(kNaN<double>));
}

// Of a NaN and a number, the NaN.
template <Number A, Number B>
auto maximum(A a, B b) {
  const auto x = static_cast<std::common_type_t<A, B>>(a), y = static_cast<std::common_type_t<A, B>>(b);
  return ((x > y) | (x != x)) ? x : y;
}
template <Number A, Number B>
auto minimum(A a, B b) {
  const auto x = static_cast<std::common_type_t<A, B>>(a), y = static_cast<std::common_type_t<A, B>>(b);
  return ((x < y) | (x != x)) ? x : y;
}

/// The value nearest to `bound` that T has, rounded up or down to a whole number where T is one.
template <Number T>
T as_bound(double bound, bool up) {
  if constexpr (Real<T>) {
    return static_cast<T>(bound);
  } else {
    constexpr double kLow = static_cast<double>(std::numeric_limits<T>::min());
    constexpr double kHigh = static_cast<double>(std::numeric_limits<T>::max());
    const double whole = up ? std::ceil(bound) : std::floor(bound);
    if (!(whole > kLow)) return std::numeric_limits<T>::min();
    return whole < kHigh ? static_cast<T>(whole) : std::numeric_limits<T>::max();
  }
}
template <Number T>
T clamp(T x, double low, double high) {
  const T bottom = as_bound<T>(low, true), top = as_bound<T>(high, false);
  const T raised = x < bottom ? bottom : x;
  return raised > top ? top : raised;
}

}  // namespace tapegrad::formula
