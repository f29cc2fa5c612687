#pragma once
// Reductions over sequences of unequal length: ragged (rows joined, with offsets) or padded (with a mask).

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

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
