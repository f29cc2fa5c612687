#pragma once
// An affine map of the last axis.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// x weightᵀ + bias: x [..., in], weight [out, in] and bias [out], or none, to [..., out] (ShapeError). Integers are
/// taken as f32.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace tapegrad
