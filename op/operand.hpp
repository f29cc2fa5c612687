#pragma once
// What a pointwise op takes: a tensor, or a number that has no gradient.

#include <concepts>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// An argument of a pointwise op; refers to the caller's tensor, so use it as a parameter type only.
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(&tensor) {}
  template <class T>
  requires std::is_arithmetic_v<T> Operand(T number)
      : number_(static_cast<double>(number)), integral_(std::is_integral_v<T>) {}

  bool is_number() const { return tensor_ == nullptr; }
  const Tensor& tensor() const { return *tensor_; }
  double number() const { return number_; }
  bool is_integral() const { return integral_; }

 private:
  const Tensor* tensor_ = nullptr;
  double number_ = 0;
  bool integral_ = false;
};

/// A number, never a tensor: for functions that have a namesake in `<cmath>`, so that pow(2.0, 3.0) stays a number's.
class Number {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> Number(T number) : operand_(number) {}
  operator const Operand&() const { return operand_; }

 private:
  Operand operand_;
};

}  // namespace tapegrad
