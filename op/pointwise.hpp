#pragma once
// From a pointwise op's one declaration to all that the engine needs of it. Include this to define an op; to call ops,
// include their families' headers instead, which compile faster.
//
//   struct Sigmoid {
//     static constexpr OpInfo info{.name = "sigmoid", .formula = "y = 1 / (1 + exp(-x))", .inputs = {"x"}, …};
//     static auto value(const auto& x) { return logistic(x); }
//     static auto vjp(wrt<0>, const auto& g, const auto& x, const auto& y) { return g * y * (1 - y); }
//   };
//   Tensor sigmoid(const Tensor& x) { return apply<Sigmoid>(x); }
//
// An op with attributes has `struct Attrs` with fields(), passed to value and vjp as their last argument. `static void
// check(const Attrs&)` throws for those that cannot be right, however the op is called; bad_attributes() gives examples
// (BadAttributesOf). A number in a formula must not raise its precision: write whole numbers, or
// constant<decltype(x)>(0.1L).
//
// `static constexpr double reach` is the largest |input| that the fast reading takes; beyond it, elements are computed
// in long double.

#include <cmath>
#include <limits>
#include <memory>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/attributes.hpp>
#include <tapegrad/op/formula.hpp>
#include <tapegrad/op/sample.hpp>
#include <tapegrad/op/table.hpp>
#include <tuple>
#include <utility>

namespace tapegrad {

template <class O>
concept DeclaresPointwise = requires {
  { O::info } -> std::convertible_to<const OpInfo&>;
}
&&!requires { &O::forward; }
&&!requires { &O::view; }
&&!requires { typename O::In; };

namespace detail {

/// Stands in a rule for what `saves` did not declare. It has no operators: a rule that uses the value does not compile.
struct Absent {};

template <class O>
inline constexpr int kInputs = O::info.inputs.count;
template <class O, int W>
inline constexpr bool kHasRule = O::info.differentiable && !O::info.masks.has(W) && !O::info.passes.has(W);

/// A slope that is computed from values can be infinite or NaN where its product is not used. A zero cotangent then
/// gives a zero gradient, so that the branch not taken by `where` does not poison the one that is.
template <class O>
inline constexpr bool kGuarded = !(O::info.saves == kSavesNothing) && O::info.masks == InputSet{};

/// Whether the rule for input W may read input J.
template <class O, int W, int J>
inline constexpr bool kReads = O::info.saves.inputs.has(J) || (O::info.saves.others && J != W);

template <class O, class... X>
decltype(auto) value_of(const void* attributes, const X&... x) {
  if constexpr (HasAttributes<O>)
    return O::value(x..., *static_cast<const typename O::Attrs*>(attributes));
  else
    return O::value(x...);
}

template <class O, int W, class G, class... X>
decltype(auto) vjp_of(const void* attributes, const G& g, const X&... x) {  // x: the inputs, then the output
  if constexpr (HasAttributes<O>)
    return O::vjp(wrt<W>{}, g, x..., *static_cast<const typename O::Attrs*>(attributes));
  else
    return O::vjp(wrt<W>{}, g, x...);
}

// ---- read on float, double and integers -----------------------------------------------------------------------------

template <class O, class T, int J>
using InputType = std::conditional_t<O::info.masks.has(J), bool, T>;
template <class O, class T>
using ResultType = std::conditional_t<O::info.kind == Kind::predicate, bool, T>;

template <class O>
inline constexpr bool kLimited = requires {
  O::reach;
};

/// A formula's result; one of a higher precision would have slowed the loop down.
template <class T, class R>
T exact(R result) {
  static_assert(!std::is_floating_point_v<T> || std::is_same_v<T, R>,
                "the formula leaves the precision it is read in; write its numbers as constant<decltype(x)>(...)");
  return static_cast<T>(result);
}

/// A copy of the op's attributes: the compiler then knows that the kernel's results do not overwrite them.
template <class O>
Attributes<O> copied(const void* attributes) {
  if constexpr (HasAttributes<O>)
    return *static_cast<const Attributes<O>*>(attributes);
  else
    return {};
}

template <class O, class T, std::size_t... J>
[[gnu::flatten]] void value_kernel(const void* const* inputs, void* output, std::int64_t n, const void* attributes) {
  using Result = ResultType<O, T>;
  auto* __restrict out = static_cast<Result*>(output);
  const auto in = std::tuple{static_cast<const InputType<O, T, int(J)>*>(inputs[J])...};
  [[maybe_unused]] const Attributes<O> a = copied<O>(attributes);
  for (std::int64_t i = 0; i < n; ++i) {
    if constexpr (HasAttributes<O>)
      out[i] = exact<Result>(O::value(std::get<J>(in)[i]..., a));
    else
      out[i] = exact<Result>(O::value(std::get<J>(in)[i]...));
  }
  if constexpr (kLimited<O> && std::is_floating_point_v<T>) {
    const T* x = std::get<0>(in);
    for (std::int64_t i = 0; i < n; ++i)
      if (std::abs(x[i]) > static_cast<T>(O::reach)) out[i] = static_cast<T>(O::value(static_cast<long double>(x[i])));
  }
}

template <class O, int W, class T, int J>
auto saved_input(const void* const* inputs, std::int64_t i) {
  if constexpr (kReads<O, W, J>)
    return static_cast<const InputType<O, T, J>*>(inputs[J])[i];
  else
    return Absent{};
}

template <class O, class T>
auto saved_output(const void* output, std::int64_t i) {
  if constexpr (O::info.saves.output)
    return static_cast<const T*>(output)[i];
  else
    return Absent{};
}

template <class O, class T>
T guarded(T g, T gradient) {
  if constexpr (kGuarded<O>)
    return g == 0 ? g : gradient;
  else
    return gradient;
}

template <class O, int W, class T, std::size_t... J>
[[gnu::flatten]] void vjp_kernel(const void* cotangent, const void* const* inputs, const void* output, void* gradient,
                                 std::int64_t n, const void* attributes) {
  const T* g = static_cast<const T*>(cotangent);
  T* __restrict out = static_cast<T*>(gradient);
  [[maybe_unused]] const Attributes<O> a = copied<O>(attributes);
  for (std::int64_t i = 0; i < n; ++i) {
    if constexpr (HasAttributes<O>)
      out[i] = guarded<O, T>(g[i], exact<T>(O::vjp(wrt<W>{}, g[i], saved_input<O, W, T, int(J)>(inputs, i)...,
                                                   saved_output<O, T>(output, i), a)));
    else
      out[i] = guarded<O, T>(g[i], exact<T>(O::vjp(wrt<W>{}, g[i], saved_input<O, W, T, int(J)>(inputs, i)...,
                                                   saved_output<O, T>(output, i))));
  }
  if constexpr (kLimited<O> && kReads<O, W, 0>) {
    const T* x = static_cast<const T*>(inputs[0]);
    for (std::int64_t i = 0; i < n; ++i)
      if (std::abs(x[i]) > static_cast<T>(O::reach))
        out[i] = guarded<O, T>(g[i], static_cast<T>(O::vjp(wrt<W>{}, static_cast<long double>(g[i]),
                                                           static_cast<long double>(x[i]), Absent{})));
  }
}

// ---- read on long double --------------------------------------------------------------------------------------------

template <class O, int J>
auto reference_input(const long double* inputs) {
  if constexpr (O::info.masks.has(J))
    return inputs[J] != 0;
  else
    return inputs[J];
}

template <class O, int W, int J>
auto saved_reference(const long double* inputs) {
  if constexpr (kReads<O, W, J>)
    return reference_input<O, J>(inputs);
  else
    return Absent{};
}

template <class O, int W, std::size_t... J>
long double reference_rule(long double g, const long double* inputs, long double output, const void* attributes) {
  if constexpr (O::info.passes.has(W)) {
    return g;
  } else if constexpr (kHasRule<O, W>) {
    if constexpr (O::info.saves.output)
      return static_cast<long double>(vjp_of<O, W>(attributes, g, saved_reference<O, W, int(J)>(inputs)..., output));
    else
      return static_cast<long double>(vjp_of<O, W>(attributes, g, saved_reference<O, W, int(J)>(inputs)..., Absent{}));
  } else {
    return 0;
  }
}

// ---- read on tensors ------------------------------------------------------------------------------------------------

/// Input J of `node` for the rule of input W, where input S (or none, -1) is a number.
template <class O, int W, int S, int J>
auto recorded_input(const Node& node) {
  if constexpr (J == S)
    return node.scalar;
  else if constexpr (kReads<O, W, J>)
    return engine::tensor_of(*node.edges()[J].node());
  else
    return Absent{};
}

template <class O>
auto recorded_output(const Node& node) {
  if constexpr (O::info.saves.output)
    return engine::tensor_of(const_cast<Node&>(node));
  else
    return Absent{};
}

template <class O, int W, int S, std::size_t... J>
Tensor recorded_rule(const Node& node, const Tensor& g) {
  return vjp_of<O, W>(HasAttributes<O> ? node.attributes : nullptr, g, recorded_input<O, W, S, int(J)>(node)...,
                      recorded_output<O>(node));
}

template <class O, int W, std::size_t... J>
Tensor recorded_for(const Node& node, const Tensor& g) {
  if constexpr (kHasRule<O, W>) {
    Tensor result;
    if (node.scalar_input < 0)
      result = recorded_rule<O, W, -1, J...>(node, g);
    else
      ((int(J) == node.scalar_input ? [&] {
        if constexpr (int(J) != W && !O::info.masks.has(int(J)) && !HasAttributes<O>)
          result = recorded_rule<O, W, int(J), J...>(node, g);
      }() : void()), ...);
    return kGuarded<O> ? guard_unused(result, g) : result;
  } else {
    return {};
  }
}

// ---- tables ---------------------------------------------------------------------------------------------------------

template <class O, int W, std::size_t... J>
constexpr void fill_rules(PointwiseTable& table) {
  if constexpr (kHasRule<O, W>) {
    table.vjp[W][0] = vjp_kernel<O, W, float, J...>;
    table.vjp[W][1] = vjp_kernel<O, W, double, J...>;
  }
}

template <class O, std::size_t... J>
constexpr PointwiseTable make_table(std::index_sequence<J...>) {
  PointwiseTable table;
  if constexpr (((O::info.masks.has(int(J))) && ...)) {
    table.value[int(DType::boolean)] = value_kernel<O, bool, J...>;
  } else {
    table.value[int(DType::f32)] = value_kernel<O, float, J...>;
    table.value[int(DType::f64)] = value_kernel<O, double, J...>;
    if constexpr (O::info.kind != Kind::floating) {
      table.value[int(DType::i32)] = value_kernel<O, std::int32_t, J...>;
      table.value[int(DType::i64)] = value_kernel<O, std::int64_t, J...>;
    }
  }
  if constexpr (O::info.differentiable) {
    (fill_rules<O, int(J), J...>(table), ...);
    table.recorded_vjp = [](const Node& node, int input, const Tensor& g) {
      Tensor result;
      ((int(J) == input ? void(result = recorded_for<O, int(J), J...>(node, g)) : void()), ...);
      return result;
    };
    table.vjp_reference = [](int input, long double g, const long double* inputs, long double output,
                             const void* attributes) {
      long double result = 0;
      ((int(J) == input ? void(result = reference_rule<O, int(J), J...>(g, inputs, output, attributes)) : void()), ...);
      return result;
    };
  }
  if constexpr (requires(const Attributes<O>& a) { O::check(a); })
    table.check = [](const void* attributes) { O::check(*static_cast<const Attributes<O>*>(attributes)); };
  table.value_reference = [](const long double* inputs, const void* attributes) {
    return static_cast<long double>(value_of<O>(attributes, reference_input<O, int(J)>(inputs)...));
  };
  return table;
}

template <DeclaresPointwise O>
inline constexpr PointwiseTable kPointwise = make_table<O>(std::make_index_sequence<kInputs<O>>{});

template <class O>
void destroy_attributes(void* attributes) noexcept {
  delete static_cast<typename O::Attrs*>(attributes);
}

template <class O>
NamedValues named_attributes(const Node& node) {
  return changed_attributes(*static_cast<const typename O::Attrs*>(node.attributes));
}

template <std::size_t N>
constexpr std::array<InputInfo, N> pointwise_inputs(const Inputs& names) {
  std::array<InputInfo, N> inputs{};
  for (std::size_t i = 0; i < N; ++i) inputs[i].name = names.name[i];
  return inputs;
}
template <class O>
inline constexpr auto kPointwiseInputs = pointwise_inputs<static_cast<std::size_t>(kInputs<O>)>(O::info.inputs);

template <class O>
constexpr OpRecord pointwise_record() {
  OpRecord record{.info = &O::info, .kind = OpKind::pointwise, .inputs = kPointwiseInputs<O>};
  record.pull = pointwise_pull;
  record.table = &kPointwise<O>;
  if constexpr (HasAttributes<O>) {
    record.destroy_attributes = destroy_attributes<O>;
    record.attributes = named_attributes<O>;
  }
  return record;
}

template <DeclaresPointwise O>
struct RecordOf<O> {
  static constexpr OpRecord value = pointwise_record<O>();
};

}  // namespace detail

/// Runs op O on tensors and numbers.
template <DeclaresPointwise O, class... X>
requires(!HasAttributes<O> && (std::convertible_to<const X&, Operand> && ...)) Tensor apply(const X&... inputs) {
  static_assert(sizeof...(X) == detail::kInputs<O>, "the op's info names another number of inputs");
  const Operand operands[] = {Operand(inputs)...};
  return call_pointwise(record_of<O>, operands);
}

/// Runs op O, which has attributes.
template <DeclaresPointwise O, class... X>
requires HasAttributes<O> Tensor apply(const typename O::Attrs& attributes, const X&... inputs) {
  static_assert(sizeof...(X) == detail::kInputs<O>, "the op's info names another number of inputs");
  const Operand operands[] = {Operand(inputs)...};
  return call_pointwise(record_of<O>, operands, new typename O::Attrs(attributes));
}

}  // namespace tapegrad
