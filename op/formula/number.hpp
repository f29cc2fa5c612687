#pragma once
// What the functions of pointwise formulas are made of. Written without branches, on single numbers: a loop over them
// is vectorised by the compiler, and an element's value does not depend on its place in the loop. Choices are
// selections between values that were both computed.

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <tapegrad/core/language.hpp>
#include <type_traits>

namespace tapegrad::formula {

template <class T>
concept Number = std::is_arithmetic_v<T>;
template <class T>
concept Real = std::floating_point<T>;
/// A precision that kernels compute in; long double is the reference, left to the standard library.
template <class T>
concept Computed = std::same_as<T, float> || std::same_as<T, double>;

template <class T>
inline constexpr T kInfinity = std::numeric_limits<T>::infinity();
template <class T>
inline constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();

/// a b + c, with one rounding where the machine has the instruction.
template <Real T>
[[gnu::always_inline]] inline T madd(T a, T b, T c) {
#ifdef __FMA__
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// A polynomial in x; highest power first.
template <Real T, class First, class... C>
[[gnu::always_inline]] inline T horner(T x, First first, C... coefficients) {
  T sum = static_cast<T>(first);
  ((sum = madd(sum, x, static_cast<T>(coefficients))), ...);
  return sum;
}

/// a b - product, where product is a b rounded: what the rounding lost.
template <Computed T>
[[gnu::always_inline]] inline T product_error(T a, T b, T product) {
#ifdef __FMA__
  return std::fma(a, b, -product);
#else
  constexpr T kSplit = static_cast<T>(std::same_as<T, float> ? 4097.0 : 134217729.0);  // 2 to half the digits, plus 1
  const T as = a * kSplit, bs = b * kSplit;
  const T ah = as - (as - a), bh = bs - (bs - b);
  const T al = a - ah, bl = b - bh;
  return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
#endif
}

// ---- the representation ---------------------------------------------------------------------------------------------

template <Computed T>
using BitsOf = std::conditional_t<std::same_as<T, float>, std::uint32_t, std::uint64_t>;
template <Computed T>
inline constexpr int kFractionBits = std::numeric_limits<T>::digits - 1;
template <Computed T>
inline constexpr BitsOf<T> kBias = std::numeric_limits<T>::max_exponent - 1;

template <Computed T>
[[gnu::always_inline]] inline BitsOf<T> bits_of(T x) {
  return std::bit_cast<BitsOf<T>>(x);
}

/// x where |x| ≤ most, else ±most; NaN stays. By its bits: had a function's result been selected afterwards, its
/// constants at the ends would be followed into what is done with it, to conditions that compilers cannot vectorise.
template <Computed T>
[[gnu::always_inline]] inline T bounded(T x, T most) {
  constexpr BitsOf<T> kSign = BitsOf<T>{1} << (sizeof(T) * 8 - 1);
  const BitsOf<T> bits = bits_of(x), size = bits & ~kSign;
  const BitsOf<T> top = bits_of(most), infinite = bits_of(kInfinity<T>);
  const bool within = (size < top) | (size > infinite);
  return std::bit_cast<T>((within ? size : top) | (bits & kSign));
}

/// 2 to the power k (in two's complement), where that is a normal number.
template <Computed T>
[[gnu::always_inline]] inline T power_of_two(BitsOf<T> k) {
  return std::bit_cast<T>((k + kBias<T>) << kFractionBits<T>);
}

/// x rounded to a whole number, even on ties, and its low bits in two's complement; for |x| below 2^22 or 2^51.
template <Computed T>
struct Rounded {
  T value;
  BitsOf<T> bits;
};
template <Computed T>
[[gnu::always_inline]] inline Rounded<T> rounded_multiple(T x, T factor) {
  constexpr T kAligned = std::same_as<T, float> ? 0x1.8p23 : 0x1.8p52;  // adding it leaves no room for a fraction
  const T sum = madd(x, factor, kAligned);
  return {sum - kAligned, bits_of(sum) - std::bit_cast<BitsOf<T>>(kAligned)};
}

/// A biased exponent as a number, the bias taken off. Conversions of 64-bit integers are slow before AVX-512.
template <Computed T>
[[gnu::always_inline]] inline T exponent_value(BitsOf<T> biased) {
  constexpr T kAligned = std::same_as<T, float> ? 0x1p23 : 0x1p52;
  return std::bit_cast<T>(biased | std::bit_cast<BitsOf<T>>(kAligned)) - (kAligned + static_cast<T>(kBias<T>));
}

}  // namespace tapegrad::formula
