#pragma once
// Sorted order along an axis. A NaN is larger than all numbers; equal elements keep their order. Values have gradients,
// which go to the elements they came from; indices are i64 and have none.

#include <tapegrad/ops/reduce.hpp>
#include <vector>

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
/// The same of the elements that are not NaN; NaN where all are.
Tensor nanmedian(const Tensor& x, int axis, bool keepdims = false);
Tensor nanmedian(const Tensor& x);

/// What a quantile between two elements is.
enum class QuantileMethod : std::uint8_t {
  linear,    ///< as far between them as it stands
  lower,     ///< the smaller
  higher,    ///< the larger
  midpoint,  ///< their mean
  nearest    ///< the nearer in order; the one at an even position where both are
};
/// The element at q (n - 1) of the n in order, for q in [0, 1]; NaN when one is. ValueError of nothing.
Tensor quantile(const Tensor& x, double q, int axis, bool keepdims = false,
                QuantileMethod between = QuantileMethod::linear);
Tensor quantile(const Tensor& x, double q);
/// The same of the elements that are not NaN; NaN where all are.
Tensor nanquantile(const Tensor& x, double q, int axis, bool keepdims = false,
                   QuantileMethod between = QuantileMethod::linear);
Tensor nanquantile(const Tensor& x, double q);
/// One quantile for each q, along a new first axis.
Tensor quantiles(const Tensor& x, const std::vector<double>& q, int axis, bool keepdims = false,
                 QuantileMethod between = QuantileMethod::linear);

/// For each of `values`, of any shape, how many elements of `sorted`, a vector in rising order (ValueError), are
/// smaller, or not larger where `right`: where it may be inserted, as i64. Of more axes, sorted has those of values but
/// the last.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false);

/// The different elements, and where they stood.
struct Unique {
  Tensor values;   ///< each once, in rising order; the gradient goes to the first occurrence
  Tensor inverse;  ///< for each element of x its position in values, in x's shape
  Tensor counts;   ///< how often each occurs
};
/// All NaNs count as one value.
Unique unique(const Tensor& x);

}  // namespace tapegrad
