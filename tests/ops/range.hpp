#pragma once
// Numbers from all over a floating-point type, and how far a result may be from the truth.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace tapegrad::tests {

/// The distance between neighbours around `value`, in T.
template <class T>
long double ulp(long double value) {
  const long double size = std::fabs(value);
  if (!(size >= std::numeric_limits<T>::min())) return std::numeric_limits<T>::denorm_min();
  const long double top = std::numeric_limits<T>::max();
  return std::ldexp(1.0L, std::ilogb(std::min(size, top)) - (std::numeric_limits<T>::digits - 1));
}

/// The same numbers on every machine.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return state_ >> 11;
  }
  double uniform() { return static_cast<double>(bits()) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

/// 2^exponent times a number from 1 to 2, rounded to T.
template <class T>
T in_binade(double exponent, Noise& noise) {
  const double whole = std::floor(exponent);
  return static_cast<T>(std::ldexp(1 + static_cast<long double>(noise.uniform()), static_cast<int>(whole)));
}

/// Numbers of both signs: half of them spread over all binades, from the smallest subnormal number to the largest
/// finite one; the others near 1, where most functions bend.
template <class T>
std::vector<T> range_points(std::size_t count, Noise& noise) {
  using L = std::numeric_limits<T>;
  const double lowest = L::min_exponent - L::digits, highest = L::max_exponent;
  std::vector<T> points{L::denorm_min(), L::max(), L::min(), T{1}};
  while (points.size() < count / 2) {
    const double share = static_cast<double>(points.size()) / static_cast<double>(count / 2);
    const bool wide = points.size() % 2 == 0;
    const T x = in_binade<T>(wide ? lowest + share * (highest - lowest) : -26 + share * 36, noise);
    points.push_back(std::min(x, L::max()));
  }
  for (std::size_t i = 0, n = points.size(); i < n; ++i) points.push_back(-points[i]);
  return points;
}

/// What stands beside `x` in an op of several inputs: the same, its opposite, 2^60 times it or a part of it, any other.
inline constexpr int kRelations = 5;
template <class T>
T related(T x, int relation, const std::vector<T>& points, Noise& noise) {
  switch (relation) {
    case 0:
      return x;
    case 1:
      return -x;
    case 2:
      return std::isfinite(x * T(0x1p60)) ? x * T(0x1p60) : x * T(0x1p-60);
    case 3:
      return x * T(0x1p-60);
    default:
      return points[noise.bits() % points.size()];
  }
}

/// What a result should be, and how far it moves, per part, when each input moves by a small part of itself.
struct Truth {
  long double value, movement;
};

/// How far `got` is from the truth, in what is allowed: above 1 is wrong.
template <class T>
double error_of(long double got, const Truth& truth, double ulps) {
  constexpr long double kTop = std::numeric_limits<T>::max();
  if (std::isnan(truth.value)) return std::isnan(got) ? 0 : 1e99;
  if (got == truth.value) return 0;
  // An overflow a little early or late is as good as the error it stands for.
  const auto bounded = [&](long double x) { return std::clamp(x, -kTop - ulp<T>(kTop), kTop + ulp<T>(kTop)); };
  const long double wanted = bounded(truth.value);
  const long double allowed = std::max(ulp<T>(wanted), std::numeric_limits<T>::epsilon() * truth.movement);
  if (!(allowed < kTop)) return 0;  // no digit is determined
  if (std::isnan(got)) return 1e99;
  return static_cast<double>(std::fabs(bounded(got) - wanted) / (ulps * allowed));
}

/// The worst of many comparisons, and how many were too far off.
class Worst {
 public:
  void add(double error, const std::function<std::string()>& describe) {
    ++count_;
    wrong_ += error > 1;
    if (error > worst_) worst_ = error, where_ = describe();
  }
  void expect_right(const std::string& what) const {
    EXPECT_LE(worst_, 1.0) << what << ": " << wrong_ << " of " << count_ << " are off; the worst: " << where_;
  }

 private:
  std::size_t count_ = 0, wrong_ = 0;
  double worst_ = -1;
  std::string where_;
};

inline std::string number(long double x) {
  char text[64];
  std::snprintf(text, sizeof text, "%.12Lg", x);
  return text;
}

}  // namespace tapegrad::tests
