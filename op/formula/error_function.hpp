#pragma once
// The error function, its complement and its inverse; the normal distribution. Within 3 ulp, erfc 4 times
// its condition number.

#include <tapegrad/op/formula/exponential.hpp>

namespace tapegrad::formula {

namespace detail {

/// factor · erfc(a) for a from 0 up: exp(-a²) u Q(t), where u = 1 / (a + k) and t = (a - k) / (a + k). The factor is of
/// moderate size.
template <Computed T>
[[gnu::always_inline]] inline T erfc_of_positive(T a, T factor = 1) {
  constexpr T kCentre = std::same_as<T, float> ? 3 : 4, kEnd = static_cast<T>(std::same_as<T, float> ? 11.2 : 28.3);
  const T b = a > kEnd ? kEnd : a;  // erfc is 0 from there on
  const T u = 1 / (b + kCentre), t = (b - kCentre) * u;
  T q;
  if constexpr (std::same_as<T, float>)
    q = horner(t, -3.338245228e-4, -4.990712396e-4, 3.078083442e-3, -1.216964436e-3, -0.0268366764, 0.1195272222,
               -0.3104666082, 0.5902284253, -0.8833944612, 1.074006906);
  else
    q = horner(t, -3.2935294818640303549e-9, -1.511416736792333172e-8, 1.0239305427585201995e-8,
               1.2783129390278685174e-7, -8.6293659491882615126e-8, -8.5258423373394820122e-7, 1.4309369258020254499e-6,
               4.6993780958509661726e-6, -1.8863385851451651634e-5, -3.6373651397508990378e-6, 1.7681337316081979376e-4,
               -4.550520984414160911e-4, -2.8095893616146941471e-4, 6.1120555615200281593e-3, -0.02637005333579215175,
               0.076381514917986552218, -0.17401093724002411014, 0.33085158787760495956, -0.54085383131323727064,
               0.77320870226524454687, -0.97654872908088194407, 1.0959956610004910964);
  const T square = b * b, lost = product_error(b, b, square);
  return exp_times(-square, u * madd(q, -lost, q) * factor);
}

/// erf(x) for |x| up to 3/4.
template <Computed T>
[[gnu::always_inline]] inline T erf_near_zero(T x) {
  const T z = x * x;
  T slope;
  if constexpr (std::same_as<T, float>)
    slope = horner(z, 9.470461782e-5, -8.35692792e-4, 5.21678949e-3, -0.0268647718, 0.1128377864, -0.3761263845);
  else
    slope =
        horner(z, -9.5028408947774051607e-10, 1.4413879289095028856e-8, -1.6333229343433699958e-7,
               1.6460383209858148676e-6, -1.4925589383821142879e-5, 1.2055331545294116432e-4, -8.5483270011359461396e-4,
               5.2239776252221918701e-3, -0.026866170645118444826, 0.11283791670955087198, -0.37612638903183752009);
  return x * madd(slope, z, static_cast<T>(1.128379167095512573896158903L));
}

/// factor · erfc(x); the factor is of moderate size where x is positive.
template <Computed T>
[[gnu::always_inline]] inline T erfc_times(T x, T factor) {
  const T tail = erfc_of_positive(std::abs(x), bounded(factor, T{1e4}));
  return x < 0 ? 2 * factor - tail : tail;
}

}  // namespace detail

template <std::same_as<long double> T>
T erfc(T x) {
  return std::erfc(x);
}
template <Computed T>
[[gnu::always_inline]] inline T erfc(T x) {
  return std::abs(x) < T{0.5} ? 1 - detail::erf_near_zero(x) : detail::erfc_times(x, T{1});
}

template <std::same_as<long double> T>
T erf(T x) {
  return std::erf(x);
}
template <Computed T>
[[gnu::always_inline]] inline T erf(T x) {
  const T a = std::abs(x);
  return std::copysign(a < T(0.75) ? detail::erf_near_zero(a) : 1 - detail::erfc_of_positive(a), x);
}

/// The inverse of erf: an estimate, and one step of Halley's method, which trebles its digits.
template <Real T>
[[gnu::always_inline]] inline T erfinv(T x) {
  if constexpr (std::same_as<T, float>) {
    return static_cast<float>(erfinv(double{x}));
  } else {
    const T a = std::abs(x), beyond = 1 - a;
    const T w = -log(beyond * (1 + a)), s = std::sqrt(w);
    const T central = horner(w, 2.2605977741170975e-8, -1.098948458299626e-7, -5.4876658169503593e-6,
                             7.2578108531789629e-5, -1.761591830400175e-4, -2.2867828511138843e-3, 0.011525431199929646,
                             0.23201818285671942, 0.88622678586289464);
    const T tail =
        horner(s, 1.5924086555934603e-5, -5.8833376545035993e-4, 9.4451175868536819e-3, -0.086102489740375991,
               0.48794759865577617, -1.7631373459099508, 3.9775719423171177, -4.1331677054307189, 2.7349095423905901);
    T y = a * (w < 5 ? central : tail);
    constexpr int kSteps = sizeof(T) > sizeof(double) ? 2 : 1;
    for (int i = 0; i < kSteps; ++i) {
      const T miss = a < T(0.5) ? erf(y) - a : beyond - erfc(y);
      const T step = miss / (static_cast<T>(1.128379167095512573896158903L) * exp(-y * y));
      y -= step / (1 + y * step);
    }
    y = a == 0 ? 0 : y;
    y = a == 1 ? kInfinity<T> : y;
    return std::copysign(a > 1 ? kNaN<T> : y, x);
  }
}

/// The probability that a standard normal variable is below x.
template <Real T>
[[gnu::always_inline]] inline T normal_cdf(T x) {
  return erfc(x * static_cast<T>(-0.7071067811865475244008444L)) / 2;
}
/// The same times a factor that is of moderate size where x is negative, rounded once.
template <Computed T>
[[gnu::always_inline]] inline T normal_cdf_times(T x, T factor) {
  return detail::erfc_times(x * static_cast<T>(-0.7071067811865475244008444L), factor / 2);
}
template <std::same_as<long double> T>
T normal_cdf_times(T x, T factor) {
  return normal_cdf(x) * factor;
}
template <Real T>
[[gnu::always_inline]] inline T normal_density(T x) {
  return exp_times(x * x / -2, static_cast<T>(0.3989422804014326779399461L));
}

}  // namespace tapegrad::formula
