#include <tapegrad/core/error.hpp>
#include <tapegrad/core/shape.hpp>
#include <vector>

namespace tapegrad {

Shape::Shape(std::span<const std::int64_t> dims) {
  if (dims.size() > kMaxRank)
    throw ShapeError("a shape has at most " + std::to_string(kMaxRank) + " axes, got " + std::to_string(dims.size()));
  std::int64_t nonzero_product = 1;
  for (std::int64_t extent : dims) {
    if (extent < 0) throw ShapeError("a shape has extents of zero or more, got " + std::to_string(extent));
    if (extent != 0 && nonzero_product > (std::int64_t{1} << 60) / extent) {
      std::string text;
      for (std::int64_t d : dims) text += (text.empty() ? "" : ", ") + std::to_string(d);
      throw ShapeError("a shape has at most 2^60 elements; [" + text + "] has more");
    }
    if (extent != 0) nonzero_product *= extent;
    dims_[static_cast<std::size_t>(rank_++)] = extent;
  }
}

Shape Shape::with(int axis, std::int64_t extent) const {
  std::vector<std::int64_t> dims(begin(), end());
  dims[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)] = extent;
  return Shape(dims);
}

Shape Shape::insert(int axis, std::int64_t extent) const {
  std::vector<std::int64_t> dims(begin(), end());
  dims.insert(dims.begin() + axis, extent);
  return Shape(dims);
}

Shape Shape::erase(int axis) const {
  std::vector<std::int64_t> dims(begin(), end());
  dims.erase(dims.begin() + axis);
  return Shape(dims);
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

int normalized_axis(const char* op, std::int64_t axis, int rank) {
  if (axis >= -rank && axis < rank) return static_cast<int>(axis < 0 ? axis + rank : axis);
  throw ValueError(
      std::string(op) + ": axis " + std::to_string(axis) + " is outside a tensor of rank " + std::to_string(rank) +
      (rank == 0 ? "; a scalar has no axes" : "; use " + std::to_string(-rank) + " to " + std::to_string(rank - 1)));
}

std::array<std::int64_t, kMaxRank> row_major_strides(const Shape& shape) {
  std::array<std::int64_t, kMaxRank> strides{};
  std::int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[static_cast<std::size_t>(i)] = step;
    step *= std::max<std::int64_t>(shape[i], 1);
  }
  return strides;
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::array<std::int64_t, kMaxRank> dims{};
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t da = i <= a.rank() ? a[-i] : 1, db = i <= b.rank() ? b[-i] : 1;
    if (da != db && da != 1 && db != 1)
      throw ShapeError(std::string(op) + ": shapes " + to_string(a) + " and " + to_string(b) +
                       " do not broadcast: axis " + std::to_string(-i) + " is " + std::to_string(da) + " against " +
                       std::to_string(db) + "; extents must be equal or 1");
    dims[static_cast<std::size_t>(rank - i)] = da == 1 ? db : da;
  }
  return Shape(std::span<const std::int64_t>(dims.data(), static_cast<std::size_t>(rank)));
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  for (int i = 1; i <= from.rank(); ++i)
    if (from[-i] != to[-i] && from[-i] != 1) return false;
  return true;
}

}  // namespace tapegrad
