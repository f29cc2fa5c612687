#pragma once
// From a structural op's one declaration to all that the engine needs of it. Include this to define an op. It is a
// function between named aggregates:
//
//   struct Qr {
//     struct In { Tensor a; };                  // what it takes, in order; see op::Fixed, op::Optional
//     struct Out { Tensor q, r; };              // what it gives, one tensor or several
//     struct Kept { Tensor q, r; };             // all that the gradient may read
//     struct Attrs { … fields() … };            // the public options
//     static constexpr OpInfo info{…};
//     static void check(const Attrs&, const In&);                // refuses attributes and inputs
//     static Out shapes(const Attrs&, const In&);                // op::spec(shape, dtype) of each result
//     static Kept forward(const Attrs&, const In&, Out&);        // fills the results, dense and uninitialised
//     static In pull(const Attrs&, const Kept&, const Out& g, op::Wanted<In>);   // the gradient, written on Tensors
//     static Cost cost(const Attrs&, const In&, const Out&);     // reads shapes only
//     static std::optional<Out> instead(const Attrs&, const In&);   // by other ops, for inputs it does not suit
//     static std::vector<SampleOf<Qr>> samples(Rng&);            // for checks and examples, f64
//     static std::vector<BadInputOf<Qr>> bad_inputs();
//   };
//
// check, cost and instead may be left out; so may Attrs and Kept, which then no function takes or returns. A view has
// `static Out view(const Attrs&, const In&)` instead of shapes and forward. A std::vector<Tensor>, the last member of
// In, takes any number of tensors.
//
// pull returns the contribution to each input, in its shape or in one that it broadcasts to. One left undefined is
// zero, as is a cotangent that arrives undefined (of an op with several results; one result's is always there).
// Contributions to inputs that are not wanted may be left out.
//
// Kept values that are floating are inputs or results, so that gradients of gradients go through them: the engine
// refuses others. What a kernel leaves for the first derivative alone is an op::FirstOrder.

#include <algorithm>
#include <memory>
#include <optional>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/attributes.hpp>
#include <tapegrad/op/members.hpp>
#include <tapegrad/op/sample.hpp>
#include <tapegrad/op/table.hpp>

namespace tapegrad {

namespace op {

/// An input without a gradient by nature: an index, a condition. It keeps its dtype.
struct Fixed : Tensor {
  Fixed() = default;
  Fixed(const Tensor& t) : Tensor(t) {}
};

/// An input that may be undefined; optional inputs at the end may be left out by name.
template <class T = Tensor>
struct Optional : T {
  Optional() = default;
  Optional(const Tensor& t) : T(t) {}
};

/// A kept value that only a gradient which is not recorded may read: a statistic, say, that is cheaper than the
/// formula.
class FirstOrder {
 public:
  FirstOrder() = default;
  explicit FirstOrder(Tensor value) : value_(std::move(value)) {}
  /// GraphError where gradients are recorded; ask grad_enabled() first.
  const Tensor& value() const;
  Tensor& tensor() { return value_; }  ///< for the engine

 private:
  Tensor value_;
};

/// `kept` if a gradient may be asked for `input`, else nothing: what the gradient of one factor of a product keeps of
/// the other.
inline Tensor keep_for(const Tensor& input, const Tensor& kept) {
  return input.defined() && input.requires_grad() ? kept : Tensor();
}

/// A tensor of which there is a shape and a dtype only: what shapes() returns.
Tensor spec(const Shape& shape, DType dtype);

/// Which members of In a gradient is wanted for, asked by name, and what is known of them without their values.
template <class In>
class Wanted {
 public:
  Wanted(const Node& node, std::span<const bool> flags) : node_(node), flags_(flags) {}

  template <class T>
  bool operator()(T In::*member) const {
    return flags_[position(member)];
  }
  /// Tensor `i` of a list.
  bool operator()(std::vector<Tensor> In::*member, std::size_t i) const { return flags_[position(member) + i]; }

  template <class T>
  const Shape& shape(T In::*member) const {
    return node(position(member)).shape;
  }
  template <class T>
  DType dtype(T In::*member) const {
    return node(position(member)).dtype;
  }
  /// How many tensors a list has.
  std::size_t count(std::vector<Tensor> In::*member) const { return flags_.size() - position(member); }
  const Shape& shape(std::vector<Tensor> In::*member, std::size_t i) const { return node(position(member) + i).shape; }

 private:
  template <class T>
  static std::size_t position(T In::*member) {
    const In probe{};
    std::size_t at = 0, found = 0;
    for_members(probe, [&](const auto& m) {
      if (static_cast<const void*>(&m) == static_cast<const void*>(&(probe.*member))) found = at;
      ++at;
    });
    return found;
  }
  const Node& node(std::size_t at) const { return *node_.edges()[at].node(); }

  const Node& node_;
  std::span<const bool> flags_;
};

}  // namespace op

template <class O>
concept DeclaresStructural = requires {
  typename O::In;
  typename O::Out;
};
template <class O>
concept DeclaresView = requires {
  &O::view;
};

namespace detail {

template <class O>
concept HasKept = requires {
  typename O::Kept;
};
struct NothingKept {};
template <class O>
struct KeptOf {
  using type = NothingKept;
};
template <HasKept O>
struct KeptOf<O> {
  using type = typename O::Kept;
};

template <class M>
inline constexpr bool kIsTensor = std::derived_from<M, Tensor>;
template <class M>
inline constexpr bool kIsList = std::same_as<M, std::vector<Tensor>>;
template <class M>
inline constexpr bool kIsFixed = false;
template <>
inline constexpr bool kIsFixed<op::Fixed> = true;
template <class T>
inline constexpr bool kIsFixed<op::Optional<T>> = kIsFixed<T>;
template <class M>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<op::Optional<T>> = true;

template <class... M>
struct Types {};
template <class A>
constexpr auto member_types(A& a) {
  return op::with_members(a, [](auto&... m) { return Types<std::remove_cvref_t<decltype(m)>...>{}; });
}
template <class A>
using MemberTypes = decltype(member_types(std::declval<A&>()));

// ---- between aggregates and arrays ----------------------------------------------------------------------------------

template <class... M>
constexpr bool has_list(Types<M...>) {
  return (kIsList<M> || ...);
}
template <class A>
inline constexpr bool kHasList = has_list(MemberTypes<A>{});

/// The tensors of an aggregate, a list's one after the other.
template <class A>
auto flattened(A a) {
  if constexpr (kHasList<A>) {
    std::vector<Tensor> all;
    op::for_members(a, [&](auto& m) {
      if constexpr (!kIsList<std::remove_cvref_t<decltype(m)>>)
        all.push_back(std::move(m));
      else if (all.empty())
        all = std::move(m);
      else
        all.insert(all.end(), m.begin(), m.end());
    });
    return all;
  } else {
    return op::with_members(a, [](auto&... m) { return std::array<Tensor, sizeof...(m)>{std::move(m)...}; });
  }
}

/// The inverse; a list gets what is left over. Tensors that are not const are moved.
template <class A, class T>
A assembled(std::span<T> all) {
  A a{};
  std::size_t next = 0;
  op::for_members(a, [&](auto& m) {
    using M = std::remove_cvref_t<decltype(m)>;
    if constexpr (kIsTensor<M>)
      static_cast<Tensor&>(m) = std::move(all[next++]);
    else
      m.assign(std::move_iterator(all.begin() + static_cast<std::ptrdiff_t>(next)), std::move_iterator(all.end()));
  });
  return a;
}

/// What a gradient gave, to the places of the node's inputs.
void take_contributions(const OpRecord& op, std::span<Tensor> given, std::span<Tensor> out);

// ---- one call -------------------------------------------------------------------------------------------------------

template <class... M>
constexpr std::size_t count_kept(Types<M...>) {
  return (std::size_t{0} + ... + (kIsTensor<M> || std::same_as<M, op::FirstOrder>));
}
template <class K>
inline constexpr std::size_t kKept = count_kept(MemberTypes<K>{});
template <class K>
using Places = std::conditional_t<kHasList<K>, std::vector<int>, std::array<int, kKept<K>>>;

template <class O>
struct Call final : CallState {
  explicit Call(Attributes<O> a) : attributes(std::move(a)) {}
  Attributes<O> attributes;
  typename KeptOf<O>::type kept{};
  Places<typename KeptOf<O>::type> places{};  ///< of the kept tensors, in order
};

template <class O>
const Call<O>& call_of(const Node& node) {
  return *static_cast<const Call<O>*>(static_cast<const CallState*>(node.attributes));
}

/// f(attributes) for an op that has them, else f().
template <class O, class F>
decltype(auto) with_attributes(const Call<O>& call, F&& f) {
  if constexpr (HasAttributes<O>)
    return f(call.attributes);
  else
    return f();
}

/// f(tensor, first_order) of each tensor among what an op keeps.
template <class K, class F>
void for_kept(K& kept, const F& f) {
  op::for_members(kept, [&](auto& m) {
    using M = std::remove_cvref_t<decltype(m)>;
    if constexpr (kIsTensor<M>) f(static_cast<Tensor&>(m), false);
    if constexpr (kIsList<M>)
      for (Tensor& t : m) f(t, false);
    if constexpr (std::same_as<M, op::FirstOrder>) f(m.tensor(), true);
  });
}

void allocate(Tensor& spec);
/// Throws if forward() made `out` another tensor instead of filling it.
void require_filled(const OpInfo& info, const Tensor& out, const Shape& shape, DType dtype);

template <class O>
void structural_run(CallState& state, std::span<const Tensor> inputs, std::span<Tensor> results) {
  auto& call = static_cast<Call<O>&>(state);
  const auto in = assembled<typename O::In>(inputs);
  with_attributes<O>(call, [&](const auto&... a) {
    if constexpr (requires { O::check(a..., in); }) O::check(a..., in);
    typename O::Out out;
    if constexpr (DeclaresView<O>) {
      out = O::view(a..., in);
    } else {
      out = O::shapes(a..., in);
      op::for_members(out, [](Tensor& t) { allocate(t); });
      std::size_t made = 0;
      op::for_members(out, [&](const Tensor& t) { results[made++] = t; });
      if constexpr (HasKept<O>)
        call.kept = O::forward(a..., in, out);
      else
        O::forward(a..., in, out);
      std::size_t filled = 0;
      op::for_members(out, [&](const Tensor& t) {
        const Tensor& declared = results[filled++];
        if (!t.same_as(declared)) require_filled(O::info, t, declared.shape(), declared.dtype());
      });
    }
    std::size_t next = 0;
    op::for_members(out, [&](Tensor& t) { results[next++] = std::move(t); });
  });
}

template <class O>
void structural_keep(CallState& state, Keeper& keeper) {
  auto& call = static_cast<Call<O>&>(state);
  std::size_t next = 0;
  for_kept(call.kept, [&](Tensor& t, bool first_order) {
    if constexpr (kHasList<typename KeptOf<O>::type>) call.places.emplace_back();
    call.places[next++] = keeper.place(t, first_order);
  });
}

template <class O>
void structural_forget(CallState& state) {
  static_cast<Call<O>&>(state).kept = {};
}

template <class O>
void structural_pull(const Node& node, std::span<const Tensor> g, std::span<const bool> wanted, std::span<Tensor> out) {
  const Call<O>& call = call_of<O>(node);
  with_attributes<O>(call, [&](const auto&... a) {
    const auto cotangents = assembled<typename O::Out>(g);
    const op::Wanted<typename O::In> asked(node, wanted);
    const auto give = [&](typename O::In&& contributions) {
      auto given = flattened(std::move(contributions));
      take_contributions(*node.op, given, out);
    };
    if constexpr (HasKept<O>) {
      auto kept = call.kept;
      std::size_t next = 0;
      for_kept(kept, [&](Tensor& t, bool) { t = kept_value(call.places[next++], node, call); });
      give(O::pull(a..., std::as_const(kept), cotangents, asked));
    } else {
      give(O::pull(a..., cotangents, asked));
    }
  });
}

template <class O>
Cost structural_cost(const Node& node) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < node.edge_count; ++i)
    inputs.push_back(node.edges()[i].node() ? engine::tensor_of(*node.edges()[i].node()) : Tensor());
  const auto in = assembled<typename O::In>(std::span(inputs));
  return with_attributes<O>(call_of<O>(node), [&](const auto&... a) {
    if constexpr (op::kMembers<typename O::Out> == 1)
      return O::cost(a..., in, typename O::Out{engine::tensor_of(const_cast<Node&>(node))});
    else
      return O::cost(a..., in, O::shapes(a..., in));
  });
}

template <class O>
using Results = std::array<Tensor, op::kMembers<typename O::Out>>;

/// What O::instead gives; the inputs are not checked yet.
template <class O>
std::optional<typename O::Out> other_way(std::span<const Tensor> inputs, const Attributes<O>& attributes) {
  std::array<Tensor, op::kMembers<typename O::In>> all;
  if (inputs.size() > all.size()) return std::nullopt;
  std::copy(inputs.begin(), inputs.end(), all.begin());
  const auto in = assembled<typename O::In>(std::span<Tensor>(all));
  if constexpr (HasAttributes<O>)
    return O::instead(attributes, in);
  else
    return O::instead(in);
}

template <DeclaresStructural O>
Results<O> run_recorded(std::span<const Tensor> inputs, Attributes<O> attributes) {
  Results<O> results;
  if constexpr (requires { &O::instead; })
    if (auto other = other_way<O>(inputs, attributes)) {
      std::size_t next = 0;
      op::for_members(*other, [&](Tensor& t) { results[next++] = std::move(t); });
      return results;
    }
  call_structural(record_of<O>, inputs, new Call<O>(std::move(attributes)), results);
  return results;
}

// ---- tables ---------------------------------------------------------------------------------------------------------

template <class... M, std::size_t... I>
constexpr std::array<InputInfo, sizeof...(M)> input_infos(Types<M...>, std::index_sequence<I...>,
                                                          std::span<const std::string_view> names) {
  static_assert(((kIsTensor<M> || kIsList<M>)&&...), "the members of In are Tensors");
  static_assert(((!kIsList<M> || I + 1 == sizeof...(M)) && ...), "a list is the last member of In");
  return {InputInfo{names[I], kIsFixed<M>, kIsOptional<M>, kIsList<M>}...};
}
template <class O>
inline constexpr auto kInputInfos = input_infos(MemberTypes<typename O::In>{},
                                                std::make_index_sequence<op::kMembers<typename O::In>>{},
                                                op::kMemberNames<typename O::In>);

template <class... M>
constexpr InputSet fixed_inputs(Types<M...>) {
  InputSet set;
  int at = 0;
  ((kIsFixed<M> ? set.add(at++) : void(at++)), ...);
  return set;
}

template <class O>
constexpr bool takes_strides() {
  if constexpr (requires { O::takes_strides; })
    return O::takes_strides;
  else
    return DeclaresView<O>;
}

template <DeclaresStructural O>
inline constexpr StructuralTable kStructural{
    .run = structural_run<O>,
    .keep = HasKept<O> ? structural_keep<O> : nullptr,
    .forget = HasKept<O> ? structural_forget<O> : nullptr,
    .takes_strides = takes_strides<O>(),
    .linear = DeclaresView<O> || O::info.forward == Forward::linear || O::info.forward == Forward::multilinear,
    .call = [](const Node& node, std::span<const Tensor> inputs) {
      const auto results = run_recorded<O>(inputs, call_of<O>(node).attributes);
      return std::vector<Tensor>(results.begin(), results.end());
    }};

template <class O>
constexpr OpRecord structural_record() {
  OpRecord record{.info = &O::info, .kind = OpKind::structural, .inputs = kInputInfos<O>};
  record.fixed = fixed_inputs(MemberTypes<typename O::In>{});
  if constexpr (op::kMembers < typename O::Out >> 1) record.results = op::kMemberNames<typename O::Out>;
  if constexpr (HasKept<O>) record.kept = op::kMemberNames<typename O::Kept>;
  if constexpr (O::info.differentiable) record.pull = structural_pull<O>;
  record.destroy_attributes = [](void* state) noexcept {
    delete static_cast<Call<O>*>(static_cast<CallState*>(state));
  };
  if constexpr (HasAttributes<O>)
    record.attributes = [](const Node& node) { return changed_attributes(call_of<O>(node).attributes); };
  if constexpr (requires { &O::cost; }) record.cost = structural_cost<O>;
  if constexpr (HasKept<O>)
    record.held = [](const Node& node) { return &static_cast<CallState*>(node.attributes)->held; };
  record.table = &kStructural<O>;
  return record;
}

template <DeclaresStructural O>
struct RecordOf<O> {
  static constexpr OpRecord value = structural_record<O>();
};

}  // namespace detail

/// Runs op O.
template <DeclaresStructural O>
typename O::Out apply(detail::Attributes<O> attributes, typename O::In in) {
  auto results = detail::run_recorded<O>(detail::flattened(std::move(in)), std::move(attributes));
  return detail::assembled<typename O::Out>(std::span<Tensor>(results));
}
template <DeclaresStructural O>
typename O::Out apply(typename O::In in) {
  return apply<O>(detail::Attributes<O>{}, std::move(in));
}

}  // namespace tapegrad
