#include <tapegrad/ops/internal/places.hpp>

namespace tapegrad {

void check_places(const char* op, int axis, const Tensor& x, const Tensor& indices) {
  axis = normalized_axis(op, axis, x.rank());
  bool fits = indices.rank() == x.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = i == axis || indices.shape()[i] <= x.shape()[i];
  if (!fits)
    throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) + " and indices " + to_string(indices.shape()) +
                     "; expected the same rank, and extents no larger except on axis " + std::to_string(axis) +
                     " (take() accepts indices of any shape)");
}

void check_scattered(const char* op, int axis, const internal::WritesIndexed::In& in) {
  check_places(op, axis, in.x, in.indices);
  if (in.source.shape() != in.indices.shape())
    throw ShapeError(std::string(op) + ": indices are " + to_string(in.indices.shape()) + " and source " +
                     to_string(in.source.shape()) + "; shapes must be equal");
}

Places::Places(const char* op, int given_axis, const Shape& x, const Tensor& indices) {
  const int axis = normalized_axis(op, given_axis, x.rank());
  of_ = slab_around(indices.shape(), axis);
  step_ = slab_around(x, axis).inner;
  indices_ = checked_indices(op, "indices", indices, x[axis]);
  const Strides strides = row_major_strides(x);
  outer_ = places_along(indices.shape(), strides, 0, axis);
  inner_ = places_along(indices.shape(), strides, axis + 1, x.rank());
}

}  // namespace tapegrad
