#pragma once
// Expressions over Active values: the right-hand side of a statement. An expression has its value at once; its
// derivatives are worked out when it becomes an Active, which puts one statement on the tape for all of it.

#include <cmath>
#include <cstddef>
#include <tapegrad/core/op.hpp>
#include <tapegrad/scalar/number.hpp>
#include <utility>

namespace tapegrad::scalars::detail {

/// Conversions that Active values, Duals and expressions share.
struct NoDoubleAlone {
  /// The derivatives would be lost. If you are sent here by a compiler: the function called takes `double` alone. Make
  /// its type a template parameter, or, if no derivative is wanted, pass value(x).
  template <std::floating_point U>
  operator U() const = delete;  // This function takes double alone: make it a template, or pass it value(x).
};

/// A number, or a value of a lower level, in an expression.
template <class T>
struct Constant {
  static constexpr int kArguments = 0;
  T number;
  const T& value() const { return number; }
  Epoch epochs() const { return 0; }
};

/// The derivative of O for operand W, at x and y = O(x), times g.
template <class O, int W, class G, class... X>
[[gnu::always_inline]] inline auto rule(const G& g, const X&... x) {
  if constexpr (requires { O::vjp(wrt<W>{}, g, x...); })
    return O::vjp(wrt<W>{}, g, x...);
  else
    return g;  // what OpInfo::passes means
}

template <class O>
inline constexpr bool kLimitedReach = requires {
  O::reach;
};

/// A number that carries out operations itself: Traced.
template <class T>
concept CarriesOut = requires {
  &T::is_constant;
  requires !requires { typename T::Value; };
};

/// O(x) in the precision of T; beyond the reach of the fast formula in long double.
template <class O, class T, class... X>
[[gnu::always_inline]] inline T value_of(const X&... x) {
  if constexpr (CarriesOut<T>) {
    return T::template apply<O>(x...);
  } else {
    if constexpr (kLimitedReach<O> && std::floating_point<T> && !std::same_as<T, long double>) {
      if ((!(std::abs(x) <= static_cast<T>(O::reach)) || ...)) [[unlikely]]
        return static_cast<T>(O::value(static_cast<long double>(x)...));
    }
    return static_cast<T>(O::value(x...));
  }
}

template <class O, int W, class T, class Y, class... X>
[[gnu::always_inline]] inline T gradient_of(const T& g, const Y& y, const X&... x) {
  if constexpr (CarriesOut<T>) {
    return T::template gradient<O, W>(g, y, x...);
  } else {
    T gradient;
    if constexpr (kLimitedReach<O> && std::floating_point<T> && !std::same_as<T, long double>) {
      if ((!(std::abs(x) <= static_cast<T>(O::reach)) || ...)) [[unlikely]]
        gradient = static_cast<T>(
            rule<O, W>(static_cast<long double>(g), static_cast<long double>(x)..., static_cast<long double>(y)));
      else
        gradient = static_cast<T>(rule<O, W>(g, x..., y));
    } else {
      gradient = static_cast<T>(rule<O, W>(g, x..., y));
    }
    if constexpr (O::info.saves == kSavesNothing)
      return gradient;
    else
      return guarded(g, gradient);
  }
}

template <std::size_t J, class X>
struct OperandAt {
  X operand;
};

/// O of its operands: Actives, expressions and constants, held by value, so that an expression in an `auto` outlives
/// what it was made of.
template <class O, class T, class Places, class... X>
class Operation;
template <class O, class T, std::size_t... J, class... X>
class Operation<O, T, std::index_sequence<J...>, X...> : OperandAt<J, X>..., public NoDoubleAlone {
 public:
  using Result = Active<T>;
  static constexpr int kArguments = (X::kArguments + ...);

  [[gnu::always_inline]] explicit Operation(const X&... x)
      : OperandAt<J, X>{x}..., value_(value_of<O, T>(x.value()...)) {}

  [[gnu::always_inline]] const T& value() const { return value_; }
  [[gnu::always_inline]] Epoch epochs() const { return (at<J, X>().epochs() | ...); }
  /// Hands each Active, with the derivative for it times g, to the sink.
  template <class Sink>
  [[gnu::always_inline]] void push(const T& g, Sink& sink) const {
    (push_to<J, X>(g, sink), ...);
  }

 private:
  template <std::size_t I, class A>
  [[gnu::always_inline]] const A& at() const {
    return static_cast<const OperandAt<I, A>&>(*this).operand;
  }
  template <std::size_t I, class A, class Sink>
  [[gnu::always_inline]] void push_to(const T& g, Sink& sink) const {
    if constexpr (A::kArguments > 0) at<I, A>().push(gradient_of<O, int(I)>(g, value_, at<J, X>().value()...), sink);
  }

  T value_;
};

}  // namespace tapegrad::scalars::detail
