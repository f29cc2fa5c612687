#pragma once
// Elements and rows by tensors of indices (i64 or i32). Negative indices count from the end; one outside its axis is an
// IndexError that says where it stands. See selection.hpp for at().
//
// Along one axis: `indices` (i64 or i32) has the rank of x and names a position of `axis` for each
// element. Its other extents are at most those of x. Negative indices count from the end.
//
// Reductions over sequences of unequal length: ragged (rows joined, with offsets) or padded (with a mask).

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

/// y[i, j, k] = x[i, indices[i, j, k], k], for axis 1.
Tensor gather(const Tensor& x, int axis, const Tensor& indices);
/// x with y[i, indices[i, j, k], k] = source[i, j, k]. Of several written to one place the last one stands, and takes
/// the gradient.
Tensor scatter(const Tensor& x, int axis, const Tensor& indices, const Tensor& source);
/// x with y[i, indices[i, j, k], k] += source[i, j, k]; what meets in one place adds up, in order.
Tensor scatter_add(const Tensor& x, int axis, const Tensor& indices, const Tensor& source);

/// What becomes of those that meet in one place.
enum class ScatterReduce : std::uint8_t {
  sum,
  mean,
  prod,  ///< its gradient is exact where factors are 0
  amax,  ///< NaN when one is; equal largest ones share the gradient evenly
  amin
};
/// x with y[i, indices[i, j, k], k] = what source[i, j, k] and others that name that place, and x there unless
/// `include_self` is false, come to. Places that no index names keep x.
Tensor scatter_reduce(const Tensor& x, int axis, const Tensor& indices, const Tensor& source, ScatterReduce reduction,
                      bool include_self = true);

/// Sums of runs of rows: y[b] = x[offsets[b]] + … + x[offsets[b + 1] - 1]. x is [T, …]; offsets, i64 or i32 [B + 1],
/// start at 0, never fall and end at T (ValueError). An empty run gives 0.
Tensor segment_sum(const Tensor& x, const Tensor& offsets);
/// Means of runs of rows; an empty one gives 0.
Tensor segment_mean(const Tensor& x, const Tensor& offsets);

/// Maxima of runs of rows, NaN where there is one; equal ones share the gradient. An empty run gives 0.
Tensor segment_max(const Tensor& x, const Tensor& offsets);

/// The mean over the sequence axis of the positions whose mask (bool) holds: x [B…, L, D…] and mask [B…, L] give
/// [B…, D…]. 0 where none holds; what is masked out is not read, be it NaN.
Tensor masked_mean(const Tensor& x, const Tensor& mask);

}  // namespace tapegrad
