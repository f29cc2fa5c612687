#pragma once
// Hyperbolic functions and their inverses. tanh is within 1.5 ulp; the others are computed in f64 for f32, and left to
// the standard library for f64.

#include <tapegrad/op/formula/exponential.hpp>

namespace tapegrad::formula {

template <Computed T>
[[gnu::always_inline]] inline T tanh(T x) {
  const T a = std::abs(x), z = a * a;
  T slope;
  if constexpr (std::same_as<T, float>)
    slope = horner(z, -6.610227831e-3, 0.02130938866, -0.05390942883, 0.1333311373, -0.3333333201);
  else
    slope =
        horner(z, -2.0602765376366341605e-5, 8.5113136855776715155e-5, -2.3463474108872371445e-4,
               5.8893605200740577697e-4, -1.4556618301007160336e-3, 3.5921103786890238773e-3, -8.8632343978143548378e-3,
               0.021869488493666941903, -0.053968253967434014504, 0.13333333333332714826, -0.33333333333333332561);
  const T near = madd(slope, a * z, a);
  const T e = detail::exp_in_range(-2 * bounded(a, T{20}));  // where tanh has long been 1
  const T far = (1 - e) / (1 + e);
  return std::copysign(a >= T(0.55) ? far : near, x);  // near for NaN, which stays
}
template <std::same_as<long double> T>
T tanh(T x) {
  return std::tanh(x);
}

template <Real T>
[[gnu::always_inline]] inline T sinh(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::sinh(x);
  } else {
    const double e = expm1(bounded(std::abs(double{x}), 100.0));  // enough to overflow in f32
    const double y = std::copysign((e + e / (e + 1)) / 2, double{x});
    return x != x ? x : static_cast<float>(y);
  }
}
template <Real T>
[[gnu::always_inline]] inline T cosh(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::cosh(x);
  } else {
    const double e = exp(std::abs(double{x}));
    return static_cast<float>((e + 1 / e) / 2);
  }
}
template <Real T>
[[gnu::always_inline]] inline T asinh(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::asinh(x);
  } else {
    const double a = std::abs(double{x});
    const double y = log1p(a + a * (a / (1 + std::sqrt(a * a + 1))));
    return static_cast<float>(std::copysign(a == kInfinity<double> ? a : y, double{x}));
  }
}
template <Real T>
[[gnu::always_inline]] inline T acosh(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::acosh(x);
  } else {
    const double above = double{x} - 1;
    return static_cast<float>(log1p(above + std::sqrt(above) * std::sqrt(above + 2)));
  }
}
template <Real T>
[[gnu::always_inline]] inline T atanh(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::atanh(x);
  } else {
    const double a = std::abs(double{x});
    return static_cast<float>(std::copysign(log1p(2 * a / (1 - a)) / 2, double{x}));
  }
}

}  // namespace tapegrad::formula
