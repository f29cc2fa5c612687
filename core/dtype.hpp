#pragma once
// Element types of tensors.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tapegrad/core/language.hpp>
#include <type_traits>

namespace tapegrad {

enum class DType : std::uint8_t { f32, f64, i64, i32, u8, boolean };

inline constexpr int kDTypeCount = 6;
inline constexpr DType f32 = DType::f32;
inline constexpr DType f64 = DType::f64;
inline constexpr DType i64 = DType::i64;
inline constexpr DType i32 = DType::i32;
inline constexpr DType u8 = DType::u8;
inline constexpr DType boolean = DType::boolean;

constexpr bool is_floating(DType t) { return t == DType::f32 || t == DType::f64; }

/// Bytes of one element.
constexpr std::size_t size_of(DType t) {
  constexpr std::size_t bytes[kDTypeCount] = {4, 8, 8, 4, 1, 1};
  return bytes[static_cast<int>(t)];
}

/// "f32", "f64", "i64", "i32", "u8", "bool".
constexpr std::string_view name_of(DType t) {
  constexpr std::string_view names[kDTypeCount] = {"f32", "f64", "i64", "i32", "u8", "bool"};
  return names[static_cast<int>(t)];
}

/// The smallest dtype that holds values of both, as NumPy and PyTorch promote: bool < u8 < i32 < i64 < f32 < f64.
constexpr DType promote(DType a, DType b) {
  constexpr int rank[kDTypeCount] = {4, 5, 3, 2, 1, 0};
  return rank[static_cast<int>(a)] >= rank[static_cast<int>(b)] ? a : b;
}

template <class T>
inline constexpr bool is_element_type =
    std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int64_t> ||
    std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::uint8_t> || std::is_same_v<T, bool>;

/// The DType of a C++ element type.
template <class T>
requires is_element_type<std::remove_cv_t<T>>
constexpr DType dtype_of() {
  using E = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<E, float>) return DType::f32;
  if constexpr (std::is_same_v<E, double>) return DType::f64;
  if constexpr (std::is_same_v<E, std::int64_t>) return DType::i64;
  if constexpr (std::is_same_v<E, std::int32_t>) return DType::i32;
  if constexpr (std::is_same_v<E, std::uint8_t>) return DType::u8;
  if constexpr (std::is_same_v<E, bool>) return DType::boolean;
}

/// Calls `f.template operator()<T>()` with the element type of `t`.
template <class F>
decltype(auto) dispatch(DType t, F&& f) {
  switch (t) {
    case DType::f32:
      return f.template operator()<float>();
    case DType::f64:
      return f.template operator()<double>();
    case DType::i64:
      return f.template operator()<std::int64_t>();
    case DType::i32:
      return f.template operator()<std::int32_t>();
    case DType::u8:
      return f.template operator()<std::uint8_t>();
    case DType::boolean:
      break;
  }
  return f.template operator()<bool>();
}

/// As dispatch, for f32 and f64 only; the caller has checked the dtype.
template <class F>
decltype(auto) dispatch_floating(DType t, F&& f) {
  if (t == DType::f64) return f.template operator()<double>();
  return f.template operator()<float>();
}

}  // namespace tapegrad
