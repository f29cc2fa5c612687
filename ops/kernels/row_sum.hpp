#pragma once
// Rows added to one.

#include <algorithm>
#include <cmath>
#include <tapegrad/core/internal/summation.hpp>

namespace tapegrad::kernels {

/// to[0 … width) = Σ row(i) over i < count, each of `width` numbers.
template <class T, class RowAt>
void sum_rows(T* to, std::int64_t width, std::int64_t count, const RowAt& row) {
  std::fill_n(to, width, T{0});
  RowSum<T> sum(to, width);
  for (std::int64_t i = 0; i < count; ++i) sum.add(row(i));
  sum.finish();
}

/// Their mean; 0 where there are none.
template <class T, class RowAt>
void mean_of_rows(T* to, std::int64_t width, std::int64_t count, const RowAt& row) {
  sum_rows(to, width, count, row);
  if (count < 2) return;
  const T share = T{1} / static_cast<T>(count);
  bool finite = true;
  for (std::int64_t j = 0; j < width; ++j) {
    to[j] *= share;
    finite &= std::isfinite(to[j]);
  }
  if (finite) return;
  // A sum leaves the range sooner than the mean does.
  std::fill_n(to, width, T{0});
  RowSum<T> sum(to, width);
  for (std::int64_t i = 0; i < count; ++i) {
    const T* from = row(i);
    T* at = sum.next();
    for (std::int64_t j = 0; j < width; ++j) at[j] += from[j] * share;
  }
  sum.finish();
}

}  // namespace tapegrad::kernels
