#include <tapegrad/ops/internal/places.hpp>

namespace tapegrad {
namespace {

// Offsets in x of all positions of `shape`'s axes from `first` to before `last`.
std::vector<std::int64_t> offsets(const Shape& shape, const Shape& x, int first, int last) {
  const Strides strides = row_major_strides(x);
  std::vector<std::int64_t> all{0};
  for (int axis = first; axis < last; ++axis) {
    std::vector<std::int64_t> next;
    next.reserve(all.size() * static_cast<std::size_t>(shape[axis]));
    for (const std::int64_t offset : all)
      for (std::int64_t i = 0; i < shape[axis]; ++i)
        next.push_back(offset + i * strides[static_cast<std::size_t>(axis)]);
    all = std::move(next);
  }
  return all;
}

}  // namespace

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
  outer_ = offsets(indices.shape(), x, 0, axis);
  inner_ = offsets(indices.shape(), x, axis + 1, x.rank());
}

}  // namespace tapegrad
