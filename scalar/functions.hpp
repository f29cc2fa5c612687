#pragma once
// The functions of <cmath>, and more, of Active values and Duals. Found by argument-dependent look-up: write `sin(x)`,
// or `using std::sin; sin(x)`, not `std::sin(x)`. Values and derivatives are those of the tensor operations
// (ops/formulas/); corners and ties are decided as theirs are (docs/kinks.md).

#include <tapegrad/ops/formulas/activation.hpp>
#include <tapegrad/ops/formulas/elementary.hpp>
#include <tapegrad/ops/formulas/rounding.hpp>
#include <tapegrad/ops/formulas/special.hpp>
#include <tapegrad/scalar/parts.hpp>

namespace tapegrad::formula {

/// Constants in formulas that scalars are read on have the precision of the number within.
template <class X>
requires(scalars::detail::depth<X> > 0) struct ScalarOf<X> {
  using type = scalars::detail::Innermost<X>;
};

}  // namespace tapegrad::formula

namespace tapegrad::scalars {

namespace detail {

/// The order is a number of which there is no derivative.
struct Polygamma {
  static constexpr OpInfo info{.name = "polygamma", .formula = "", .inputs = {"x", "order"}};
  static auto value(const auto& x, const auto& order) { return ops::PolygammaRule::value(x, static_cast<int>(order)); }
  static auto vjp(wrt<0> w, const auto& g, const auto& x, const auto& order, const auto& y) {
    return ops::PolygammaRule::vjp(w, g, x, y, static_cast<int>(order));
  }
};

struct Fma {
  static constexpr OpInfo info{.name = "fma", .formula = "y = a b + c", .inputs = {"a", "b", "c"}, .passes = {2}};
  static auto value(const auto& a, const auto& b, const auto& c) {
    if constexpr (formula::Number<std::remove_cvref_t<decltype(a * b + c)>>)
      return std::fma(a, b, c);
    else
      return a * b + c;
  }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& b, const auto&, const auto&) { return g * b; }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto&, const auto&, const auto&) { return g * a; }
};

struct Tgamma {
  static constexpr OpInfo info{.name = "tgamma", .formula = "y = Γ(x)", .inputs = {"x"}, .saves = kSavesAll};
  static auto value(const auto& x) {
    using std::tgamma;
    return tgamma(x);
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto& y) {
    using namespace formula;
    return g * y * digamma(x);
  }
};

}  // namespace detail

using detail::ThreeOperands;

// ---- exponentials, logarithms, powers -------------------------------------------------------------------------------

auto exp(const Operand auto& x) { return detail::apply<ops::Exp>(x); }
auto exp2(const Operand auto& x) { return detail::apply<ops::Exp2>(x); }
auto expm1(const Operand auto& x) { return detail::apply<ops::Expm1>(x); }
auto log(const Operand auto& x) { return detail::apply<ops::Log>(x); }
auto log2(const Operand auto& x) { return detail::apply<ops::Log2>(x); }
auto log10(const Operand auto& x) { return detail::apply<ops::Log10>(x); }
auto log1p(const Operand auto& x) { return detail::apply<ops::Log1p>(x); }
auto sqrt(const Operand auto& x) { return detail::apply<ops::Sqrt>(x); }
auto rsqrt(const Operand auto& x) { return detail::apply<ops::Rsqrt>(x); }
auto cbrt(const Operand auto& x) { return detail::apply<ops::Cbrt>(x); }
auto square(const Operand auto& x) { return detail::apply<ops::Square>(x); }
auto reciprocal(const Operand auto& x) { return detail::apply<ops::Reciprocal>(x); }
template <class A, class B>
requires Operands<A, B>
auto pow(const A& a, const B& b) { return detail::apply<ops::Pow>(a, b); }
template <class A, class B>
requires Operands<A, B>
auto hypot(const A& a, const B& b) { return detail::apply<ops::Hypot>(a, b); }
template <class A, class B, class C>
requires ThreeOperands<A, B, C>
auto hypot(const A& a, const B& b, const C& c) { return hypot(hypot(a, b), c); }
template <class A, class B, class C>
requires ThreeOperands<A, B, C>
auto lerp(const A& a, const B& b, const C& t) { return detail::apply<ops::Lerp>(a, b, t); }

/// a b + c; where they are numbers, with one rounding.
template <class A, class B, class C>
requires ThreeOperands<A, B, C>
auto fma(const A& a, const B& b, const C& c) { return detail::apply<detail::Fma>(a, b, c); }

// ---- trigonometric and hyperbolic -----------------------------------------------------------------------------------

auto sin(const Operand auto& x) { return detail::apply<ops::Sin>(x); }
auto cos(const Operand auto& x) { return detail::apply<ops::Cos>(x); }
auto tan(const Operand auto& x) { return detail::apply<ops::Tan>(x); }
auto asin(const Operand auto& x) { return detail::apply<ops::Asin>(x); }
auto acos(const Operand auto& x) { return detail::apply<ops::Acos>(x); }
auto atan(const Operand auto& x) { return detail::apply<ops::Atan>(x); }
template <class A, class B>
requires Operands<A, B>
auto atan2(const A& y, const B& x) { return detail::apply<ops::Atan2>(y, x); }
auto sinh(const Operand auto& x) { return detail::apply<ops::Sinh>(x); }
auto cosh(const Operand auto& x) { return detail::apply<ops::Cosh>(x); }
auto tanh(const Operand auto& x) { return detail::apply<ops::Tanh>(x); }
auto asinh(const Operand auto& x) { return detail::apply<ops::Asinh>(x); }
auto acosh(const Operand auto& x) { return detail::apply<ops::Acosh>(x); }
auto atanh(const Operand auto& x) { return detail::apply<ops::Atanh>(x); }

// ---- special functions ----------------------------------------------------------------------------------------------

auto erf(const Operand auto& x) { return detail::apply<ops::Erf>(x); }
auto erfc(const Operand auto& x) { return detail::apply<ops::Erfc>(x); }
auto erfinv(const Operand auto& x) { return detail::apply<ops::Erfinv>(x); }
auto normal_cdf(const Operand auto& x) { return detail::apply<ops::NormalCdf>(x); }
auto normal_density(const Operand auto& x) { return detail::apply<ops::NormalDensity>(x); }
auto lgamma(const Operand auto& x) { return detail::apply<ops::Lgamma>(x); }
auto digamma(const Operand auto& x) { return detail::apply<ops::Digamma>(x); }
auto logistic(const Operand auto& x) { return detail::apply<ops::Sigmoid>(x); }
auto log_logistic(const Operand auto& x) { return detail::apply<ops::LogSigmoid>(x); }
auto softplus(const Operand auto& x) { return detail::apply<ops::Softplus>(x); }
template <class A, class B>
requires Operands<A, B>
auto logaddexp(const A& a, const B& b) { return detail::apply<ops::Logaddexp>(a, b); }
template <class A, class B>
requires Operands<A, B>
auto xlogy(const A& a, const B& b) { return detail::apply<ops::Xlogy>(a, b); }

auto tgamma(const Operand auto& x) { return detail::apply<detail::Tgamma>(x); }

/// The derivative of that order of digamma, from 0 to 30; a NaN beyond.
auto polygamma(int order, const Operand auto& x) { return detail::apply<detail::Polygamma>(x, order); }

// ---- corners --------------------------------------------------------------------------------------------------------

auto abs(const Operand auto& x) { return detail::apply<ops::Abs>(x); }
auto fabs(const Operand auto& x) { return detail::apply<ops::Abs>(x); }
/// Equal arguments share the gradient evenly; of a NaN and a number, the NaN.
template <class A, class B>
requires Operands<A, B>
auto maximum(const A& a, const B& b) { return detail::apply<ops::Maximum>(a, b); }
template <class A, class B>
requires Operands<A, B>
auto minimum(const A& a, const B& b) { return detail::apply<ops::Minimum>(a, b); }
template <class A, class B>
requires Operands<A, B>
auto max(const A& a, const B& b) { return maximum(a, b); }
template <class A, class B>
requires Operands<A, B>
auto min(const A& a, const B& b) { return minimum(a, b); }
/// Of a NaN and a number, the number.
template <class A, class B>
requires Operands<A, B>
auto fmax(const A& a, const B& b) { return detail::apply<ops::Fmax>(a, b); }
template <class A, class B>
requires Operands<A, B>
auto fmin(const A& a, const B& b) { return detail::apply<ops::Fmin>(a, b); }
template <class A, class B>
requires Operands<A, B>
auto fdim(const A& a, const B& b) { return maximum(a - b, 0); }
template <class A, class B>
requires Operands<A, B>
auto copysign(const A& a, const B& b) { return detail::apply<ops::Copysign>(a, b); }
template <class A, class B>
requires Operands<A, B>
auto fmod(const A& a, const B& b) { return detail::apply<ops::Fmod>(a, b); }

/// One of two values; only the one that is chosen has a gradient.
template <class A, class B>
requires Operands<A, B> detail::Outer<A, B> where(bool condition, const A& a, const B& b) {
  if (condition) return detail::Outer<A, B>(a);
  return detail::Outer<A, B>(b);
}

}  // namespace tapegrad::scalars
