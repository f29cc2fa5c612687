#pragma once
// The former declaration of structural ops, with one rule an input: op/structural.hpp has the present one, which new
// ops are written in, and which this goes with when the last family has moved.
//
// A computing op:
//   struct Sum {
//     static constexpr OpInfo info{…};
//     struct Attrs { Integers axes; bool keepdims = false; bool operator==(const Attrs&) const = default;
//                    static constexpr auto fields() { return std::tuple{Field{"axes", &Attrs::axes, "…"}, …}; } };
//     static TensorSpec result(const Attrs&, const Tensor& x);              // throws with shapes and a hint
//     static void forward(const Attrs&, const Tensor& x, Tensor& out);      // fills `out`, dense and uninitialised
//     static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved x, Unsaved y);   // written on Tensors
//     static Cost cost(const Attrs&, const Node& node);                     // optional
//     static std::vector<SampleOf<Sum>> samples(Rng&);                      // for checks and examples, f64
//     static std::vector<BadInputOf<Sum>> bad_inputs();
//   };
// A view has `static Tensor view(const Attrs&, const Tensor& x)` instead of result() and forward().
// A variadic op (info.variadic) takes std::span<const Tensor>, and its one rule
//     static Tensor vjp(int input, const Attrs&, const Tensor& g, std::span<const Unsaved> inputs).
// In a rule, what `saves` declared arrives as a Tensor, the rest as Unsaved. Inputs without a rule are listed in
// info.fixed; an op without any sets info.differentiable = false. Inputs listed in info.optional may be undefined.

#include <tapegrad/op/attributes.hpp>
#include <tapegrad/op/sample.hpp>
#include <tapegrad/op/table.hpp>
#include <utility>

namespace tapegrad {

struct TensorSpec {
  Shape shape;
  DType dtype;
};

/// Where the rules of one node leave what they share, while its gradient is computed.
class SharedWork {
 public:
  SharedWork() : outer_(std::exchange(thread_state().shared, &tensors_)) {}
  ~SharedWork() { thread_state().shared = outer_; }
  SharedWork(const SharedWork&) = delete;
  SharedWork& operator=(const SharedWork&) = delete;

 private:
  std::vector<Tensor> tensors_;
  std::vector<Tensor>* outer_;
};

template <class O>
concept DeclaresView = requires {
  &O::view;
};
template <class O>
concept DeclaresRules = !requires {
  typename O::In;
}
&&(DeclaresView<O> || requires { &O::forward; });

namespace detail {

void require_filled(const OpInfo& info, const Tensor& out, const Shape& shape, DType dtype);

template <class O, int W, int J>
using RuleInput = std::conditional_t<O::info.saves.inputs.has(J) || (O::info.saves.others && J != W), Tensor, Unsaved>;
template <class O>
using RuleOutput = std::conditional_t<O::info.saves.output, Tensor, Unsaved>;

template <class V>
V rule_value(Node* node) {
  if (!node) return V();
  if constexpr (std::is_same_v<V, Tensor>)
    return Tensor::of(*node);
  else
    return Unsaved(*node);
}

template <class O>
const typename O::Attrs& attributes_of(const void* attributes) {
  static const typename O::Attrs defaults{};
  return attributes ? *static_cast<const typename O::Attrs*>(attributes) : defaults;
}

template <class O, int W, std::size_t... J>
Tensor structural_rule(const Node& node, const Tensor& g) {
  constexpr bool kDeclared = requires(const typename O::Attrs& a) {
    O::vjp(wrt<W>{}, a, g, std::declval<RuleInput<O, W, int(J)>>()..., std::declval<RuleOutput<O>>());
  };
  static_assert(kDeclared || O::info.fixed.has(W) || !O::info.differentiable,
                "op O has no gradient rule vjp(wrt<W>, attrs, g, inputs..., output) that takes what `saves` declares; "
                "write it, or list input W in info.fixed");
  if constexpr (kDeclared && !O::info.fixed.has(W))
    return O::vjp(wrt<W>{}, attributes_of<O>(node.attributes), g,
                  rule_value<RuleInput<O, W, int(J)>>(node.edges()[J].node())...,
                  rule_value<RuleOutput<O>>(const_cast<Node*>(&node)));
  else
    return {};
}

template <class O>
Tensor rules_vjp(const Node& node, int input, const Tensor& g) {
  if constexpr (O::info.variadic) {
    std::vector<Unsaved> inputs;
    for (std::size_t i = 0; i < node.edge_count; ++i) inputs.emplace_back(*node.edges()[i].node());
    return O::vjp(input, attributes_of<O>(node.attributes), g, std::span<const Unsaved>(inputs));
  } else {
    return [&]<std::size_t... W>(std::index_sequence<W...> all) {
      Tensor result;
      const auto rule = [&]<int I, std::size_t... J>(std::integral_constant<int, I>, std::index_sequence<J...>) {
        result = structural_rule<O, I, J...>(node, g);
      };
      ((int(W) == input ? rule(std::integral_constant<int, int(W)>{}, all) : void()), ...);
      return result;
    }
    (std::make_index_sequence<static_cast<std::size_t>(O::info.inputs.count)>{});
  }
}

template <class O, class... X>
Tensor compute(const typename O::Attrs& attributes, const X&... inputs) {
  if constexpr (DeclaresView<O>) {
    return O::view(attributes, inputs...);
  } else {
    const TensorSpec spec = O::result(attributes, inputs...);
    Tensor out = empty(spec.shape, spec.dtype);
    O::forward(attributes, inputs..., out);
    require_filled(O::info, out, spec.shape, spec.dtype);
    return out;
  }
}

template <class O>
Tensor rules_run(const void* attributes, std::span<const Tensor> inputs) {
  if constexpr (O::info.variadic)
    return compute<O>(attributes_of<O>(attributes), inputs);
  else
    return [&]<std::size_t... J>(std::index_sequence<J...>) {
      return compute<O>(attributes_of<O>(attributes), inputs[J]...);
    }
  (std::make_index_sequence<static_cast<std::size_t>(O::info.inputs.count)>{});
}

template <class O>
constexpr bool takes_strides() {
  if constexpr (requires { O::takes_strides; })
    return O::takes_strides;
  else
    return DeclaresView<O>;
}

template <class O>
void rules_pull(const Node& node, std::span<const Tensor> g, std::span<const bool> wanted, std::span<Tensor> out) {
  const SharedWork shared;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i]) out[i] = rules_vjp<O>(node, static_cast<int>(i), g[0]);
}

template <class O>
inline constexpr StructuralTable kStructural{};

template <DeclaresRules O>
inline constexpr StructuralTable kStructural<O>{
    .takes_strides = takes_strides<O>(),
    .linear = DeclaresView<O> || O::info.forward == Forward::linear,
    .call =
        [](const Node& node, std::span<const Tensor> inputs) {
          return std::vector{
              call_by_rules(record_of<O>, inputs, new typename O::Attrs(attributes_of<O>(node.attributes)))};
        },
    .run_rules = rules_run<O>};

template <class O>
inline constexpr auto kRuleInputs = inputs_of_info<static_cast<std::size_t>(O::info.inputs.count)>(O::info);

template <class O>
constexpr OpRecord rules_record() {
  OpRecord record{.info = &O::info, .kind = OpKind::structural, .inputs = kRuleInputs<O>};
  record.fixed = O::info.fixed;
  record.pull = rules_pull<O>;
  record.destroy_attributes = [](void* attributes) noexcept { delete static_cast<typename O::Attrs*>(attributes); };
  record.attributes = [](const Node& node) { return changed_attributes(attributes_of<O>(node.attributes)); };
  if constexpr (requires { &O::cost; })
    record.cost = [](const Node& node) { return O::cost(attributes_of<O>(node.attributes), node); };
  record.table = &kStructural<O>;
  return record;
}

template <DeclaresRules O>
struct RecordOf<O> {
  static constexpr OpRecord value = rules_record<O>();
};

}  // namespace detail

/// Runs op O with its attributes.
template <DeclaresRules O, class... X>
requires(std::same_as<X, Tensor>&&...) Tensor apply(const typename O::Attrs& attributes, const X&... inputs) {
  const Tensor all[] = {inputs...};
  return call_by_rules(record_of<O>, all, new typename O::Attrs(attributes));
}
template <DeclaresRules O>
Tensor apply(const typename O::Attrs& attributes, std::span<const Tensor> inputs) {
  return call_by_rules(record_of<O>, inputs, new typename O::Attrs(attributes));
}

}  // namespace tapegrad
