#pragma once
// Traced, a number whose operations are written down, to be carried out again at other inputs: what a Program is made
// of. Active<Traced> and Dual<Traced> write down the derivatives.

#include <span>
#include <string_view>
#include <tapegrad/scalar/functions.hpp>
#include <tapegrad/scalar/tape.hpp>

namespace tapegrad::scalars {

class Traced;

namespace detail {

template <>
struct TraitsOf<Traced> {
  static constexpr int depth = 1;
  using Innermost = double;
  using Held = Traced;
};

/// How many samples an instruction is carried out for at once.
inline constexpr int kSamples = 16;
/// out[i] for the operands in[0][i], in[1][i], …
using Kernel = void (*)(const double* const* in, double* out);
inline constexpr std::size_t kMostOperands = 5;  // of the gradient of three: with cotangent and result

class Recorder;
/// Writes the operation down, unless all operands are constants.
Traced trace(Kernel kernel, std::span<const Traced> operands, double value);
/// A relation between two numbers that has to be the same whenever the operations are carried out.
bool trace_relation(std::string_view relation, Kernel kernel, const Traced& a, const Traced& b, bool holds);

}  // namespace detail

/// A number of the Program that this thread records, or a constant.
class Traced : public detail::NoDoubleAlone {
 public:
  constexpr Traced() = default;
  template <class U>
  requires std::is_arithmetic_v<U>
  constexpr Traced(U value) : number_(static_cast<double>(value)) {}

  bool is_constant() const { return epoch_ == 0; }
  /// The number. That it was read is written down: a replay in which it would be another is refused.
  double value() const;

  template <std::integral U>
  explicit operator U() const {
    return static_cast<U>(value());
  }
  explicit operator bool() const { return *this != 0; }

  // Operations, in double: each one instruction, the numbers being those of Active<double>.
  template <class O, class... X>
  static Traced apply(const X&... x);
  template <class O, int W, class... X>
  static Traced gradient(const Traced& g, const Traced& y, const X&... x);

  friend bool vanishes(const Traced& x) { return x.is_constant() && x.number_ == 0; }
  friend Traced innermost(const Traced& x) { return x; }
  friend Traced guarded(const Traced& cotangent, const Traced& gradient);
  friend Traced carried(const Traced& partial, const Traced& cotangent);

  // What comparisons are, where one of the two is a Traced and the other no more.
  static bool equal(const Traced& a, const Traced& b);
  static bool less(const Traced& a, const Traced& b);
  static bool less_equal(const Traced& a, const Traced& b);

 private:
  friend class detail::Recorder;
  friend Traced detail::trace(detail::Kernel kernel, std::span<const Traced> operands, double value);
  friend bool detail::trace_relation(std::string_view relation, detail::Kernel kernel, const Traced& a, const Traced& b,
                                     bool holds);
  bool is(double constant) const { return is_constant() && number_ == constant; }

  double number_ = 0;
  Index index_ = 0;
  Epoch epoch_ = 0;
};

namespace detail {

template <class O, std::size_t... J>
void value_kernel(const double* const* in, double* out) {
  for (int i = 0; i < kSamples; ++i) out[i] = O::value(in[J][i]...);
  if constexpr (kLimitedReach<O>)
    for (int i = 0; i < kSamples; ++i)
      if ((!(std::abs(in[J][i]) <= O::reach) || ...)) out[i] = value_of<O, double>(in[J][i]...);
}

/// Of the cotangent in[0], the result in[1] and the operands from in[2] on.
template <class O, int W, std::size_t... J>
void gradient_kernel(const double* const* in, double* out) {
  for (int i = 0; i < kSamples; ++i) {
    const double gradient = rule<O, W>(in[0][i], in[J + 2][i]..., in[1][i]);
    if constexpr (O::info.saves == kSavesNothing)
      out[i] = gradient;
    else
      out[i] = guarded(in[0][i], gradient);
  }
  if constexpr (kLimitedReach<O>)
    for (int i = 0; i < kSamples; ++i)
      if ((!(std::abs(in[J + 2][i]) <= O::reach) || ...))
        out[i] = gradient_of<O, W>(in[0][i], in[1][i], in[J + 2][i]...);
}

template <class O, std::size_t... J>
constexpr Kernel value_kernel_of(std::index_sequence<J...>) {
  return value_kernel<O, J...>;
}
template <class O, int W, std::size_t... J>
constexpr Kernel gradient_kernel_of(std::index_sequence<J...>) {
  return gradient_kernel<O, W, J...>;
}

/// Whether the rule of operand W reads operand J; what it does not read need not be kept for it.
template <class O, int W>
constexpr bool reads(int j) {
  return kLimitedReach<O> || O::info.saves.inputs.has(j) || (O::info.saves.others && j != W);
}

template <>
struct Apply<Traced> {
  template <class O, class... X>
  static Traced to(const X&... x) {
    return Traced::apply<O>(number_of(x)...);
  }

 private:
  static const Traced& number_of(const Traced& x) { return x; }
  static double number_of(const Constant<double>& x) { return x.number; }
};

}  // namespace detail

template <class A, class B>
concept WithTraced = detail::Operands<A, B> && std::same_as<detail::Outer<A, B>, Traced>;

template <class A, class B>
requires(detail::Operands<A, B>&& WithTraced<A, B>) bool operator==(const A& a, const B& b) {
  return Traced::equal(a, b);
}
template <class A, class B>
requires(detail::Operands<A, B>&& WithTraced<A, B>) bool operator<(const A& a, const B& b) {
  return Traced::less(a, b);
}
template <class A, class B>
requires(detail::Operands<A, B>&& WithTraced<A, B>) bool operator<=(const A& a, const B& b) {
  return Traced::less_equal(a, b);
}

template <class O, class... X>
Traced Traced::apply(const X&... x) {
  const Traced operands[] = {Traced(x)...};
  if constexpr (std::same_as<O, ops::Add>) {
    if (operands[0].is(0)) return operands[1];
  }
  const double value = [&]<std::size_t... J>(std::index_sequence<J...>) {
    return detail::value_of<O, double>(operands[J].number_...);
  }
  (std::index_sequence_for<X...>{});
  return detail::trace(detail::value_kernel_of<O>(std::index_sequence_for<X...>{}), operands, value);
}

template <class O, int W, class... X>
Traced Traced::gradient(const Traced& g, const Traced& y, const X&... x) {
  if constexpr (!requires { O::vjp(wrt<W>{}, 0.0, (void(x), 0.0)..., 0.0); }) {
    return g;
  } else {
    Traced operands[] = {g, y, Traced(x)...};
    if constexpr (std::same_as<O, ops::Mul>) {
      if (g.is(1)) return operands[W == 0 ? 3 : 2];
    }
    if constexpr (!O::info.saves.output && !detail::kLimitedReach<O>) operands[1] = 0;
    for (int j = 0; j < static_cast<int>(sizeof...(X)); ++j)
      if (!detail::reads<O, W>(j)) operands[2 + j] = 0;
    const double value = [&]<std::size_t... J>(std::index_sequence<J...>) {
      return detail::gradient_of<O, W>(g.number_, y.number_, operands[2 + J].number_...);
    }
    (std::index_sequence_for<X...>{});
    return detail::trace(detail::gradient_kernel_of<O, W>(std::index_sequence_for<X...>{}), operands, value);
  }
}

}  // namespace tapegrad::scalars
