#pragma once
// Reflection of what a graph is made of. A struct lists its fields once; files, comparisons and tooltips go by the
// list.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tapegrad/core/language.hpp>
#include <tuple>

namespace tapegrad::graph {

/// What a number counts, which says how people read it.
enum class Unit : std::uint8_t { none, operations, bytes, seconds };

/// What diff() makes of a field that is not the same: nothing, a difference, or one if it is beyond the tolerance.
enum class Compare : std::uint8_t { never, exactly, roughly };

/// What is said of a field wherever fields are listed.
struct FieldInfo {
  std::string_view name;        ///< in files and comparisons
  std::string_view doc;         ///< for docs/graph-snapshot.md
  std::string_view label = "";  ///< in tooltips, which leave out what has none
  Unit unit = Unit::none;
  Compare compare = Compare::never;
  bool follows_value = false;  ///< a gradient has what its value has
};

/// One field: the member, and all that those who write, read, compare or show it need to know.
template <class Owner, class T>
struct Field {
  T Owner::*member;
  FieldInfo info;
};

// Written out, because clang 14 does not deduce from aggregates.
template <class Owner, class T>
Field(T Owner::*, FieldInfo) -> Field<Owner, T>;

/// Calls `visit` with each Field of Owner, in order.
template <class Owner, class Visit>
constexpr void for_each_field(Visit&& visit) {
  std::apply([&](const auto&... field) { (visit(field), ...); }, Owner::fields());
}

/// The words for the values of an enumeration, in order.
template <class Enum>
inline constexpr int kWords = 0;

template <class Enum>
constexpr std::string_view word_of(Enum value) {
  return kWords<Enum>[static_cast<std::size_t>(value)];
}

}  // namespace tapegrad::graph
