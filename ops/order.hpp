#pragma once
// Sorted order along an axis. A NaN is larger than all numbers; equal elements keep their order. Values have gradients,
// which go to the elements they came from; indices are i64 and have none.

#include <tapegrad/ops/reduce.hpp>

namespace tapegrad {

/// Positions that put the elements in order.
Tensor argsort(const Tensor& x, int axis = -1, bool descending = false);
ValuesAndIndices sort(const Tensor& x, int axis = -1, bool descending = false);
/// The k largest in falling order, or the k smallest in rising order. ValueError unless 0 <= k <= extent.
ValuesAndIndices topk(const Tensor& x, std::int64_t k, int axis = -1, bool largest = true);
/// The k-th smallest, k counting from 1. ValueError unless 1 <= k <= extent.
ValuesAndIndices kthvalue(const Tensor& x, std::int64_t k, int axis = -1, bool keepdims = false);
/// The middle element in order, or the mean of the two; NaN when one element is. ValueError of nothing.
Tensor median(const Tensor& x, int axis, bool keepdims = false);
Tensor median(const Tensor& x);

struct Unique {
  Tensor values;   ///< each once, in rising order; the gradient goes to the first occurrence
  Tensor inverse;  ///< for each element of x its position in values, in x's shape
  Tensor counts;   ///< how often each occurs
};
/// All NaNs count as one value.
Unique unique(const Tensor& x);

}  // namespace tapegrad
