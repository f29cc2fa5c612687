#pragma once
// Dual<T, N>, a number with N derivatives that are worked out along with it: forward mode, all results for N
// directions.
//
//   Dual<double, 2> x(2.0, 0), y(3.0, 1);  // seeded: directions 0 and 1
//   (x * y).tangent(0);                    // 3

#include <tapegrad/scalar/expression.hpp>

namespace tapegrad::scalars {

/// T is float, double, long double, a Dual or an Active; N is at least 1.
template <class T, int N = 1>
class Dual : public detail::NoDoubleAlone {
  static_assert(N > 0, "a Dual has one direction or more");

 public:
  using Value = T;

  constexpr Dual() = default;
  /// A constant: its derivatives are 0.
  template <class U>
  requires(detail::depth<U> <= detail::depth<T> && std::is_convertible_v<const U&, T>) constexpr Dual(const U& value)
      : value_(static_cast<T>(value)) {}
  template <class U>
  requires(std::is_arithmetic_v<U> && !std::is_convertible_v<const U&, T>) constexpr Dual(U value) : value_(value) {}
  /// An input: 1 in the direction given, from 0 to N - 1.
  Dual(const T& value, int direction) : value_(value) { tangent_[direction] = T(1); }

  const T& value() const { return value_; }
  const T& tangent(int direction = 0) const { return tangent_[direction]; }
  T& tangent(int direction = 0) { return tangent_[direction]; }

  /// The whole part; it has no derivative to lose.
  template <std::integral U>
  explicit operator U() const {
    return static_cast<U>(value_);
  }
  explicit operator bool() const { return value_ != 0; }

  friend bool vanishes(const Dual& x) {
    using detail::vanishes;
    for (int i = 0; i < N; ++i)
      if (!vanishes(x.tangent_[i])) return false;
    return vanishes(x.value_);
  }
  friend auto innermost(const Dual& x) {
    using detail::innermost;
    return innermost(x.value_);
  }

 private:
  T value_{};
  T tangent_[N]{};
};

}  // namespace tapegrad::scalars
