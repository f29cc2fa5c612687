#include <algorithm>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/kernels/in_order.hpp>
#include <tapegrad/ops/kernels/sum.hpp>

namespace tapegrad::kernels {
namespace {

constexpr std::int64_t kParallelElements = 1 << 17;
constexpr std::int64_t kPart = 1 << 15;  // of a long row: one thread's work
constexpr std::int64_t kRun = 512;

// Halved down to short runs: the error grows with the logarithm of n.
template <class T, class S>
S pairwise_sum(const T* x, std::int64_t n) {
  if constexpr (!std::is_same_v<T, S>) {
    S total = 0;
    for (std::int64_t i = 0; i < n; ++i) total += static_cast<S>(x[i]);
    return total;
  } else {
    if (n <= kRun) return sum_in_order(x, n);
    const std::int64_t half = n / 2;
    return pairwise_sum<T, S>(x, half) + pairwise_sum<T, S>(x + half, n - half);
  }
}

template <class T, class S>
S long_sum(const T* x, std::int64_t n) {
  const std::int64_t parts = (n + kPart - 1) / kPart;
  std::vector<S> partial(static_cast<std::size_t>(parts));
  for_chunks(parts, n >= kParallelElements, [&](std::int64_t p) {
    partial[static_cast<std::size_t>(p)] = pairwise_sum<T, S>(x + p * kPart, std::min(kPart, n - p * kPart));
  });
  return pairwise_sum<S, S>(partial.data(), parts);
}

// Several rows at a time, so that the totals are read and written less often.
template <class T, class S>
void sum_columns(const T* x, std::int64_t count, std::int64_t step, std::int64_t width, S* y) {
  std::fill_n(y, width, S{0});
  std::int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const T *a = x + i * step, *b = a + step, *c = b + step, *d = c + step;
#pragma omp simd
    for (std::int64_t j = 0; j < width; ++j)
      y[j] += (static_cast<S>(a[j]) + static_cast<S>(b[j])) + (static_cast<S>(c[j]) + static_cast<S>(d[j]));
  }
  for (; i < count; ++i) {
    const T* a = x + i * step;
#pragma omp simd
    for (std::int64_t j = 0; j < width; ++j) y[j] += static_cast<S>(a[j]);
  }
}

}  // namespace

template <class T, class S>
void sum(const Slab& s, const T* x, S* y) {
  const bool parallel = s.numel() >= kParallelElements;
  if (s.inner == 1 && s.count > kPart) {
    for (std::int64_t o = 0; o < s.outer; ++o) y[o] = long_sum<T, S>(x + o * s.count, s.count);
    return;
  }
  if (s.inner == 1) {
    for_blocks(s.outer, rows_of(kPart, s.count), parallel, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t o = first; o < last; ++o) y[o] = pairwise_sum<T, S>(x + o * s.count, s.count);
    });
    return;
  }
  constexpr std::int64_t kColumns = 512;
  for_columns(s, kColumns, parallel, [&](std::int64_t o, std::int64_t begin, std::int64_t columns) {
    sum_columns(x + o * s.count * s.inner + begin, s.count, s.inner, columns, y + o * s.inner + begin);
  });
}

template void sum(const Slab&, const float*, float*);
template void sum(const Slab&, const double*, double*);
template void sum(const Slab&, const std::int64_t*, std::int64_t*);
template void sum(const Slab&, const std::int32_t*, std::int32_t*);
template void sum(const Slab&, const std::uint8_t*, std::int64_t*);
template void sum(const Slab&, const bool*, std::int64_t*);

}  // namespace tapegrad::kernels
