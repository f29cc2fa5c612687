#pragma once
// Tensors joined into one.

#include <span>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// One after the other along an axis that exists; the other extents are equal.
Tensor concat(std::span<const Tensor> tensors, int axis = 0);
Tensor concat(std::initializer_list<Tensor> tensors, int axis = 0);
/// Side by side along a new axis; the shapes are equal.
Tensor stack(std::span<const Tensor> tensors, int axis = 0);
Tensor stack(std::initializer_list<Tensor> tensors, int axis = 0);

}  // namespace tapegrad
