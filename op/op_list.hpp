#pragma once
// The list of a family's ops, and what the registry knows of each: all derived from the ops' own declarations.

#include <tapegrad/core/create.hpp>
#include <tapegrad/op/pointwise.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/op/structural.hpp>

namespace tapegrad {

namespace detail {

template <class O>
const typename O::Attrs* parsed(const NamedValues& given, typename O::Attrs& attributes) {
  parse_attributes(O::info.name, given, attributes);
  return &attributes;
}

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
Tensor call_by_name(std::span<const Tensor> inputs, const NamedValues& attributes) {
  void* made = new_attributes<O>(attributes);
  if constexpr (DeclaresStructural<O>) return call_structural(record_of<O>, inputs, made);
  const std::vector<Operand> operands(inputs.begin(), inputs.end());
  return call_pointwise(record_of<O>, operands, made);
}

template <class O>
std::function<Tensor(std::span<const Tensor>)> bound(const typename O::Attrs& attributes) {
  return [attributes](std::span<const Tensor> inputs) {
    return call_structural(record_of<O>, inputs, new typename O::Attrs(attributes));
  };
}

template <class O>
std::vector<Sample> samples_of(Rng& rng) {
  if constexpr (DeclaresStructural<O>) {
    std::vector<Sample> samples;
    for (auto& s : O::samples(rng))
      samples.push_back({std::move(s.inputs), bound<O>(s.attributes), describe_attributes(s.attributes)});
    return samples;
  } else {
    return pointwise_samples(record_of<O>, rng, new_attributes<O>);
  }
}

template <class O>
std::vector<BadInput> bad_inputs_of() {
  if constexpr (DeclaresStructural<O>) {
    std::vector<BadInput> bad;
    for (auto& b : O::bad_inputs()) bad.push_back({std::move(b.inputs), bound<O>(b.attributes), std::move(b.message)});
    return bad;
  } else {
    std::vector<BadInput> bad = pointwise_bad_inputs(record_of<O>, new_attributes<O>);
    if constexpr (requires { O::bad_attributes(); }) {
      const std::vector<Tensor> inputs(static_cast<std::size_t>(O::info.inputs.count), ones({2}, f64));
      for (const BadAttributesOf<O>& b : O::bad_attributes()) {
        const auto run = [attributes = b.attributes](std::span<const Tensor> given) {
          const std::vector<Operand> operands(given.begin(), given.end());
          return call_pointwise(record_of<O>, operands, new typename O::Attrs(attributes));
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

/// A family: the ops declared in one file, listed at its foot.
template <class... Ops>
struct OpList {
  static constexpr OpEntry entries[] = {detail::kEntry<Ops>...};

  /// Runs one of them; a family's public functions call this, so that an op left out of the list does not compile.
  template <class O, class... Arguments>
  static Tensor apply(const Arguments&... arguments) {
    static_assert((std::is_same_v<O, Ops> || ...), "op O is missing from its family's OpList");
    return tapegrad::apply<O>(arguments...);
  }
};

}  // namespace tapegrad
