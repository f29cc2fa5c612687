#pragma once
// Elements by index along one axis: `indices` (i64 or i32) has the rank of x and names a position of `axis` for each
// element. Its other extents are at most those of x. Negative indices count from the end.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// y[i, j, k] = x[i, indices[i, j, k], k], for axis 1.
Tensor gather(const Tensor& x, int axis, const Tensor& indices);
/// x with y[i, indices[i, j, k], k] = source[i, j, k]. Of several written to one place the last one stands, and takes
/// the gradient.
Tensor scatter(const Tensor& x, int axis, const Tensor& indices, const Tensor& source);
/// x with y[i, indices[i, j, k], k] += source[i, j, k]; what meets in one place adds up, in order.
Tensor scatter_add(const Tensor& x, int axis, const Tensor& indices, const Tensor& source);

}  // namespace tapegrad
