#pragma once
// Examples that an op gives of itself: for gradient checks, documentation, tests and benchmarks.

#include <functional>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/op/attributes.hpp>
#include <vector>

namespace tapegrad {

/// Inputs and attributes that op O takes; f64 where it takes floats.
template <class O>
struct SampleOf {
  using Attributes = detail::Attributes<O>;
  typename O::In inputs;
  Attributes attributes{};
};

/// Inputs that op O refuses, and a part of the message.
template <class O>
struct BadInputOf {
  typename O::In inputs;
  detail::Attributes<O> attributes{};
  std::string message;
};

/// Attributes that pointwise op O refuses, and a part of the message.
template <class O>
struct BadAttributesOf {
  typename O::Attrs attributes{};
  std::string message;
};

/// An op's call on inputs in a row, which gives its results.
using OpFunction = std::function<std::vector<Tensor>(std::span<const Tensor>)>;

/// The same without the type of the op.
struct Sample {
  std::vector<Tensor> inputs;
  OpFunction call;
  NamedValues attributes;
};
/// Inputs that an operation must refuse.
struct BadInput {
  std::vector<Tensor> inputs;
  OpFunction call;
  std::string message;
};

}  // namespace tapegrad
