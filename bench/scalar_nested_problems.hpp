#pragma once
// Functions that differentiate inside: J. M. Siskind and B. A. Pearlmutter, 2008.

#include <tapegrad/scalar/derivatives.hpp>
#include <vector>

namespace scalar_problems {

/// A charged particle falls between two charges, along the gradient of their potential, by Euler's method; the square
/// of the place where it meets the floor. Input: the height of the first charge.
struct Particle {
  template <class T>
  T value(const std::vector<T>& x) const {
    const auto potential = [&](const auto& at) {
      const auto from = [&](double across, const auto& up) {
        const auto right = at[0] - across, above = at[1] - up;
        return 1 / sqrt(square(right) + square(above));
      };
      using U = std::remove_cvref_t<decltype(at[0])>;
      return U(from(10, 10 - x[0]) + from(10, 0.0));
    };
    constexpr double kStep = 0.1;
    std::vector<T> at{0, 8}, velocity{0.75, 0};
    while (at[1] + kStep * velocity[1] > 0) {
      const std::vector<T> slope = tapegrad::scalars::gradient(potential, at);
      for (std::size_t i = 0; i < 2; ++i) {
        at[i] += kStep * velocity[i];
        velocity[i] -= kStep * slope[i];
      }
    }
    const T time = -at[1] / velocity[1], end = at[0] + time * velocity[0];
    return end * end;
  }
  std::vector<double> inputs{0};
};

/// min over a of max over b of |a|² - |b|² + a b, by steps along gradients of what is itself found by such steps.
/// Inputs: where a starts.
struct Saddle {
  static constexpr int kSteps = 12;
  template <class T>
  T value(const std::vector<T>& start) const {
    return descend(
        [](const auto& a) {
          using U = std::remove_cvref_t<decltype(a[0])>;
          return -descend(
              [&](const auto& b) {
                using V = std::remove_cvref_t<decltype(b[0])>;
                return V(b[0] * b[0] + b[1] * b[1] - a[0] * a[0] - a[1] * a[1] - a[0] * b[0] - a[1] * b[1]);
              },
              std::vector<U>{1, 1});
        },
        start);
  }
  /// The function's value after a few steps.
  template <class F, class T>
  static T descend(const F& f, std::vector<T> at) {
    for (int i = 0; i < kSteps; ++i) {
      const std::vector<T> slope = tapegrad::scalars::gradient(f, at);
      for (std::size_t k = 0; k < at.size(); ++k) at[k] -= 0.1 * slope[k];
    }
    return f(at);
  }
  std::vector<double> inputs{1, 1};
};

}  // namespace scalar_problems
