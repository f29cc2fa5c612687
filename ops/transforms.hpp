#pragma once
// Derivatives of functions, where core/autograd.hpp has those of values. The functions run on copies of the handles
// given: nothing is added to any grad(), and graphs that they close over stay usable.
//
//   auto [y, dy] = jvp(f, x, v);
//   Tensor h = hessian(f, w);
//   std::vector<Tensor> j = jacobian(f, {a, b});
//
// Activation checkpointing: a part of a model whose intermediate values are computed again instead of kept.

#include <array>
#include <memory>
#include <tapegrad/ops/tensor_function.hpp>

namespace tapegrad {

/// Of all transforms.
struct TransformOptions {
  /// Record the result, so that it can be differentiated again: with respect to the inputs that require a gradient, and
  /// to what the function closes over.
  bool create_graph = false;
};

/// A value and the cotangents pulled back to the inputs; undefined for inputs that are not floating.
struct Pullback {
  Tensor value;
  std::vector<Tensor> gradients;
};
/// f(inputs), and cotangent · df/dinput for each input. Without a cotangent f must return one element. ShapeError when
/// the cotangent has not the value's shape.
Pullback vjp(const TensorFunction& f, const std::vector<Tensor>& inputs, const Tensor& cotangent = {},
             const TransformOptions& options = {});
/// Of a function of one input.
struct ValueAndGradient {
  Tensor value, gradient;
};
ValueAndGradient vjp(const TensorFunction& f, const Tensor& input, const Tensor& cotangent = {},
                     const TransformOptions& options = {});

/// A value, and how it changes along a direction.
struct Pushforward {
  Tensor value, tangent;
};
/// f(inputs), and the sum of df/dinput · tangent, in the value's shape. Each tangent has its input's shape; an
/// undefined one is zero. Forward mode: tangents pass each operation right after its value, at about the cost of the
/// values. Where an operation has no forward rule (OpInfo::forward), one backward pass and one through that pass.
Pushforward jvp(const TensorFunction& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents,
                const TransformOptions& options = {});
Pushforward jvp(const TensorFunction& f, const Tensor& input, const Tensor& tangent,
                const TransformOptions& options = {});

/// The Hessian of f, which returns one element, times `vectors`: the same shapes as the inputs.
std::vector<Tensor> hvp(const TensorFunction& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& vectors,
                        const TransformOptions& options = {});
Tensor hvp(const TensorFunction& f, const Tensor& input, const Tensor& vector, const TransformOptions& options = {});

/// All derivatives of all elements, in the shape of the value followed by that of the input. Costs a backward pass for
/// each element of the value or, where that is cheaper, a forward one for each element of the inputs.
std::vector<Tensor> jacobian(const TensorFunction& f, const std::vector<Tensor>& inputs,
                             const TransformOptions& options = {});
Tensor jacobian(const TensorFunction& f, const Tensor& input, const TransformOptions& options = {});

/// Second derivatives of f, which returns one element: block [i][j] has the shape of input i followed by that of j.
std::vector<std::vector<Tensor>> hessian(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                         const TransformOptions& options = {});
Tensor hessian(const TensorFunction& f, const Tensor& input, const TransformOptions& options = {});

/// f(inputs), of which only the inputs are kept for the backward pass, which calls f again: memory for time.
///
///   Tensor h = checkpoint([&](const Tensor& x) { return block(x); }, x);
///
/// The gradients, of the inputs and of the leaves that f closes over, are those of f(inputs), of any order. What f
/// draws from any generator is repeated; generators, running statistics and caches move once (core/recompute.hpp is for
/// layers with state of their own). `f`, with what it refers to, must outlive the graph and do the same each time:
/// ValueError if it draws otherwise or returns another shape. A result that was computed outside of f must be among the
/// inputs (ValueError if f closes over one), and one computed inside must be returned (GraphError if another is
/// differentiated).
Tensor checkpoint(const TensorFunction& f, const std::vector<Tensor>& inputs);
Tensor checkpoint(const TensorFunction& f, const Tensor& input);

namespace detail {

template <class F, std::size_t N>
inline constexpr bool kCallable = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::is_invocable_v<F&, decltype((void(I), std::declval<const Tensor&>()))...>;
}
(std::make_index_sequence<N>{});
inline constexpr std::size_t kMaxRuleArguments = kMaxArguments + 2;

template <class F>
constexpr unsigned arities() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (std::is_invocable_v<F&, std::span<const Tensor>> ? 1u : 0u) | (... | (kCallable<F, I + 1> ? 2u << I : 0u));
  }
  (std::make_index_sequence<kMaxRuleArguments>{});
}

inline std::vector<Tensor> as_list(Tensor one) { return {std::move(one)}; }
inline std::vector<Tensor> as_list(std::vector<Tensor> all) { return all; }

template <class F>
std::vector<Tensor> call_rule(F& rule, std::span<const Tensor> given) {
  std::vector<Tensor> gradients;
  const auto attempt = [&]<std::size_t... I>(std::index_sequence<I...>) {
    if constexpr (kCallable<F, sizeof...(I)>)
      if (given.size() == sizeof...(I)) gradients = as_list(rule(given[I]...));
  };
  if constexpr (std::is_invocable_v<F&, std::span<const Tensor>>)
    gradients = as_list(rule(given));
  else
    [&]<std::size_t... N>(std::index_sequence<N...>) { (attempt(std::make_index_sequence<N + 1>{}), ...); }
  (std::make_index_sequence<kMaxRuleArguments>{});
  return gradients;
}

}  // namespace detail

/// A gradient rule: a function of the cotangent g, the inputs and, if it takes one more tensor, the result; or of a
/// span of all these. It returns one tensor, or a std::vector of one an input, undefined where the gradient is zero.
/// Written on tensors, it can be differentiated again.
class GradientRule {
 public:
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, GradientRule>) GradientRule(F&& f)
      : arguments_(detail::arities<std::decay_t<F>>()),
        call_([rule = std::decay_t<F>(std::forward<F>(f))](std::span<const Tensor> given) mutable {
          return detail::call_rule(rule, given);
        }) {
    static_assert(detail::arities<std::decay_t<F>>() != 0, "a rule takes tensors, or a std::span<const Tensor>");
  }

  /// Whether a rule for so many inputs is given the result too. ValueError if it takes another number of inputs.
  bool reads_result(std::size_t inputs) const;
  /// `given` are g, the inputs and, if it reads that, the result.
  std::vector<Tensor> operator()(std::span<const Tensor> given) const { return call_(given); }

 private:
  unsigned arguments_;  // bit n: it can be called with n tensors; bit 0: with a span of any number
  std::function<std::vector<Tensor>(std::span<const Tensor>)> call_;
};

/// A function with a gradient of its own: see with_gradient().
class WithGradient {
 public:
  WithGradient(TensorFunction f, GradientRule rule);

  template <std::convertible_to<Tensor>... X>
  requires(sizeof...(X) > 0) Tensor operator()(const X&... x) const {
    return run(std::array<Tensor, sizeof...(X)>{x...});
  }
  Tensor operator()(std::span<const Tensor> inputs) const { return run(inputs); }

 private:
  Tensor run(std::span<const Tensor> inputs) const;

  TensorFunction f_;
  std::shared_ptr<const GradientRule> rule_;
};

/// f with the gradient that `rule` says:
///
///   auto rounded = with_gradient([](const Tensor& x) { return round(x); },
///                                [](const Tensor& g, const Tensor&) { return g; });
///   Tensor y = rounded(x);
///
/// ValueError if f reaches tensors that require a gradient besides its inputs: the rule would say nothing of them.
WithGradient with_gradient(TensorFunction f, GradientRule rule);

}  // namespace tapegrad
