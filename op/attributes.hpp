#pragma once
// Reflection of an op's attributes: one declaration that labels, messages, documentation and the command line read.

#include <cstdint>
#include <string>
#include <string_view>
#include <tapegrad/core/dtype.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/op.hpp>
#include <tapegrad/core/shape.hpp>
#include <tuple>
#include <vector>

namespace tapegrad {

/// One attribute: its name as users write it, the member, and what it means.
template <class A, class T>
struct Field {
  std::string_view name;
  T A::*member;
  std::string_view doc = "";
};

// Written out, because clang 14 does not deduce from aggregates.
template <class A, class T>
Field(std::string_view, T A::*) -> Field<A, T>;
template <class A, class T>
Field(std::string_view, T A::*, std::string_view) -> Field<A, T>;

using Integers = std::vector<std::int64_t>;

/// Attributes of an op that has none.
struct NoAttrs {
  bool operator==(const NoAttrs&) const = default;
  static constexpr auto fields() { return std::tuple<>{}; }
};

template <class O>
concept HasAttributes = requires {
  typename O::Attrs;
};

namespace detail {
template <class O>
struct AttributesOf {
  using type = NoAttrs;
};
template <HasAttributes O>
struct AttributesOf<O> {
  using type = typename O::Attrs;
};
template <class O>
using Attributes = typename AttributesOf<O>::type;
}  // namespace detail

std::string format_attribute(double value);
std::string format_attribute(std::int64_t value);
std::string format_attribute(int value);
std::string format_attribute(bool value);
std::string format_attribute(DType value);
std::string format_attribute(const Integers& values);
std::string format_attribute(const std::string& value);
inline std::string format_attribute(const Shape& value) { return to_string(value); }

/// The inverse of format_attribute, which also takes Python's spellings: True, (0, 1), float32. ValueError that names
/// the attribute.
void parse_attribute(std::string_view name, std::string_view text, double& value);
void parse_attribute(std::string_view name, std::string_view text, std::int64_t& value);
void parse_attribute(std::string_view name, std::string_view text, int& value);
void parse_attribute(std::string_view name, std::string_view text, bool& value);
void parse_attribute(std::string_view name, std::string_view text, DType& value);
void parse_attribute(std::string_view name, std::string_view text, Integers& value);
void parse_attribute(std::string_view name, std::string_view text, std::string& value);
void parse_attribute(std::string_view name, std::string_view text, Shape& value);

/// ValueError "<op>: <name> is <value>; it must be ..." unless the attribute is finite; finite and above 0; finite and
/// not below 0.
void require_finite(std::string_view op, std::string_view name, double value);
void require_positive(std::string_view op, std::string_view name, double value);
void require_not_negative(std::string_view op, std::string_view name, double value);

template <class A>
NamedValues describe_attributes(const A& attributes) {
  NamedValues named;
  std::apply(
      [&](const auto&... field) { (named.emplace_back(field.name, format_attribute(attributes.*field.member)), ...); },
      A::fields());
  return named;
}

/// Those that differ from their defaults, which is what labels need.
template <class A>
NamedValues changed_attributes(const A& attributes) {
  NamedValues all = describe_attributes(attributes);
  const NamedValues defaults = describe_attributes(A{});
  std::size_t i = 0;
  std::erase_if(all, [&](const auto& named) { return named == defaults[i++]; });
  return all;
}

/// Whether NumPy or PyTorch call the attribute `name` so, as "dim" for "axis".
bool is_spelling_of(std::string_view given, std::string_view name);

/// Sets attributes from text; ValueError that lists the names there are when one is unknown.
template <class A>
void parse_attributes(std::string_view op, const NamedValues& given, A& attributes) {
  for (const auto& attribute : given) {
    const std::string &name = attribute.first, &text = attribute.second;  // clang 14 captures no structured bindings
    bool known = false;
    std::string names;
    std::apply(
        [&](const auto&... field) {
          ((field.name == name || is_spelling_of(name, field.name)
                ? (parse_attribute(name, text, attributes.*field.member), known = true)
                : (names += (names.empty() ? "" : ", ") + std::string(field.name), false)),
           ...);
        },
        A::fields());
    if (!known)
      throw ValueError(std::string(op) + ": no attribute '" + name + "'; it has " + (names.empty() ? "none" : names));
  }
}

}  // namespace tapegrad
