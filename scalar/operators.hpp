#pragma once
// Arithmetic and comparison of Active values, Duals, their expressions, and numbers.

#include <tapegrad/ops/formulas/arithmetic.hpp>
#include <tapegrad/scalar/active.hpp>
#include <tapegrad/scalar/dual.hpp>

namespace tapegrad::scalars {
namespace detail {

/// Of an operation on A and B: of the outermost of them.
template <class A, class B>
using Outer = std::conditional_t<(depth<A> >= depth<B>), Held<A>, Held<B>>;

/// What can stand beside an R: one itself, or a constant.
template <class X, class R>
concept Beside = std::same_as<Held<X>, R> ||(depth<X> < depth<R> && std::is_convertible_v<const Held<X>&, R>);

template <class X>
concept Operand = (depth<X> > 0);
template <class A, class B>
concept Operands = (Operand<A> || Operand<B>)&&Beside<A, Outer<A, B>>&& Beside<B, Outer<A, B>>;
template <class A, class B, class C>
concept ThreeOperands = (Operand<A> || Operand<B> || Operand<C>)&&Beside<A, Outer<Outer<A, B>, C>>&& Beside<
    B, Outer<Outer<A, B>, C>>&& Beside<C, Outer<Outer<A, B>, C>>;

/// X as it stands in an operation whose result is an R.
template <class R, class X>
[[gnu::always_inline]] inline auto operand(const X& x) {
  if constexpr (std::same_as<Held<X>, R>)
    return x;
  else if constexpr (std::is_arithmetic_v<X>)
    return Constant<Innermost<R>>{static_cast<Innermost<R>>(x)};
  else
    return Constant<Held<X>>{x};
}

template <class R>
struct Apply;
template <class T>
struct Apply<Active<T>> {
  template <class O, class... X>
  [[gnu::always_inline]] static auto to(const X&... x) {
    return Operation<O, T, std::index_sequence_for<X...>, X...>(x...);
  }
};
template <class T, int N>
struct Apply<Dual<T, N>> {
  template <class O, class... X>
  static Dual<T, N> to(const X&... x) {
    return with_places<O>(std::index_sequence_for<X...>{}, x...);
  }

 private:
  template <class O, std::size_t... J, class... X>
  static Dual<T, N> with_places(std::index_sequence<J...>, const X&... x) {
    Dual<T, N> result(value_of<O, T>(x.value()...));
    (add_tangent<O, int(J)>(result, x, x.value()...), ...);
    return result;
  }
  template <class O, int W, class X, class... V>
  static void add_tangent(Dual<T, N>& result, const X& x, const V&... values) {
    if constexpr (std::same_as<X, Dual<T, N>>) {
      const T slope = gradient_of<O, W>(T(1), result.value(), values...);
      for (int i = 0; i < N; ++i) {
        const T product = slope * x.tangent(i);
        result.tangent(i) += guarded(x.tangent(i), product);
      }
    }
  }
};

/// O on numbers and values, of which one at least is no number.
template <class O, class A>
[[gnu::always_inline]] inline auto apply(const A& a) {
  using R = Held<A>;
  return Apply<R>::template to<O>(operand<R>(a));
}
template <class O, class A, class B>
[[gnu::always_inline]] inline auto apply(const A& a, const B& b) {
  using R = Outer<A, B>;
  return Apply<R>::template to<O>(operand<R>(a), operand<R>(b));
}
template <class O, class A, class B, class C>
[[gnu::always_inline]] inline auto apply(const A& a, const B& b, const C& c) {
  using R = Outer<Outer<A, B>, C>;
  return Apply<R>::template to<O>(operand<R>(a), operand<R>(b), operand<R>(c));
}

/// The value of a value, a number itself: one level down from R.
template <class R, class X>
[[gnu::always_inline]] inline decltype(auto) below(const X& x) {
  if constexpr (std::same_as<Held<X>, R>)
    return x.value();
  else
    return x;
}

/// The number within a value.
template <Operand X>
auto number_in(const X& x) {
  const auto within = innermost(x.value());
  if constexpr (depth < decltype(within) >> 0)
    return within.value();  // of a Traced, which takes note of it
  else
    return within;
}

}  // namespace detail

// ---- arithmetic -----------------------------------------------------------------------------------------------------

template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline auto operator+(const A& a, const B& b) { return detail::apply<ops::Add>(a, b); }
template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline auto operator-(const A& a, const B& b) { return detail::apply<ops::Sub>(a, b); }
template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline auto operator*(const A& a, const B& b) { return detail::apply<ops::Mul>(a, b); }
template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline auto operator/(const A& a, const B& b) { return detail::apply<ops::Div>(a, b); }
template <detail::Operand A>
[[gnu::always_inline]] inline auto operator-(const A& a) {
  return detail::apply<ops::Neg>(a);
}
template <detail::Operand A>
[[gnu::always_inline]] inline const A& operator+(const A& a) {
  return a;
}

/// Active values and Duals that are assigned to.
template <class A, class B>
concept Assignable = std::same_as<A, detail::Held<A>> && detail::Operands<A, B> && detail::Beside<B, A>;

template <class A, class B>
requires Assignable<A, B>
[[gnu::always_inline]] inline A& operator+=(A& a, const B& b) { return a = a + b; }
template <class A, class B>
requires Assignable<A, B>
[[gnu::always_inline]] inline A& operator-=(A& a, const B& b) { return a = a - b; }
template <class A, class B>
requires Assignable<A, B>
[[gnu::always_inline]] inline A& operator*=(A& a, const B& b) { return a = a * b; }
template <class A, class B>
requires Assignable<A, B>
[[gnu::always_inline]] inline A& operator/=(A& a, const B& b) { return a = a / b; }
template <class A>
requires Assignable<A, int> A& operator++(A& a) { return a = a + 1; }
template <class A>
requires Assignable<A, int> A& operator--(A& a) { return a = a - 1; }

// ---- comparison, of the values --------------------------------------------------------------------------------------

template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline bool operator==(const A& a, const B& b) {
  using R = detail::Outer<A, B>;
  return detail::below<R>(a) == detail::below<R>(b);
}
template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline bool operator!=(const A& a, const B& b) { return !(a == b); }
template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline bool operator<(const A& a, const B& b) {
  using R = detail::Outer<A, B>;
  return detail::below<R>(a) < detail::below<R>(b);
}
template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline bool operator>(const A& a, const B& b) { return b < a; }
template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline bool operator<=(const A& a, const B& b) {
  using R = detail::Outer<A, B>;
  return detail::below<R>(a) <= detail::below<R>(b);
}
template <class A, class B>
requires detail::Operands<A, B>
[[gnu::always_inline]] inline bool operator>=(const A& a, const B& b) { return b <= a; }

}  // namespace tapegrad::scalars
