#pragma once
// Any callable of tensors behind one type, for what takes functions: derivatives, gradient checks.

#include <concepts>
#include <functional>
#include <span>
#include <tapegrad/core/tensor.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tapegrad {

namespace detail {

template <class F, std::size_t... I>
constexpr bool takes_tensors(std::index_sequence<I...>) {
  return std::is_invocable_r_v<Tensor, F&, decltype((void(I), std::declval<const Tensor&>()))...>;
}
inline constexpr std::size_t kMaxArguments = 8;
template <class F, std::size_t N>
inline constexpr bool kTakes = takes_tensors<F>(std::make_index_sequence<N>{});
template <class F>
inline constexpr bool kTakesSome = []<std::size_t... I>(std::index_sequence<I...>) {
  return (kTakes<F, I + 1> || ...);
}
(std::make_index_sequence<kMaxArguments>{});
template <class F>
inline constexpr bool kTakesSpan = std::is_invocable_r_v<Tensor, F&, std::span<const Tensor>>;

[[noreturn]] void refuse_arity(std::size_t given, std::size_t taken);

template <class F>
Tensor call_with(F& f, std::span<const Tensor> inputs) {
  Tensor result;
  std::size_t taken = 0;
  bool called = false;
  const auto attempt = [&]<std::size_t... I>(std::index_sequence<I...> all) {
    if constexpr (kTakes<F, sizeof...(I)>) {
      taken = sizeof...(I);
      if (inputs.size() == taken) result = f(inputs[I]...), called = true;
    }
    (void)all;
  };
  [&]<std::size_t... N>(std::index_sequence<N...>) { (attempt(std::make_index_sequence<N + 1>{}), ...); }
  (std::make_index_sequence<kMaxArguments>{});
  if (!called) refuse_arity(inputs.size(), taken);
  return result;
}

}  // namespace detail

/// What returns a Tensor for one to eight Tensors, or for a std::span<const Tensor> of any number.
template <class F>
concept CallableOnTensors = detail::kTakesSome<F> || detail::kTakesSpan<F>;

/// A function of tensors: made from a lambda, a function's name or an object with operator(). Generic lambdas have to
/// name their parameters, as in (const auto& a, const auto& b).
class TensorFunction {
 public:
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, TensorFunction> && CallableOnTensors<std::decay_t<F>>)
      TensorFunction(F&& f)
      : call_([callable = std::decay_t<F>(std::forward<F>(f))](std::span<const Tensor> inputs) mutable -> Tensor {
          if constexpr (detail::kTakesSome<std::decay_t<F>>)
            return detail::call_with(callable, inputs);
          else
            return callable(inputs);
        }) {}

  /// ValueError when the function takes another number of inputs, or returns an undefined tensor.
  Tensor operator()(std::span<const Tensor> inputs) const;

 private:
  std::function<Tensor(std::span<const Tensor>)> call_;
};

}  // namespace tapegrad
