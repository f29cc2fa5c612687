#pragma once
// Modified Bessel functions, scaled error functions and sin(πx) / (πx), each in a family that is closed under
// derivatives, whose members are sums of terms of one sign wherever they are needed: no digit is lost at any order.
// They are computed in the next wider type.

#include <tapegrad/op/formula/error_function.hpp>
#include <tapegrad/op/formula/gamma.hpp>

namespace tapegrad::formula {

/// Of the orders that attributes name.
inline constexpr int kMaxFamilyOrder = 30;

namespace detail {

template <Real T>
using Wider = std::conditional_t<std::same_as<T, float>, double, long double>;

/// Σ of terms that begin with `first`, each the one before times ratio(k), k from 1 up: to the last digit, or to where
/// an asymptotic series would diverge.
template <Real T, class Ratio>
T series(T first, const Ratio& ratio) {
  constexpr int kMost = 2000;
  T term = first, sum = first;
  for (int k = 1; k < kMost; ++k) {
    const T next = term * ratio(static_cast<T>(k));
    sum += next;
    if (!(std::abs(next) > std::abs(sum) * (std::numeric_limits<T>::epsilon() / 8))) break;
    term = next;
  }
  return sum;
}

/// Where asymptotic series serve: their least term, e^-2x, is nothing then.
inline int bessel_far(int order) { return 40 + order * order; }

/// I_n(x), or that times e^-x, for x ≥ 0.
template <Real T>
T bessel_i_of_positive(int order, T x, bool scaled) {
  const T n = static_cast<T>(order);
  if (x < static_cast<T>(bessel_far(order))) {
    T first = 1;
    for (int k = 1; k <= order; ++k) first *= x / static_cast<T>(2 * k);
    const T sum = series(first, [&](T k) { return (x / 2) * (x / 2) / (k * (k + n)); });
    return scaled ? sum * std::exp(-x) : sum;
  }
  if (x == kInfinity<T>) return scaled ? 0 : kInfinity<T>;
  const T sum = series(T{1}, [&](T k) { return ((2 * k - 1) * (2 * k - 1) - 4 * n * n) / (8 * k) / x; });
  const T far = sum / std::sqrt(2 * kPi<T> * x);
  return scaled ? far : far * std::exp(x);
}

/// The d-th derivative of e^-x I_0(x), without its sign (-1)^d, for x ≥ 0: 1/π ∫ (1 - cos t)^d exp(-x (1 - cos t)) dt
/// from 0 to π, by Kummer's function and its asymptotic series.
template <Real T>
T scaled_bessel_decline(int d, T x) {
  const T z = 2 * x, half = T{0.5}, order = static_cast<T>(d);
  T first = 1;
  if (z < static_cast<T>(2 * bessel_far(d))) {
    for (int k = 1; k <= d; ++k) first *= static_cast<T>(2 * k - 1) / static_cast<T>(k);
    return series(first, [&](T k) { return (k - half) / (k + order) * z / k; }) * std::exp(-z);
  }
  for (int k = 1; k <= d; ++k) first *= static_cast<T>(2 * k - 1) / z;
  return series(first, [&](T k) { return (k + order - half) * (k - half) / k / z; }) / std::sqrt(kPi<T> * z);
}

/// e^(x²) times the n-fold integral of erfc from x to infinity: E_n, where E_-1 is 2/√π and 2n E_n = E_n-2 - 2x E_n-1.
template <Real T>
T scaled_erfc(int n, T x) {
  constexpr T kBefore = static_cast<T>(1.128379167095512573896158903121545171688L);
  if (!(x >= 2)) {
    T before = kBefore, now = std::exp(x * x) * erfc(x);
    for (int k = 1; k <= n; ++k) {
      const T next = (before - 2 * x * now) / static_cast<T>(2 * k);
      before = now, now = next;
    }
    return now;
  }
  // Quotients of neighbours, from far out: E_k / E_k-1 = 1 / (2x + 2 (k + 1) E_k+1 / E_k).
  const int steps = n + 12 + static_cast<int>(280 / (x * x));
  T quotient = 1 / (x + std::sqrt(x * x + static_cast<T>(2 * steps))), product = kBefore;
  for (int k = steps; k >= 0; --k) {
    quotient = 1 / (2 * x + static_cast<T>(2 * (k + 1)) * quotient);
    if (k <= n) product *= quotient;
  }
  return product;
}

/// The d-th derivative of sin(y) / y for y = πx ≥ 0, by its series or by y s_d = sin^(d) - d s_d-1.
template <Real T>
T sinc_derivative(int d, T x) {
  const T y = kPi<T> * x;
  if (d > 0 && y < T{1.5} + static_cast<T>(d)) {
    const int first = (d + 1) / 2;
    T power = first % 2 == 0 ? 1 : -1;
    if (d % 2 == 1) power *= y;  // y^(2k - d) / (2k - d)!, with its sign
    T sum = 0;
    for (int k = first; k < first + 40; ++k) {
      sum += power / static_cast<T>(2 * k + 1);
      const int exponent = 2 * k - d;
      power *= -y * y / static_cast<T>((exponent + 1) * (exponent + 2));
    }
    return sum;
  }
  const auto [sine, cosine] = of_half_turns(x);
  const T turns[] = {sine, cosine, -sine, -cosine};
  T s = y == 0 ? 1 : sine / y;
  for (int k = 1; k <= d; ++k) s = (turns[k % 4] - static_cast<T>(k) * s) / y;
  return s;
}

/// log Φ(-y) - log q goes to 0, where the normal density over Φ(-y) is 1 / m.
template <Real T>
T normal_quantile_of_tail(T q) {
  constexpr T kRootHalf = static_cast<T>(0.7071067811865475244008443621048490392848L);
  const T t = std::sqrt(-2 * std::log(q));
  // Abramowitz and Stegun 26.2.23, to three digits.
  T y = t - horner(t, 0.010328, 0.802853, 2.515517) / horner(t, 0.001308, 0.189269, 1.432788, 1);
  constexpr int kSteps = 4;
  for (int i = 0; i < kSteps; ++i) {
    const T e = scaled_erfc(0, y * kRootHalf);
    y += (std::log(e / 2 / q) - y * y / 2) * (e * static_cast<T>(1.2533141373155002512078826424055226265L));
  }
  return y;
}

}  // namespace detail

/// I_n(x), the modified Bessel function of the first kind of a whole order from 0 up.
template <Real T>
T bessel_i(int order, T x) {
  using W = detail::Wider<T>;
  const W y = detail::bessel_i_of_positive(order, static_cast<W>(std::abs(x)), false);
  return static_cast<T>(x < 0 && order % 2 == 1 ? -y : y);
}

/// The derivative of that order of e^-|x| I_index(x), index 0 or 1; the mean of both sides at 0.
template <Real T>
T bessel_ie(int index, int derivative, T x) {
  using W = detail::Wider<T>;
  const W a = static_cast<W>(std::abs(x));
  if (derivative == 0) {
    const W y = detail::bessel_i_of_positive(index, a, true);
    return static_cast<T>(x < 0 && index == 1 ? -y : y);
  }
  const bool odd = derivative % 2 == 1;
  W y = detail::scaled_bessel_decline(derivative, a);
  if (index == 1) y -= detail::scaled_bessel_decline(derivative + 1, a);
  if (odd) y = -y;
  if (odd != (index == 1)) y = x == 0 ? 0 : x < 0 ? -y : y;
  return static_cast<T>(y);
}

/// e^(x²) erfc(x), or that times the n-fold integral of erfc from x to infinity instead.
template <Real T>
T erfcx(T x, int integrals = 0) {
  using W = detail::Wider<T>;
  return static_cast<T>(detail::scaled_erfc(integrals, static_cast<W>(x)));
}

/// The derivative of that order of sin(πx) / (πx).
template <Real T>
T sinc(T x, int derivative = 0) {
  using W = detail::Wider<T>;
  const W a = static_cast<W>(std::abs(x));
  if (a == kInfinity<W>) return 0;
  W y = detail::sinc_derivative(derivative, a);
  for (int k = 0; k < derivative; ++k) y *= detail::kPi<W>;
  return static_cast<T>(x < 0 && derivative % 2 == 1 ? -y : y);
}

/// What a standard normal variable is below with probability p.
template <Real T>
T normal_quantile(T p) {
  using W = detail::Wider<T>;
  if (!(p >= 0 && p <= 1)) return kNaN<T>;
  if (p == 0 || p == 1) return p == 0 ? -kInfinity<T> : kInfinity<T>;
  const W below = static_cast<W>(p), above = 1 - below;
  if (below == above) return 0;
  return static_cast<T>(below < above ? -detail::normal_quantile_of_tail(below)
                                      : detail::normal_quantile_of_tail(above));
}

}  // namespace tapegrad::formula
