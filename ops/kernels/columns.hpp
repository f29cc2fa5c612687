#pragma once
// Weighted sums of rows: what column sums and products with a vector are made of.

#include <algorithm>
#include <array>
#include <tapegrad/core/internal/summation.hpp>

namespace tapegrad::kernels {

/// So many columns' blocks and totals stay in the first-level cache.
inline constexpr std::int64_t kColumns = 512;

/// total[j] += Σ term(x[i * step + j], i) over `rows` rows of at most kColumns columns, in blocks of type S. Four rows
/// at a time, so that a block's sums are read and written less often.
template <class S, class T, class Term>
void add_columns(const T* x, std::int64_t rows, std::int64_t step, std::int64_t width, Total<S>* total,
                 const Term& term) {
  std::array<S, kColumns> block;
  S* y = block.data();
  for (std::int64_t begin = 0; begin < rows; begin += 2 * kChain) {
    const std::int64_t end = std::min(begin + 2 * kChain, rows);
    std::fill_n(y, width, S{0});
    std::int64_t i = begin;
    for (; i + 4 <= end; i += 4) {
      const T *a = x + i * step, *b = a + step, *c = b + step, *d = c + step;
#pragma omp simd
      for (std::int64_t j = 0; j < width; ++j)
        y[j] += (term(a[j], i) + term(b[j], i + 1)) + (term(c[j], i + 2) + term(d[j], i + 3));
    }
    for (; i < end; ++i) {
      const T* a = x + i * step;
#pragma omp simd
      for (std::int64_t j = 0; j < width; ++j) y[j] += term(a[j], i);
    }
#pragma omp simd
    for (std::int64_t j = 0; j < width; ++j) total[j] += static_cast<Total<S>>(y[j]);
  }
}

}  // namespace tapegrad::kernels
