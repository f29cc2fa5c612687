#pragma once
// Largest and smallest elements along the middle axis of a slab. A NaN counts as both.

#include <Eigen/Core>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <type_traits>

namespace tapegrad::kernels {

enum class Extreme : bool { smallest, largest };

namespace detail {

/// Whether `a` is more extreme than `b`; a NaN is, once.
template <Extreme kWhich, class T>
bool beats(T a, T b) {
  const bool more = kWhich == Extreme::largest ? a > b : a < b;
  if constexpr (std::is_floating_point_v<T>) return (more || a != a) && b == b;
  return more;
}

template <Extreme kWhich, class T>
T of_row(const T* row, std::int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> values(row, n);
    return kWhich == Extreme::largest ? values.template maxCoeff<Eigen::PropagateNaN>()
                                      : values.template minCoeff<Eigen::PropagateNaN>();
  } else {
    T best = row[0];
    for (std::int64_t i = 1; i < n; ++i) best = beats<kWhich>(row[i], best) ? row[i] : best;
    return best;
  }
}

template <Extreme kWhich, class T>
void of_columns(const T* x, std::int64_t count, std::int64_t step, std::int64_t width, T* y) {
  std::copy_n(x, width, y);
  for (std::int64_t i = 1; i < count; ++i) {
    const T* row = x + i * step;
#pragma omp simd
    for (std::int64_t j = 0; j < width; ++j) y[j] = beats<kWhich>(row[j], y[j]) ? row[j] : y[j];
  }
}

}  // namespace detail

/// y [outer, inner]; count is at least 1.
template <Extreme kWhich, class T>
void extremum(const Slab& s, const T* x, T* y) {
  if (s.inner == 1) return reduce_lanes(s, x, y, [&](const T* row) { return detail::of_row<kWhich>(row, s.count); });
  constexpr std::int64_t kColumns = 512;
  for_columns(s, kColumns, s.numel() >= 1 << 17, [&](std::int64_t o, std::int64_t begin, std::int64_t columns) {
    detail::of_columns<kWhich>(x + o * s.count * s.inner + begin, s.count, s.inner, columns, y + o * s.inner + begin);
  });
}

/// The first position of it.
template <Extreme kWhich, class T>
void extremum_position(const Slab& s, const T* x, std::int64_t* y) {
  reduce_lanes(s, x, y, [&](const T* row) {
    const T best = detail::of_row<kWhich>(row, s.count);
    std::int64_t i = 0;
    while (row[i] != best && (best == best || row[i] == row[i])) ++i;
    return i;
  });
}

}  // namespace tapegrad::kernels
