#pragma once
// What ops on indices share: checking them, and moving the rows they name.

#include <cstring>
#include <span>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

/// "[1, 2]": the place of a row-major position in `shape`; "" for a scalar.
std::string place_in(const Shape& shape, std::int64_t position);

/// Where in memory the positions of axes `first` to before `last` of `shape` lie, in row-major order.
std::vector<std::int64_t> places_along(const Shape& shape, const Strides& strides, int first, int last);

/// What a negative index means.
enum class Negative : std::uint8_t { from_end, refused };

/// Indices (i64 or i32, any shape) as dense i64 in [0, extent). DTypeError for other dtypes; IndexError that names the
/// first one outside, its place and the extent.
Tensor checked_indices(const char* op, const char* input, const Tensor& indices, std::int64_t extent,
                       Negative negative = Negative::from_end);

inline std::span<const std::int64_t> positions_of(const Tensor& checked) { return checked.data<std::int64_t>(); }

/// Offsets [B + 1] of runs of `rows` rows (i64 or i32) as dense i64. DTypeError for other dtypes; ValueError unless
/// they start at 0, never fall and end at `rows`.
Tensor checked_offsets(const char* op, const Tensor& offsets, std::int64_t rows);
/// For each row, the run that it is in.
Tensor segment_of_rows(std::span<const std::int64_t> offsets);
/// 1 / length of each run (1 for an empty one), as [B, 1, …] to multiply a tensor of rank `rank`.
Tensor inverse_lengths(std::span<const std::int64_t> offsets, int rank, DType dtype);

/// A constant 0 seen in `shape`, without a buffer of that size.
Tensor zeros_view(const Shape& shape, DType dtype);
/// Fills `y`, dense, with the values of `base`, of any layout; a zeros_view costs no read.
void start_from(const Tensor& base, Tensor& y);

/// to[i] = from[positions[i]] over rows of `width` elements.
template <class T>
void take_rows(const T* from, std::span<const std::int64_t> positions, std::int64_t width, T* to) {
  if (width == 1) {
    for (const std::int64_t p : positions) *to++ = from[p];
    return;
  }
  const auto bytes = static_cast<std::size_t>(width) * sizeof(T);
  if (bytes == 0) return;
  for (const std::int64_t p : positions) {
    std::memcpy(to, from + p * width, bytes);
    to += width;
  }
}

}  // namespace tapegrad
