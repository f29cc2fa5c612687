#pragma once
// Trigonometric functions and their inverses. sin, cos and tan are computed in f64, for arguments up to kTurnReach; ops
// that use them name it as their `reach`, and the kernels then compute larger arguments in long double. The inverses
// are computed in f64 for f32, and left to the standard library for f64.

#include <tapegrad/op/formula/number.hpp>

namespace tapegrad::formula {

inline constexpr double kTurnReach = 1e7;

namespace detail {

struct SinCos {
  double sin, cos;
};
/// For |x| up to π/4.
[[gnu::always_inline]] inline SinCos sin_cos_near_zero(double x) {
  const double z = x * x;
  const double sine = horner(z, 1.5917988979397433263e-10, -2.5051129896450186307e-8, 2.7557316093198405192e-6,
                             -1.9841269836740532103e-4, 8.3333333333309365537e-3, -0.16666666666666664611);
  const double cosine = horner(z, -1.1382544645349250436e-11, 2.0876145049413179088e-9, -2.7557317265878080043e-7,
                               2.4801587298754401173e-5, -1.3888888888887389773e-3, 0.041666666666666665381);
  const double h = z / 2, most = 1 - h;
  return {madd(sine, x * z, x), most + madd(cosine, z * z, (1 - most) - h)};
}

/// Sine and cosine of x less a multiple of π/2, and the low bits of that multiple.
struct Quadrant {
  double sin, cos;
  std::uint64_t turns;
};
[[gnu::always_inline]] inline Quadrant quadrant_of(double x) {
  const auto [n, turns] = rounded_multiple(x, 0.63661977236758134308);
  // π/2 in three parts; multiples of the first two, of 30 bits each, are exact.
  constexpr double kFirst = 1.570796325802803039550781, kSecond = 9.920935791635221434603409e-10,
                   kThird = 5.1701829817941055689e-19;
  const double most = madd(n, -kFirst, x), rounded = madd(n, -kSecond, most);
  const double lost = madd(n, -kSecond, most - rounded);
  const double r = rounded + madd(n, -kThird, lost);
  const SinCos near = sin_cos_near_zero(r);
  return {near.sin, near.cos, turns};
}

[[gnu::always_inline]] inline double with_sign_if(double x, std::uint64_t bit) {
  return std::bit_cast<double>(bits_of(x) ^ (bit << 63));
}

}  // namespace detail

template <std::same_as<long double> T>
T sin(T x) {
  return std::sin(x);
}
template <Computed T>
[[gnu::always_inline]] inline T sin(T x) {
  const detail::Quadrant q = detail::quadrant_of(x);
  const double y = detail::with_sign_if(q.turns & 1 ? q.cos : q.sin, (q.turns >> 1) & 1);
  return x == 0 ? x : static_cast<T>(y);  // zero keeps its sign
}
template <std::same_as<long double> T>
T cos(T x) {
  return std::cos(x);
}
template <Computed T>
[[gnu::always_inline]] inline T cos(T x) {
  const detail::Quadrant q = detail::quadrant_of(x);
  return static_cast<T>(detail::with_sign_if(q.turns & 1 ? q.sin : q.cos, ((q.turns + 1) >> 1) & 1));
}
template <std::same_as<long double> T>
T tan(T x) {
  return std::tan(x);
}
template <Computed T>
[[gnu::always_inline]] inline T tan(T x) {
  const detail::Quadrant q = detail::quadrant_of(x);
  const bool odd = q.turns & 1;
  const double y = (odd ? -q.cos : q.sin) / (odd ? q.sin : q.cos);
  return x == 0 ? x : static_cast<T>(y);
}

// ---- inverses -------------------------------------------------------------------------------------------------------

namespace detail {

/// To f32's precision, for x from 0 to 1.
[[gnu::always_inline]] inline double atan_of_fraction(double x) {
  const double z = x * x;
  return madd(horner(z, 5.9304375563652819e-4, -4.2216579909296478e-3, 0.01407292334469724, -0.02991311194551696,
                     0.047294798621813337, -0.062463151941283169, 0.075866528336466699, -0.090735531189764087,
                     0.11109392308322223, -0.14285624891483526, 0.19999998154086215, -0.33333333326944142),
              x * z, x);
}
/// To f32's precision, for x from 0 to 1/2.
[[gnu::always_inline]] inline double asin_of_half(double x) {
  const double z = x * x;
  return madd(horner(z, 0.030974540371355073, 0.010574415516912908, 0.023611817008891751, 0.030269138728589184,
                     0.044647663888134845, 0.074999924044018382, 0.16666666686085644),
              x * z, x);
}

inline constexpr double kHalfTurn = 3.141592653589793238462643;

}  // namespace detail

template <Real T>
[[gnu::always_inline]] inline T atan2(T y, T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::atan2(y, x);
  } else {
    const double a = std::abs(double{y}), b = std::abs(double{x});
    const double low = a < b ? a : b, high = a < b ? b : a;
    const double ratio = low == high ? (high > 0 ? 1 : 0) : low / high;  // of two zeros 0, of two infinities 1
    double angle = detail::atan_of_fraction(ratio);
    angle = a > b ? detail::kHalfTurn / 2 - angle : angle;
    angle = std::copysign(1.0F, x) < 0 ? detail::kHalfTurn - angle : angle;
    return ((y != y) | (x != x)) ? kNaN<float> : static_cast<float>(std::copysign(angle, double{y}));
  }
}
template <Real T>
[[gnu::always_inline]] inline T atan(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::atan(x);
  } else {
    const double a = std::abs(double{x});
    const double angle = detail::atan_of_fraction(a > 1 ? 1 / a : a);
    return static_cast<float>(std::copysign(a > 1 ? detail::kHalfTurn / 2 - angle : angle, double{x}));
  }
}
template <Real T>
[[gnu::always_inline]] inline T asin(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::asin(x);
  } else {
    const double a = std::abs(double{x});
    const bool large = a > 0.5;
    const double angle = detail::asin_of_half(large ? std::sqrt((1 - a) / 2) : a);
    return static_cast<float>(std::copysign(large ? detail::kHalfTurn / 2 - 2 * angle : angle, double{x}));
  }
}
template <Real T>
[[gnu::always_inline]] inline T acos(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::acos(x);
  } else {
    const double a = std::abs(double{x});
    const bool large = a > 0.5;
    const double angle = detail::asin_of_half(large ? std::sqrt((1 - a) / 2) : a);
    const double near = x > 0 ? 2 * angle : detail::kHalfTurn - 2 * angle;
    const double middle = detail::kHalfTurn / 2 - std::copysign(angle, double{x});
    return static_cast<float>(large ? near : middle);
  }
}

}  // namespace tapegrad::formula
