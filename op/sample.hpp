#pragma once
// Examples that an op gives of itself: for gradient checks, documentation, tests and benchmarks.

#include <functional>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

/// Inputs and attributes that op O takes; f64 where it takes floats.
template <class O>
struct SampleOf {
  std::vector<Tensor> inputs;
  typename O::Attrs attributes{};
};

/// Inputs that op O refuses, and a part of the message.
template <class O>
struct BadInputOf {
  std::vector<Tensor> inputs;
  typename O::Attrs attributes{};
  std::string message;
};

/// Attributes that pointwise op O refuses, and a part of the message.
template <class O>
struct BadAttributesOf {
  typename O::Attrs attributes{};
  std::string message;
};

/// The same without the type of the op.
struct Sample {
  std::vector<Tensor> inputs;
  std::function<Tensor(std::span<const Tensor>)> function;
  NamedValues attributes;
};
struct BadInput {
  std::vector<Tensor> inputs;
  std::function<Tensor(std::span<const Tensor>)> function;
  std::string message;
};

}  // namespace tapegrad
