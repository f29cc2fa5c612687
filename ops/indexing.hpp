#pragma once
// Elements and rows by tensors of indices (i64 or i32). Negative indices count from the end; one outside its axis is an
// IndexError that says where it stands. See selection.hpp for at().

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// The positions `indices`, of any shape, of one axis: its axes stand where that axis was.
Tensor take(const Tensor& x, const Tensor& indices, int axis);
/// Elements of x, flattened: a result of the indices' shape.
Tensor take(const Tensor& x, const Tensor& indices);
/// As take() with `indices` of one axis.
Tensor index_select(const Tensor& x, int axis, const Tensor& indices);
/// x with source's positions i along `axis` added at indices[i]; repeated indices add up, in order. source has the
/// shape of take(x, indices, axis).
Tensor index_add(const Tensor& x, int axis, const Tensor& indices, const Tensor& source);

}  // namespace tapegrad
