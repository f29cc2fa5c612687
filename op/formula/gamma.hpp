#pragma once
// The logarithm of the gamma function and its derivatives, precise relative to the larger of the result and 1.

#include <array>
#include <tapegrad/op/formula/exponential.hpp>
#include <tapegrad/op/formula/trigonometric.hpp>

namespace tapegrad::formula {

inline constexpr int kMaxPolygammaOrder = 30;

namespace detail {

template <Real T>
inline constexpr T kPi = static_cast<T>(3.14159265358979323846264338327950288L);

/// sin(π x) and cos(π x), exact at multiples of a half.
template <Real T>
struct HalfTurns {
  T sin, cos;
};
template <Real T>
[[gnu::always_inline]] inline HalfTurns<T> of_half_turns(T x) {
  const T turn = x - 2 * std::rint(x / 2);  // exact, and small however large x is
  const T halves = std::rint(turn * 2), r = (turn - halves / 2) * kPi<T>;
  const T quarter = halves - 4 * std::floor(halves / 4);
  T s, c;
  if constexpr (std::same_as<T, double>) {
    const SinCos near = sin_cos_near_zero(r);
    s = near.sin, c = near.cos;
  } else {
    s = std::sin(r), c = std::cos(r);
  }
  const bool odd = (quarter == 1) | (quarter == 3);
  const T sine = odd ? c : s, cosine = odd ? s : c;
  return {quarter >= 2 ? -sine : sine, ((quarter == 1) | (quarter == 2)) ? -cosine : cosine};
}

// The asymptotic series serve from 8 on; smaller arguments are shifted.
inline constexpr int kAsymptotic = 8;

/// log Γ(x) - (x - 1/2) (log x - 1) - (log 2π - 1) / 2 for x ≥ 8: Stirling's series.
template <Real T>
[[gnu::always_inline]] inline T stirling_rest(T x) {
  const T r = 1 / x, z = r * r;
  if constexpr (std::same_as<T, double>)
    return r * horner(z, -1.392432216905901116427432, 0.1796443723688307316496385, -0.02955065359477124183006536,
                      0.00641025641025641025641, -0.001917526917526917526918, 0.0008417508417508417508418,
                      -0.0005952380952380952380952, 0.0007936507936507936507937, -0.002777777777777777777778,
                      0.08333333333333333333333);
  else
    return r * horner(z, -36108.77125372498935717327L, 2193.103333333333333333333L, -156.8482846260020173063651L,
                      13.40286404416839199447895L, -1.392432216905901116427432L, 0.1796443723688307316496385L,
                      -0.02955065359477124183006536L, 0.006410256410256410256410256L, -0.001917526917526917526917527L,
                      0.0008417508417508417508417508L, -0.0005952380952380952380952381L,
                      0.0007936507936507936507936508L, -0.002777777777777777777777778L, 0.08333333333333333333333333L);
}

/// log x - 1 / (2 x) - digamma(x) for x ≥ 8.
template <Real T>
[[gnu::always_inline]] inline T digamma_rest(T x) {
  const T r = 1 / x, z = r * r;
  if constexpr (std::same_as<T, double>)
    return z * horner(z, -26.45621212121212121212, 3.053954330270119743804, -0.4432598039215686274510,
                      0.08333333333333333333333, -0.02109279609279609279609, 0.007575757575757575757576,
                      -0.004166666666666666666667, 0.003968253968253968253968, -0.008333333333333333333333,
                      0.08333333333333333333333);
  else
    return z * horner(z, -974936.8238505747126436782L, 54827.58333333333333333333L, -3607.510546398046398046398L,
                      281.4601449275362318840580L, -26.45621212121212121212121L, 3.053954330270119743803954L,
                      -0.4432598039215686274509804L, 0.08333333333333333333333333L, -0.0210927960927960927960928L,
                      0.007575757575757575757575758L, -0.004166666666666666666666667L, 0.003968253968253968253968254L,
                      -0.008333333333333333333333333L, 0.08333333333333333333333333L);
}

/// log Γ(2 + w) for |w| up to 1/2.
[[gnu::always_inline]] inline double lgamma_near_two(double w) {
  return w * horner(w, -1.3219945666117874478e-7, 2.7874080521135899778e-7, -4.325239344560481638e-7,
                    9.2005278949681004906e-7, -2.0439048107029906744e-6, 4.384704404598360326e-6,
                    -9.4387150992115326607e-6, 2.050559075583345311e-5, -4.4926313379155697453e-5,
                    9.9457673558194982074e-5, -2.231547540052050773e-4, 5.0966951541154583479e-4,
                    -1.1927539118428156859e-3, 2.890510331034266859e-3, -7.3855510286719983953e-3,
                    0.020580808427780380065, -0.06735230105319810342, 0.32246703342411323562, 0.42278433509846713939);
}

/// Γ(2 + w) times `product` stays the same from step to step.
struct GammaStep {
  double w, product;
};
[[gnu::always_inline]] inline GammaStep lowered(GammaStep s) {
  const bool high = s.w > 0.5;
  const double w = s.w - (high ? 1 : 0);
  return {w, s.product * (high ? w + 2 : 1)};
}

[[gnu::always_inline]] inline double lgamma_of_positive(double x) {
  // Up to 8, multiplied down or divided up to the neighbourhood of 2. `w`, how far from 2, is exact: so the zeros at 1
  // and 2 keep their relative precision.
  const bool large = x > kAsymptotic, raised = x < 1.5, twice = x < 0.5;
  const double w = twice ? x : raised ? x - 1 : large ? 0 : x - 2;
  const GammaStep down = lowered(lowered(lowered(lowered(lowered(lowered(GammaStep{w, 1}))))));
  const double up = x * (twice ? x + 1 : 1);
  const double l = log(large ? x : raised ? up : down.product);
  const double near = lgamma_near_two(down.w) + (raised ? -l : l);
  const double far = (x - 0.5) * (l - 1) + (0.4189385332046727417803297 + stirling_rest(large ? x : kAsymptotic));
  return large ? far : near;
}
inline long double lgamma_of_positive(long double x) {
  long double product = 1;
  for (; x < 2 * kAsymptotic; ++x) product *= x;
  return (x - 0.5L) * (log(x) - 1) + (0.4189385332046727417803297364056L + stirling_rest(x)) - log(product);
}

/// The sum of 1 / (x + i) so far is numerator / denominator.
template <Real T>
struct HarmonicStep {
  T x, numerator, denominator;
};
template <Real T>
[[gnu::always_inline]] inline HarmonicStep<T> raised(HarmonicStep<T> s) {
  return {s.x + 1, s.numerator * s.x + s.denominator, s.denominator * s.x};
}

template <Real T>
[[gnu::always_inline]] inline T digamma_of_positive(T x) {
  const bool large = x >= kAsymptotic;
  const auto up = raised(raised(raised(raised(raised(raised(raised(raised(HarmonicStep<T>{x, 0, 1}))))))));
  const T far = large ? x : up.x;
  return log(far) - 1 / (2 * far) - digamma_rest(far) - (large ? 0 : up.numerator / up.denominator);
}

/// The sum of (x + i)^-s over i ≥ 0, for x > 0.
template <Real T>
T hurwitz_zeta(int s, T x) {
  constexpr long double kBernoulli[] = {
      0.08333333333333333333333333L,   -0.001388888888888888888888889L,
      3.306878306878306878306878e-5L,  -8.267195767195767195767196e-7L,
      2.087675698786809897921009e-8L,  -5.284190138687493184847682e-10L,
      1.338253653068467883282698e-11L, -3.389680296322582866830195e-13L,
      8.586062056277844564135905e-15L, -2.174868698558061873041516e-16L,
      5.509002828360229515202653e-18L, -1.395446468581252334070769e-19L};  // B2k / (2k)!
  T sum = 0;
  for (; x < 12 + s; ++x) sum += std::pow(x, static_cast<T>(-s));
  // Euler and Maclaurin's formula for the rest.
  T power = std::pow(x, static_cast<T>(-s));
  sum += std::pow(x, static_cast<T>(1 - s)) / static_cast<T>(s - 1) + power / 2;
  power *= static_cast<T>(s) / x;
  for (int k = 0; k < 12; ++k) {
    sum += static_cast<T>(kBernoulli[k]) * power;
    power *= static_cast<T>(s + 2 * k + 1) * static_cast<T>(s + 2 * k + 2) / (x * x);
  }
  return sum;
}

/// The n-th derivative of cot(π x), by d/dx cot = -π (1 + cot²).
template <Real T>
T cotangent_derivative(int n, T x) {
  const auto [s, c] = of_half_turns(x);
  std::array<T, kMaxPolygammaOrder + 3> p{}, next{};  // a polynomial in the cotangent
  p[1] = 1;
  for (int k = 0; k < n; ++k) {
    next.fill(0);
    for (std::size_t i = 1; i <= static_cast<std::size_t>(k) + 1; ++i) {
      next[i - 1] -= static_cast<T>(i) * kPi<T> * p[i];
      next[i + 1] -= static_cast<T>(i) * kPi<T> * p[i];
    }
    p = next;
  }
  T sum = 0;
  for (std::size_t i = static_cast<std::size_t>(n) + 2; i-- > 0;) sum = sum * (c / s) + p[i];
  return sum;
}

}  // namespace detail

/// log |Γ(x)|; +inf at 0 and the negative whole numbers.
template <Real T>
[[gnu::always_inline]] inline T lgamma(T x) {
  if constexpr (std::same_as<T, float>) {
    return static_cast<float>(lgamma(double{x}));
  } else {
    const bool negative = x < 0;
    const T positive = detail::lgamma_of_positive(negative ? 1 - x : x);
    // Next to 0, where π x may be subnormal, |sin(π x)| / π is |x|.
    const T a = std::abs(x);
    const T sine = a < T{0x1p-40} ? a : std::abs(detail::of_half_turns(x).sin) / detail::kPi<T>;
    const T reflected = sine == 0 ? kInfinity<T> : -log(sine) - positive;
    const T y = negative ? reflected : positive;
    return std::abs(x) == kInfinity<T> ? kInfinity<T> : y;
  }
}

/// The derivative of lgamma; -inf at 0, +inf at -0, NaN at the negative whole numbers.
template <Real T>
[[gnu::always_inline]] inline T digamma(T x) {
  if constexpr (std::same_as<T, float>) {
    return static_cast<float>(digamma(double{x}));
  } else {
    const bool negative = x < 0;
    const T positive = detail::digamma_of_positive(negative ? 1 - x : x);
    const auto [s, c] = detail::of_half_turns(x);
    const T reflected = s == 0 ? kNaN<T> : positive - detail::kPi<T> * c / s;
    return negative ? reflected : positive;
  }
}

/// The derivative of that order of digamma; at the negative whole numbers +inf where the order is odd, else NaN. Up to
/// kMaxPolygammaOrder and one more for its gradient; else NaN.
template <Real T>
T polygamma(int order, T x) {
  if constexpr (std::same_as<T, float>) {
    return static_cast<float>(polygamma(order, double{x}));
  } else {
    if (order == 0) return digamma(x);
    if (order < 0 || order > kMaxPolygammaOrder + 1) return kNaN<T>;
    if (x < 0) {
      if (x > T{-0x1p-40}) return std::tgamma(static_cast<T>(order + 1)) / pow(-x, static_cast<T>(order + 1));
      if (detail::of_half_turns(x).sin == 0) return order % 2 == 0 ? kNaN<T> : kInfinity<T>;
      const T mirrored = polygamma(order, 1 - x);
      return (order % 2 == 0 ? mirrored : -mirrored) - detail::kPi<T> * detail::cotangent_derivative(order, x);
    }
    T size = detail::hurwitz_zeta(order + 1, x);
    for (int i = 2; i <= order; ++i) size *= static_cast<T>(i);
    return order % 2 == 0 ? -size : size;
  }
}

}  // namespace tapegrad::formula
