#pragma once
// What is read from the number in an Active or a Dual, and what has a derivative of 0 everywhere: rounding, signs,
// kinds of numbers, exponents. And std::numeric_limits.

#include <limits>
#include <tapegrad/scalar/operators.hpp>

namespace tapegrad::scalars {

using detail::Operand;
using detail::Operands;

/// The number in a value, whatever it is nested in; its derivatives are left behind.
template <Operand X>
auto number(const X& x) {
  return detail::number_in(x);
}
template <std::floating_point X>
X number(X x) {
  return x;
}
/// What a value is one level down: the T of an Active<T>.
template <Operand X>
auto value(const X& x) {
  return x.value();
}

// ---- constants ------------------------------------------------------------------------------------------------------

template <Operand X>
detail::Held<X> sign(const X& x) {
  return formula::sign(number(x));
}
template <Operand X>
detail::Held<X> floor(const X& x) {
  return std::floor(number(x));
}
template <Operand X>
detail::Held<X> ceil(const X& x) {
  return std::ceil(number(x));
}
template <Operand X>
detail::Held<X> trunc(const X& x) {
  return std::trunc(number(x));
}
/// Halves away from 0, as std::round; the tensor operation rounds them to even, as rint.
template <Operand X>
detail::Held<X> round(const X& x) {
  return std::round(number(x));
}
template <Operand X>
detail::Held<X> rint(const X& x) {
  return std::rint(number(x));
}
template <Operand X>
detail::Held<X> nearbyint(const X& x) {
  return std::nearbyint(number(x));
}
template <Operand X>
detail::Held<X> logb(const X& x) {
  return std::logb(number(x));
}
template <Operand X>
detail::Held<X> zeros_like(const X&) {
  return 0;
}

// ---- integers and conditions ----------------------------------------------------------------------------------------

bool isfinite(const Operand auto& x) { return std::isfinite(number(x)); }
bool isinf(const Operand auto& x) { return std::isinf(number(x)); }
bool isnan(const Operand auto& x) { return std::isnan(number(x)); }
bool isnormal(const Operand auto& x) { return std::isnormal(number(x)); }
bool signbit(const Operand auto& x) { return std::signbit(number(x)); }
int fpclassify(const Operand auto& x) { return std::fpclassify(number(x)); }
int ilogb(const Operand auto& x) { return std::ilogb(number(x)); }
long lround(const Operand auto& x) { return std::lround(number(x)); }
long long llround(const Operand auto& x) { return std::llround(number(x)); }
long lrint(const Operand auto& x) { return std::lrint(number(x)); }
long long llrint(const Operand auto& x) { return std::llrint(number(x)); }
template <class A, class B>
requires Operands<A, B>
bool isgreater(const A& a, const B& b) { return a > b; }
template <class A, class B>
requires Operands<A, B>
bool isgreaterequal(const A& a, const B& b) { return a >= b; }
template <class A, class B>
requires Operands<A, B>
bool isless(const A& a, const B& b) { return a < b; }
template <class A, class B>
requires Operands<A, B>
bool islessequal(const A& a, const B& b) { return a <= b; }
template <class A, class B>
requires Operands<A, B>
bool islessgreater(const A& a, const B& b) { return a < b || a > b; }
template <class A, class B>
requires Operands<A, B>
bool isunordered(const A& a, const B& b) { return a != a || b != b; }

// ---- taken apart ----------------------------------------------------------------------------------------------------

/// x 2^n.
template <Operand X>
detail::Held<X> ldexp(const X& x, int n) {
  // In two halves, each of which is a number.
  return x * std::ldexp(detail::Innermost<X>(1), n / 2) * std::ldexp(detail::Innermost<X>(1), n - n / 2);
}
template <Operand X>
detail::Held<X> scalbn(const X& x, int n) {
  return ldexp(x, n);
}
template <Operand X>
detail::Held<X> scalbln(const X& x, long n) {
  constexpr long kMost = 40000;  // beyond any exponent
  return ldexp(x, static_cast<int>(n < -kMost ? -kMost : n > kMost ? kMost : n));
}
template <Operand X>
detail::Held<X> frexp(const X& x, int* exponent) {
  std::frexp(number(x), exponent);
  return ldexp(x, -*exponent);
}
template <Operand X>
detail::Held<X> modf(const X& x, detail::Held<X>* whole) {
  *whole = trunc(x);
  return x - *whole;
}

}  // namespace tapegrad::scalars

/// Those of the number within.
template <class X>
requires(tapegrad::scalars::detail::depth<X> > 0 &&
         std::same_as<X, tapegrad::scalars::detail::Held<X>>) class std::numeric_limits<X>
    : public std::numeric_limits<tapegrad::scalars::detail::Innermost<X>> {
  using Number = std::numeric_limits<tapegrad::scalars::detail::Innermost<X>>;

 public:
  static constexpr X min() { return Number::min(); }
  static constexpr X max() { return Number::max(); }
  static constexpr X lowest() { return Number::lowest(); }
  static constexpr X epsilon() { return Number::epsilon(); }
  static constexpr X round_error() { return Number::round_error(); }
  static constexpr X infinity() { return Number::infinity(); }
  static constexpr X quiet_NaN() { return Number::quiet_NaN(); }
  static constexpr X signaling_NaN() { return Number::signaling_NaN(); }
  static constexpr X denorm_min() { return Number::denorm_min(); }
};
