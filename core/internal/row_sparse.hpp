#pragma once
// Sums of rows by their position: what row-sparse gradients are made of. For those who write ops and optimisers.

#include <algorithm>
#include <span>
#include <tapegrad/core/internal/pooled.hpp>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

/// A row-sparse tensor of rows known to be distinct and inside `shape`; shares their buffers.
Tensor adopt_rows(const Shape& shape, RowSparse rows);

/// The distinct entries of a list of rows, in order of first occurrence, and the place of each entry among them.
struct DistinctRows {
  explicit DistinctRows(std::span<const std::int64_t> given);

  std::int64_t count() const { return static_cast<std::int64_t>(rows.size()); }

  PooledVector<std::int64_t> rows;
  PooledVector<std::int64_t> slots;  ///< rows[slots[i]] is the i-th entry given
};

/// Calls `body(begin, end)` for ranges that cover [0, rows), on several threads when `work` elements are many. What is
/// computed for a row must not depend on its range.
template <class Body>
void for_row_ranges(std::int64_t rows, std::int64_t work, const Body& body, std::int64_t ranges = 8) {
  constexpr std::int64_t kParallelElements = 1 << 17;
  if (work < kParallelElements || rows < ranges || ranges < 2) return body(std::int64_t{0}, rows);
  for_chunks(ranges, true, [&](std::int64_t c) { body(rows * c / ranges, rows * (c + 1) / ranges); });
}

/// The same to add up `count` rows of `width` elements by position. Each range looks at all positions, so there are no
/// more than threads, and one where rows are narrow.
template <class Body>
void for_positioned_rows(std::int64_t rows, std::int64_t count, std::int64_t width, const Body& body) {
  constexpr std::int64_t kWide = 16;
  for_row_ranges(rows, width < kWide ? 0 : count * width, body, num_threads());
}

/// to[slots[i]] = the sum of the rows of `width` elements at source(i), in order of i.
template <class T, class Source>
void sum_rows(const DistinctRows& distinct, std::int64_t width, T* to, const Source& source) {
  const std::span<const std::int64_t> slots = distinct.slots;
  const auto given = static_cast<std::int64_t>(slots.size());
  std::vector<std::uint8_t> counts = scatter_counts<T>(distinct.count(), given - distinct.count());
  for_positioned_rows(distinct.count(), given, width, [&](std::int64_t begin, std::int64_t end) {
    ScatteredSums<T> sums(to, width, counts.empty() ? nullptr : counts.data());
    std::int64_t fresh = begin;  // slots below it, from `begin` on, have a value
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i] < begin || slots[i] >= end) continue;
      if (slots[i] == fresh)
        std::copy_n(source(i), width, to + fresh++ * width);
      else
        sums.add(slots[i], source(i));
    }
    sums.finish();
  });
}

/// to[positions[i]] += from[i] over rows of `width` elements, in order of i; `to` has `rows` of them.
template <class T>
void add_rows(const T* from, std::span<const std::int64_t> positions, std::int64_t width, T* to, std::int64_t rows) {
  const auto given = static_cast<std::int64_t>(positions.size());
  std::vector<std::uint8_t> counts = scatter_counts<T>(rows, given);
  for_positioned_rows(rows, given, width, [&](std::int64_t begin, std::int64_t end) {
    ScatteredSums<T> sums(to, width, counts.empty() ? nullptr : counts.data());
    for (std::int64_t i = 0; i < given; ++i) {
      const std::int64_t row = positions[static_cast<std::size_t>(i)];
      if (row >= begin && row < end) sums.add(row, from + i * width);
    }
    sums.finish();
  });
}

/// Adds the rows, which are distinct, to `to`, dense and of the same dtype and shape.
template <class T>
void add_rows(const RowSparse& rows, T* to) {
  const auto indices = rows.indices.data<std::int64_t>();
  const std::int64_t width = indices.empty() ? 0 : rows.values.numel() / std::ssize(indices);
  const T* from = rows.values.data<T>().data();
  for_blocks(std::ssize(indices), rows_of(1 << 14, width), rows.values.numel() >= 1 << 17,
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) {
                 T* target = to + indices[static_cast<std::size_t>(i)] * width;
                 for (std::int64_t j = 0; j < width; ++j) target[j] += from[i * width + j];
               }
             });
}

}  // namespace tapegrad
