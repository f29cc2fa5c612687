#pragma once
// Sums of rows by their position: what row-sparse gradients are made of. For those who write ops and optimisers.

#include <algorithm>
#include <span>
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

  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> slots;  ///< rows[slots[i]] is the i-th entry given
};

/// Calls `body(begin, end)` for ranges that cover [0, rows), on several threads when `work` elements are many. The
/// ranges depend on `rows` and `work` alone.
template <class Body>
void for_row_ranges(std::int64_t rows, std::int64_t work, const Body& body) {
  constexpr std::int64_t kParallelElements = 1 << 17, kRanges = 8;
  if (work < kParallelElements || rows < kRanges) return body(std::int64_t{0}, rows);
  for_chunks(kRanges, true, [&](std::int64_t c) { body(rows * c / kRanges, rows * (c + 1) / kRanges); });
}

/// to[slots[i]] = the sum of the rows of `width` elements at source(i), in order of i.
template <class T, class Source>
void sum_rows(const DistinctRows& distinct, std::int64_t width, T* to, const Source& source) {
  const std::span<const std::int64_t> slots = distinct.slots;
  for_row_ranges(distinct.count(), static_cast<std::int64_t>(slots.size()) * width,
                 [&](std::int64_t begin, std::int64_t end) {
                   std::int64_t fresh = begin;  // slots below it, from `begin` on, have a value
                   for (std::size_t i = 0; i < slots.size(); ++i) {
                     if (slots[i] < begin || slots[i] >= end) continue;
                     const T* from = source(i);
                     T* target = to + slots[i] * width;
                     if (slots[i] == fresh) {
                       std::copy_n(from, width, target);
                       ++fresh;
                     } else {
                       for (std::int64_t j = 0; j < width; ++j) target[j] += from[j];
                     }
                   }
                 });
}

/// to[positions[i]] += from[i] over rows of `width` elements, in order of i; `to` has `rows` of them.
template <class T>
void add_rows(const T* from, std::span<const std::int64_t> positions, std::int64_t width, T* to, std::int64_t rows) {
  for_row_ranges(rows, static_cast<std::int64_t>(positions.size()) * width, [&](std::int64_t begin, std::int64_t end) {
    for (std::size_t i = 0; i < positions.size(); ++i) {
      if (positions[i] < begin || positions[i] >= end) continue;
      const T* source = from + static_cast<std::int64_t>(i) * width;
      T* target = to + positions[i] * width;
      for (std::int64_t j = 0; j < width; ++j) target[j] = static_cast<T>(target[j] + source[j]);
    }
  });
}

}  // namespace tapegrad
