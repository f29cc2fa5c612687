#pragma once
// Changes of shape. None of these copies, except reshape of a tensor whose strides do not allow a view.

#include <limits>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// The same elements in row-major order in another shape; one extent may be -1, which is inferred.
Tensor reshape(const Tensor& x, std::span<const std::int64_t> shape);
Tensor reshape(const Tensor& x, std::initializer_list<std::int64_t> shape);
Tensor reshape(const Tensor& x, const Shape& shape);
inline Tensor reshape(const Tensor& x, const std::vector<std::int64_t>& shape) { return reshape(x, std::span(shape)); }
/// Merges axes first to last, both included, into one.
Tensor flatten(const Tensor& x, int first = 0, int last = -1);
/// Axes in another order: y's axis i is x's axis axes[i].
Tensor permute(const Tensor& x, std::vector<std::int64_t> axes);
/// Swaps two axes.
Tensor transpose(const Tensor& x, int a = -2, int b = -1);
/// Repeats axes of extent 1, and adds axes in front, without a copy.
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// Inserts an axis of extent 1 before `axis`.
Tensor unsqueeze(const Tensor& x, int axis);
/// Removes an axis of extent 1; without an axis, all of them.
Tensor squeeze(const Tensor& x, int axis);
Tensor squeeze(const Tensor& x);

/// start, start + step, … before stop, on one axis. Negative positions count from the end and all are clipped, as in
/// NumPy; a negative step walks backwards, from the end to the beginning where start and stop are left out.
struct Slice {
  static constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  std::int64_t start = 0, stop = kEnd, step = 1;
};
Tensor slice(const Tensor& x, int axis, std::int64_t start, std::int64_t stop = Slice::kEnd, std::int64_t step = 1);
/// The adjoint of slice: zeros of extent `extent` on `axis`, with x in the sliced positions.
Tensor slice_scatter(const Tensor& x, int axis, std::int64_t start, std::int64_t stop, std::int64_t step,
                     std::int64_t extent);
/// One position of an axis, which goes away.
Tensor select(const Tensor& x, int axis, std::int64_t index);

/// The same values in another dtype, or x itself. Floats become integers towards zero, within their range; NaN is 0.
Tensor cast(const Tensor& x, DType dtype);

}  // namespace tapegrad
