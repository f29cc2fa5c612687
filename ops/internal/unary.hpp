#pragma once
// The signature of many ops.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad::internal {

/// From one tensor to one: base of an op's declaration.
struct Unary {
  struct In {
    Tensor x;
  };
  struct Out {
    Tensor y;
  };
};

}  // namespace tapegrad::internal
