#pragma once
// What the scalar types ask of the numbers that they are made of: floating-point numbers, and each other.

#include <concepts>
#include <cstdint>
#include <limits>
#include <tapegrad/core/language.hpp>
#include <type_traits>

namespace tapegrad::scalars {

/// Tells the stretches of all tapes apart that were recorded between two rewinds; 0 for constants.
using Epoch = std::uint32_t;

template <class T>
class Active;
template <class T, int N>
class Dual;

namespace detail {

/// How many types that differentiate are around the number in X, what that number is, and the type that holds X's
/// value: itself, but for expressions.
template <class X>
struct TraitsOf {
  static constexpr int depth = 0;
  using Innermost = X;
  using Held = X;
};
template <class T>
struct TraitsOf<Active<T>> {
  static constexpr int depth = TraitsOf<T>::depth + 1;
  using Innermost = typename TraitsOf<T>::Innermost;
  using Held = Active<T>;
};
template <class T, int N>
struct TraitsOf<Dual<T, N>> {
  static constexpr int depth = TraitsOf<T>::depth + 1;
  using Innermost = typename TraitsOf<T>::Innermost;
  using Held = Dual<T, N>;
};
/// An expression whose value is an Active<T>.
template <class X>
requires requires { typename X::Result; }
struct TraitsOf<X> : TraitsOf<typename X::Result> {};

template <class X>
inline constexpr int depth = TraitsOf<std::remove_cvref_t<X>>::depth;
template <class X>
using Held = typename TraitsOf<std::remove_cvref_t<X>>::Held;
template <class X>
using Innermost = typename TraitsOf<std::remove_cvref_t<X>>::Innermost;

// ---- several adjoints at once ---------------------------------------------------------------------------------------

template <class T, int N>
struct Lanes {
  T lane[N]{};
  Lanes& operator+=(const Lanes& other) {
    for (int i = 0; i < N; ++i) lane[i] += other.lane[i];
    return *this;
  }
  friend Lanes operator*(const T& factor, const Lanes& lanes) {
    Lanes product;
    for (int i = 0; i < N; ++i) product.lane[i] = factor * lanes.lane[i];
    return product;
  }
};

template <class X>
inline constexpr int lanes = 1;
template <class T, int N>
inline constexpr int lanes<Lanes<T, N>> = N;

template <class T>
T& lane_of(T& x, int) {
  return x;
}
template <class T>
const T& lane_of(const T& x, int) {
  return x;
}
template <class T, int N>
T& lane_of(Lanes<T, N>& x, int lane) {
  return x.lane[lane];
}
template <class T, int N>
const T& lane_of(const Lanes<T, N>& x, int lane) {
  return x.lane[lane];
}

// ---- zero -----------------------------------------------------------------------------------------------------------

/// Whether x is 0 with all its derivatives: nothing that it is a factor of counts.
template <std::floating_point T>
[[gnu::always_inline]] inline bool vanishes(T x) {
  return x == 0;
}
template <class T, int N>
bool vanishes(const Lanes<T, N>& x) {
  for (int i = 0; i < N; ++i)
    if (!vanishes(x.lane[i])) return false;
  return true;
}

/// A partial derivative times the adjoint that it carries on.
template <class T, class Adjoint>
[[gnu::always_inline]] inline auto carried(const T& partial, const Adjoint& adjoint) {
  return partial * adjoint;
}

/// The number within.
template <std::floating_point T>
[[gnu::always_inline]] inline T innermost(T x) {
  return x;
}

/// A gradient that a zero cotangent leaves 0 where the slope is not finite (decision 0004).
template <std::floating_point T>
[[gnu::always_inline]] inline T guarded(T cotangent, T gradient) {
  return cotangent == 0 ? cotangent : gradient;
}
template <class T>
requires(!std::floating_point<T>) T guarded(const T& cotangent, const T& gradient) {
  return innermost(cotangent) == 0 && !(innermost(gradient) - innermost(gradient) == 0) ? T(0) : gradient;
}

}  // namespace detail
}  // namespace tapegrad::scalars
