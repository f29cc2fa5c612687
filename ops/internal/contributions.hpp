#pragma once
// Contributions to a gradient, of which an undefined one is zero.

#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/arithmetic.hpp>

namespace tapegrad::internal {

/// The sum of what is there.
inline Tensor added(const Tensor& a, const Tensor& b) { return !a.defined() ? b : !b.defined() ? a : a + b; }

}  // namespace tapegrad::internal
