#pragma once
// Arithmetic on sizes that comes from arguments: it does not wrap, and what does not fit is refused where it is
// computed.

#include <concepts>
#include <cstdint>
#include <string>
#include <tapegrad/core/error.hpp>

namespace tapegrad {

/// A 64-bit number whose sums, differences and products throw a ShapeError, which begins with `op` and has the numbers,
/// when they do not fit 64 bits:
///
///   const std::int64_t room = Checked(op, in) + 2 * Checked(op, padding) - Checked(op, dilation) * (kernel - 1) - 1;
class Checked {
 public:
  Checked(const char* op, std::int64_t value) : op_(op), value_(value) {}
  operator std::int64_t() const { return value_; }

  friend Checked operator+(const Checked& a, const Checked& b) {
    std::int64_t sum;
    if (__builtin_add_overflow(a.value_, b.value_, &sum)) a.refuse('+', b);
    return {a.op_, sum};
  }
  friend Checked operator-(const Checked& a, const Checked& b) {
    std::int64_t difference;
    if (__builtin_sub_overflow(a.value_, b.value_, &difference)) a.refuse('-', b);
    return {a.op_, difference};
  }
  friend Checked operator*(const Checked& a, const Checked& b) {
    std::int64_t product;
    if (__builtin_mul_overflow(a.value_, b.value_, &product)) a.refuse('*', b);
    return {a.op_, product};
  }
  // Templates, so that they are better matches than the built-in operators on two numbers.
  template <std::integral T>
  friend Checked operator+(const Checked& a, T b) {
    return a + Checked(a.op_, b);
  }
  template <std::integral T>
  friend Checked operator-(const Checked& a, T b) {
    return a - Checked(a.op_, b);
  }
  template <std::integral T>
  friend Checked operator*(const Checked& a, T b) {
    return a * Checked(a.op_, b);
  }
  template <std::integral T>
  friend Checked operator*(T a, const Checked& b) {
    return Checked(b.op_, a) * b;
  }
  Checked& operator+=(std::int64_t b) { return *this = *this + b; }
  Checked& operator*=(std::int64_t b) { return *this = *this * b; }

 private:
  [[noreturn]] void refuse(char sign, const Checked& other) const {
    throw ShapeError(std::string(op_) + ": " + std::to_string(value_) + " " + sign + " " +
                     std::to_string(other.value_) + " does not fit 64 bits; give smaller sizes");
  }

  const char* op_;
  std::int64_t value_;
};

}  // namespace tapegrad
