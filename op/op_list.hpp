#pragma once
// The list of a file's ops, and what the registry knows of each: all derived from the ops' own declarations.

#include <tapegrad/core/create.hpp>
#include <tapegrad/op/pointwise.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/op/structural.hpp>

namespace tapegrad {

namespace detail {

template <class O>
void* new_attributes(const NamedValues& given) {
  if constexpr (HasAttributes<O>) {
    auto made = std::make_unique<typename O::Attrs>();
    parse_attributes(O::info.name, given, *made);
    return made.release();
  } else {
    if (!given.empty())
      throw ValueError(std::string(O::info.name) + ": no attribute '" + given[0].first + "'; it has none");
    return nullptr;
  }
}

template <class O>
std::vector<AttributeInfo> attribute_infos() {
  std::vector<AttributeInfo> infos;
  if constexpr (HasAttributes<O>) {
    const typename O::Attrs defaults{};
    std::apply(
        [&](const auto&... field) {
          (infos.push_back({std::string(field.name), format_attribute(defaults.*field.member), std::string(field.doc)}),
           ...);
        },
        O::Attrs::fields());
  }
  return infos;
}

template <class O>
std::vector<Tensor> as_vector(const Results<O>& results) {
  return {results.begin(), results.end()};
}

template <class O>
std::vector<Tensor> call_by_name(std::span<const Tensor> inputs, const NamedValues& given) {
  if constexpr (DeclaresStructural<O>) {
    Attributes<O> attributes;
    parse_attributes(O::info.name, given, attributes);
    return as_vector<O>(run_recorded<O>(inputs, attributes));
  } else {
    const std::vector<Operand> operands(inputs.begin(), inputs.end());
    return {call_pointwise(record_of<O>, operands, new_attributes<O>(given))};
  }
}

template <class O>
OpFunction bound(const typename SampleOf<O>::Attributes& attributes) {
  return [attributes](std::span<const Tensor> inputs) -> std::vector<Tensor> {
    return as_vector<O>(run_recorded<O>(inputs, attributes));
  };
}

/// Inputs of a sample in a row, without those at the end that are left out.
template <class I>
std::vector<Tensor> in_a_row(const I& inputs) {
  const auto all = flattened(inputs);
  std::vector<Tensor> row(all.begin(), all.end());
  while (!row.empty() && !row.back().defined()) row.pop_back();
  return row;
}

template <class O>
std::vector<Sample> samples_of(Rng& rng) {
  if constexpr (DeclaresStructural<O>) {
    std::vector<Sample> samples;
    for (const auto& s : O::samples(rng))
      samples.push_back({in_a_row(s.inputs), bound<O>(s.attributes), describe_attributes(s.attributes)});
    return samples;
  } else {
    return pointwise_samples(record_of<O>, rng, new_attributes<O>);
  }
}

template <class O>
std::vector<BadInput> bad_inputs_of() {
  if constexpr (DeclaresStructural<O>) {
    std::vector<BadInput> bad;
    for (const auto& b : O::bad_inputs()) bad.push_back({in_a_row(b.inputs), bound<O>(b.attributes), b.message});
    return bad;
  } else {
    std::vector<BadInput> bad = pointwise_bad_inputs(record_of<O>, new_attributes<O>);
    if constexpr (requires { O::bad_attributes(); }) {
      const std::vector<Tensor> inputs(static_cast<std::size_t>(O::info.inputs.count), ones({2}, f64));
      for (const BadAttributesOf<O>& b : O::bad_attributes()) {
        const auto run = [attributes = b.attributes](std::span<const Tensor> given) -> std::vector<Tensor> {
          const std::vector<Operand> operands(given.begin(), given.end());
          return {call_pointwise(record_of<O>, operands, new typename O::Attrs(attributes))};
        };
        bad.push_back({inputs, run, b.message});
      }
    }
    return bad;
  }
}

template <class O>
inline constexpr OpEntry kEntry{&record_of<O>,    !DeclaresStructural<O>, DeclaresView<O>,   samples_of<O>,
                                bad_inputs_of<O>, call_by_name<O>,        attribute_infos<O>};

}  // namespace detail

/// The ops declared in one file, listed at its foot.
template <class... Ops>
struct OpList {
  static constexpr OpEntry entries[] = {detail::kEntry<Ops>...};

  template <class O>
  static constexpr bool has = (std::is_same_v<O, Ops> || ...);

  /// Runs one of them; the file's public functions call this, so that an op left out of the list does not compile.
  template <class O, class... Arguments>
  requires(!DeclaresStructural<O>) static Tensor apply(const Arguments&... arguments) {
    static_assert(has<O>, "op O is missing from its file's OpList");
    return tapegrad::apply<O>(arguments...);
  }
  template <DeclaresStructural O>
  static typename O::Out apply(typename O::In in) {
    static_assert(has<O>, "op O is missing from its file's OpList");
    return tapegrad::apply<O>(std::move(in));
  }
  template <DeclaresStructural O>
  static typename O::Out apply(detail::Attributes<O> attributes, typename O::In in) {
    static_assert(has<O>, "op O is missing from its file's OpList");
    return tapegrad::apply<O>(std::move(attributes), std::move(in));
  }
};

}  // namespace tapegrad
