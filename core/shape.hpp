#pragma once
// The extents of a tensor.

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad {

inline constexpr int kMaxRank = 8;

/// Up to eight extents, each zero or more; rank 0 is a scalar. At most 2^60 elements, extents of 0 left out of the
/// product: offsets in bytes fit 64 bits. ShapeError otherwise.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  Shape(const std::vector<std::int64_t>& dims) : Shape(std::span(dims)) {}
  explicit Shape(std::span<const std::int64_t> dims);

  int rank() const { return rank_; }
  /// Extent of an axis; negative axes count from the end. No check: see normalized_axis.
  std::int64_t operator[](int axis) const { return dims_[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)]; }
  std::int64_t numel() const {
    std::int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= dims_[static_cast<std::size_t>(i)];
    return n;
  }

  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }
  std::span<const std::int64_t> dims() const { return {begin(), end()}; }

  /// A copy with one extent replaced, inserted before `axis`, or removed.
  Shape with(int axis, std::int64_t extent) const;
  Shape insert(int axis, std::int64_t extent) const;
  Shape erase(int axis) const;

  friend bool operator==(const Shape& a, const Shape& b) {
    // A plain loop: the ranks are small, and the library call that std::equal makes costs more than the comparison.
    if (a.rank_ != b.rank_) return false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(a.rank_); ++i)
      if (a.dims_[i] != b.dims_[i]) return false;
    return true;
  }

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

/// "[2, 3]"; "[]" for a scalar.
std::string to_string(const Shape& shape);
std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// Maps an axis in [-rank, rank) to [0, rank); throws ValueError that names `op` otherwise.
int normalized_axis(const char* op, std::int64_t axis, int rank);

/// Strides of a row-major layout, in elements.
std::array<std::int64_t, kMaxRank> row_major_strides(const Shape& shape);

/// The shape that both broadcast to by NumPy's rule; throws ShapeError that names `op` and both shapes.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

/// Whether `from` broadcasts to `to` without changing `to`.
bool broadcasts_to(const Shape& from, const Shape& to);

}  // namespace tapegrad
