#pragma once
// Exponential functions, logarithms and powers. Errors are about 1 ulp for exp, exp2, log and log1p, 2 for expm1 and
// logistic; f32 forms that are computed in f64 are all but correctly rounded.

#include <tapegrad/op/formula/number.hpp>

namespace tapegrad::formula {

// ---- powers of e and 2 ----------------------------------------------------------------------------------------------

namespace detail {

/// e^r - 1 for |r| up to (ln 2) / 2.
template <Computed T>
[[gnu::always_inline]] inline T expm1_near_zero(T r) {
  T slope;
  if constexpr (std::same_as<T, float>)
    slope = horner(r, 1.989098087e-4, 1.393364103e-3, 8.333310934e-3, 0.04166646501, 0.1666666668, 0.5000000013);
  else
    slope = horner(r, 2.5100375832561233664e-8, 2.7620075879983366586e-7, 2.7557268480310025526e-6,
                   2.4801521322368693266e-5, 1.9841269863040545271e-4, 1.3888888917196719077e-3,
                   8.3333333333300644495e-3, 0.041666666666624161903, 0.16666666666666667452, 0.50000000000000010211);
  return madd(slope, r * r, r);
}

/// x = multiple · ln 2 + rest.
template <Computed T>
struct ModuloLn2 {
  Rounded<T> multiple;
  T rest;
};
template <Computed T>
[[gnu::always_inline]] inline ModuloLn2<T> modulo_ln2(T x) {
  // The high part is short, so that its multiples are exact.
  constexpr T kHigh = static_cast<T>(std::same_as<T, float> ? 0.693145751953125 : 0.6931471803691238164901733);
  constexpr T kLow = static_cast<T>(std::same_as<T, float> ? 1.4286068203094172321e-6 : 1.9082149292705878161e-10);
  const Rounded<T> n = rounded_multiple(x, static_cast<T>(1.442695040888963407359924681L));
  return {n, madd(n.value, -kLow, madd(n.value, -kHigh, x))};
}

/// y 2^k, where y is between a half and two and the result may be denormal, infinite or 0.
template <Computed T>
[[gnu::always_inline]] inline T scaled(T y, BitsOf<T> k) {
  const BitsOf<T> half = ((k + 4096) >> 1) - 2048;
  return y * power_of_two<T>(half) * power_of_two<T>(k - half);
}

/// e^x where it is a normal number.
template <Computed T>
[[gnu::always_inline]] inline T exp_in_range(T x) {
  const auto [n, rest] = modulo_ln2(x);
  return (1 + expm1_near_zero(rest)) * power_of_two<T>(n.bits);
}

}  // namespace detail

/// e^x times a factor of moderate size: rounded once where e^x is subnormal and the product need not be.
template <Computed T>
[[gnu::always_inline]] inline T exp_times(T x, T factor) {
  constexpr T kMost = std::same_as<T, float> ? 150 : 850;  // where the product is infinite, or 0
  const auto [n, rest] = detail::modulo_ln2(bounded(x, kMost));
  return detail::scaled((1 + detail::expm1_near_zero(rest)) * factor, n.bits);
}
template <std::same_as<long double> T>
T exp_times(T x, T factor) {
  return std::exp(x) * factor;
}

template <Real T>
[[gnu::always_inline]] inline T exp(T x) {
  return exp_times(x, T{1});
}

template <Computed T>
[[gnu::always_inline]] inline T exp2(T x) {
  constexpr T kMost = std::same_as<T, float> ? 160 : 1100;
  const T c = bounded(x, kMost);
  const Rounded<T> n = rounded_multiple(c, T{1});
  const T rest = (c - n.value) * static_cast<T>(0.6931471805599453094L);
  return detail::scaled(1 + detail::expm1_near_zero(rest), n.bits);
}
template <std::same_as<long double> T>
T exp2(T x) {
  return std::exp2(x);
}

template <Computed T>
[[gnu::always_inline]] inline T expm1(T x) {
  constexpr T kMost = static_cast<T>(std::same_as<T, float> ? 88.9 : 709.9);  // the result overflows shortly before
  constexpr T kLeast = std::same_as<T, float> ? -20 : -50;                    // it rounds to -1
  const T c = bounded(x, kMost);
  const auto [n, rest] = detail::modulo_ln2(c < kLeast ? kLeast : c);
  const T half = power_of_two<T>(n.bits - 1);  // of 2^n, which may be too large to represent
  const T y = 2 * madd(detail::expm1_near_zero(rest), half, half - T{0.5});
  return ((x == 0) | (x != x)) ? x : y;  // zero keeps its sign
}
template <std::same_as<long double> T>
T expm1(T x) {
  return std::expm1(x);
}

/// 1 / (1 + e^-x), without overflow and to full relative precision on both sides.
template <Real T>
[[gnu::always_inline]] inline T logistic(T x) {
  const T e = exp(-std::abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

/// The same times a factor of moderate size, rounded once.
template <Real T>
[[gnu::always_inline]] inline T logistic_times(T x, T factor) {
  const T far = -std::abs(x), share = factor / (1 + exp(far));
  return x < 0 ? exp_times(far, share) : share;
}

// ---- logarithms -----------------------------------------------------------------------------------------------------

namespace detail {

/// log(x + correction) for positive finite x and a correction of its rounding error's size.
template <Computed T>
[[gnu::always_inline]] inline T log_of_positive(T x, T correction) {
  constexpr T kHigh = static_cast<T>(std::same_as<T, float> ? 0.693145751953125 : 0.6931471803691238164901733);
  constexpr T kLow = static_cast<T>(std::same_as<T, float> ? 1.4286068203094172321e-6 : 1.9082149292705878161e-10);
  constexpr T kLift = std::same_as<T, float> ? 25 : 54;
  constexpr BitsOf<T> kRootHalf = std::bit_cast<BitsOf<T>>(static_cast<T>(0.70710678118654752440L));
  constexpr BitsOf<T> kFraction = (BitsOf<T>{1} << kFractionBits<T>)-1;

  // x = 2^k m with m between √½ and √2; denormals are lifted first.
  const bool tiny = x < std::numeric_limits<T>::min();
  const T lifted = x * (tiny ? power_of_two<T>(static_cast<BitsOf<T>>(kLift)) : 1);
  const BitsOf<T> bits = bits_of(lifted) - kRootHalf + (kBias<T> << kFractionBits<T>);
  const T k = exponent_value<T>(bits >> kFractionBits<T>) - (tiny ? kLift : 0);
  const T f = std::bit_cast<T>((bits & kFraction) + kRootHalf) - 1;

  // log((1 + s) / (1 - s)) with s = f / (2 + f), arranged so that the leading term is f itself.
  const T s = f / (2 + f), z = s * s, h = f * f / 2;
  T rest;
  if constexpr (std::same_as<T, float>)
    rest = z * horner(z, 0.2333058194, 0.285508166, 0.4000012188, 0.6666666655);
  else
    rest = z * horner(z, 0.13086767009948173713, 0.13268759668560612686, 0.15386240205813477879, 0.181817956308847532,
                      0.22222222391800469329, 0.28571428570803230015, 0.40000000000000877606, 0.66666666666666666465);
  return k * kHigh - ((h - (s * (h + rest) + (k * kLow + correction / x))) - f);
}

}  // namespace detail

template <Computed T>
[[gnu::always_inline]] inline T log(T x) {
  T y = detail::log_of_positive(x, T{0});
  y = x == kInfinity<T> ? x : y;
  y = x > 0 ? y : kNaN<T>;
  return x == 0 ? -kInfinity<T> : y;
}
template <std::same_as<long double> T>
T log(T x) {
  return std::log(x);
}

template <Computed T>
[[gnu::always_inline]] inline T log1p(T x) {
  const T u = 1 + x;
  const T lost = x < 1 ? x - (u - 1) : 1 - (u - x);
  T y = detail::log_of_positive(u, lost);
  y = ((x == 0) | (x == kInfinity<T>)) ? x : y;
  y = x > -1 ? y : kNaN<T>;
  return x == -1 ? -kInfinity<T> : y;
}
template <std::same_as<long double> T>
T log1p(T x) {
  return std::log1p(x);
}

template <Real T>
[[gnu::always_inline]] inline T log2(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::log2(x);
  } else {
    return static_cast<float>(log(double{x}) * 1.442695040888963407359924681);
  }
}
template <Real T>
[[gnu::always_inline]] inline T log10(T x) {
  if constexpr (!std::same_as<T, float>) {
    return std::log10(x);
  } else {
    return static_cast<float>(log(double{x}) * 0.4342944819032518276511289);
  }
}

// ---- powers ---------------------------------------------------------------------------------------------------------

namespace detail {

/// Of two floats, in double; as std::pow in every special case.
[[gnu::always_inline]] inline double power_of_floats(double a, double power) {
  const double base = std::abs(a);
  const double whole = std::trunc(power), half = power * 0.5;
  const bool odd = (whole == power) & (half != std::trunc(half));
  double y = exp(power * log(base));
  y = ((base == 1) & (std::abs(power) == kInfinity<double>)) ? 1 : y;
  y = ((a < 0) & (whole != power) & (base != kInfinity<double>)) ? kNaN<double> : y;
  y = odd ? std::copysign(y, a) : y;
  return ((a == 1) | (power == 0)) ? 1 : y;
}

}  // namespace detail

/// As std::pow in every special case.
template <Real T>
[[gnu::always_inline]] inline T pow(T a, T b) {
  if constexpr (!std::same_as<T, float>)
    return std::pow(a, b);
  else
    return static_cast<float>(detail::power_of_floats(a, b));
}
template <Number A, Number B>
requires(!std::same_as<A, B>) [[gnu::always_inline]] inline auto pow(A a, B b) {
  using T = std::common_type_t<A, B>;
  return pow(static_cast<T>(a), static_cast<T>(b));
}

/// The cube root.
template <Real T>
[[gnu::always_inline]] inline T cbrt(T x) {
  if constexpr (std::same_as<T, float>) {
    return static_cast<float>(std::copysign(exp(log(std::abs(double{x})) / 3), double{x}));
  } else if constexpr (std::same_as<T, double>) {
    // The C library's is some ulp off: a step of Newton's method, whose residual y³ - x has all digits.
    const bool small = std::abs(x)<0x1p-900, large = std::abs(x)> 0x1p900;
    const T scaled = x * (small ? 0x1p120 : large ? 0x1p-120 : 1), y = std::cbrt(scaled);
    const T square = y * y, cube = square * y;
    const T lost = product_error(square, y, cube) + product_error(y, y, square) * y;
    const T better = (y + ((scaled - cube) - lost) / (3 * square)) * (small ? 0x1p-40 : large ? 0x1p40 : 1);
    return ((x == 0) | (x - x != 0)) ? x : better;
  } else {
    return std::cbrt(x);
  }
}

/// The length of (a, b), without overflow.
template <Real T>
[[gnu::always_inline]] inline T hypot(T a, T b) {
  if constexpr (!std::same_as<T, float>) {
    return std::hypot(a, b);
  } else {
    const double x = std::abs(double{a}), y = std::abs(double{b});
    const bool infinite = (x == kInfinity<double>) | (y == kInfinity<double>);
    return static_cast<float>(infinite ? kInfinity<double> : std::sqrt(x * x + y * y));
  }
}
template <Number A, Number B>
requires(!std::same_as<A, B>) [[gnu::always_inline]] inline auto hypot(A a, B b) {
  using T = std::common_type_t<A, B>;
  return hypot(static_cast<T>(a), static_cast<T>(b));
}

}  // namespace tapegrad::formula
