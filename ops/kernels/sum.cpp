#include <algorithm>
#include <array>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/kernels/columns.hpp>
#include <tapegrad/ops/kernels/in_order.hpp>
#include <tapegrad/ops/kernels/sum.hpp>

namespace tapegrad::kernels {
namespace {

constexpr std::int64_t kParallelElements = 1 << 17;
constexpr std::int64_t kPart = 1 << 15;  // of a long row: one thread's work

template <class T, class S>
Total<S> row_sum(const T* x, std::int64_t n) {
  if constexpr (std::is_same_v<T, S>) {
    return sum_in_order(x, n);
  } else {
    S total = 0;
    for (std::int64_t i = 0; i < n; ++i) total += static_cast<S>(x[i]);
    return total;
  }
}

template <class T, class S>
Total<S> long_row_sum(const T* x, std::int64_t n) {
  const std::int64_t parts = (n + kPart - 1) / kPart;
  std::vector<Total<S>> partial(static_cast<std::size_t>(parts));
  for_chunks(parts, n >= kParallelElements, [&](std::int64_t p) {
    partial[static_cast<std::size_t>(p)] = row_sum<T, S>(x + p * kPart, std::min(kPart, n - p * kPart));
  });
  return sum_in_order(partial.data(), parts);
}

/// Adds `rows` rows to `total`.
template <class S, class T>
void add_columns(const T* x, std::int64_t rows, std::int64_t step, std::int64_t width, Total<S>* total) {
  kernels::add_columns<S>(x, rows, step, width, total, [](T v, std::int64_t) { return static_cast<S>(v); });
}

/// The same for rows that adjoin: some narrow ones are taken as one wide one.
template <class S, class T>
void add_adjoining_columns(const T* x, std::int64_t rows, std::int64_t width, Total<S>* total) {
  constexpr std::int64_t kWide = 128;
  const std::int64_t folded = std::max<std::int64_t>(1, kWide / width);
  if (folded == 1 || rows < 2 * folded) return add_columns<S>(x, rows, width, width, total);
  std::array<Total<S>, kWide> wide{};
  const std::int64_t whole = rows / folded;
  add_columns<S>(x, whole, folded * width, folded * width, wide.data());
  for (std::int64_t j = 0; j < folded * width; ++j) total[j % width] += wide[static_cast<std::size_t>(j)];
  add_columns<S>(x + whole * folded * width, rows % folded, width, width, total);
}

/// Where there are few columns, their rows are cut into parts as well.
template <class T, class S>
void sum_columns(const Slab& s, const T* x, S* y) {
  constexpr std::int64_t kParts = 16;
  const std::int64_t blocks = (s.inner + kColumns - 1) / kColumns, pieces = s.outer * blocks;
  const bool parallel = s.numel() >= kParallelElements;
  const std::int64_t parts = parallel && pieces < kParts ? std::clamp<std::int64_t>(s.count / kChain, 1, kParts) : 1;
  std::vector<Total<S>> partial(static_cast<std::size_t>(parts == 1 ? 0 : parts * s.outer * s.inner));
  for_chunks(parts * pieces, parallel, [&](std::int64_t c) {
    const std::int64_t part = c / pieces, o = c % pieces / blocks, column = c % blocks * kColumns;
    const std::int64_t width = std::min(kColumns, s.inner - column);
    const std::int64_t first = s.count * part / parts, rows = s.count * (part + 1) / parts - first;
    const T* from = x + (o * s.count + first) * s.inner + column;
    std::array<Total<S>, kColumns> total;
    std::fill_n(total.begin(), width, Total<S>{0});
    if (width == s.inner)
      add_adjoining_columns<S>(from, rows, width, total.data());
    else
      add_columns<S>(from, rows, s.inner, width, total.data());
    const std::int64_t at = o * s.inner + column;
    if (parts == 1)
      std::transform(total.begin(), total.begin() + width, y + at, [](auto v) { return static_cast<S>(v); });
    else
      std::copy_n(total.begin(), width, partial.begin() + part * s.outer * s.inner + at);
  });
  for (std::int64_t i = 0; parts > 1 && i < s.outer * s.inner; ++i) {
    Total<S> total = 0;
    for (std::int64_t p = 0; p < parts; ++p) total += partial[static_cast<std::size_t>(p * s.outer * s.inner + i)];
    y[i] = static_cast<S>(total);
  }
}

}  // namespace

template <class T, class S>
void sum(const Slab& s, const T* x, S* y) {
  if (s.inner == 1 && s.count > kPart) {
    for (std::int64_t o = 0; o < s.outer; ++o) y[o] = static_cast<S>(long_row_sum<T, S>(x + o * s.count, s.count));
    return;
  }
  if (s.inner == 1) {
    for_blocks(s.outer, rows_of(kPart, s.count), s.numel() >= kParallelElements,
               [&](std::int64_t first, std::int64_t last) {
                 for (std::int64_t o = first; o < last; ++o)
                   y[o] = static_cast<S>(row_sum<T, S>(x + o * s.count, s.count));
               });
    return;
  }
  sum_columns(s, x, y);
}

template void sum(const Slab&, const float*, float*);
template void sum(const Slab&, const double*, double*);
template void sum(const Slab&, const std::int64_t*, std::int64_t*);
template void sum(const Slab&, const std::int32_t*, std::int32_t*);
template void sum(const Slab&, const std::uint8_t*, std::int64_t*);
template void sum(const Slab&, const bool*, std::int64_t*);

}  // namespace tapegrad::kernels
