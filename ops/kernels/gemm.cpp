#include <algorithm>
#include <array>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/kernels/columns.hpp>
#include <tapegrad/ops/kernels/gemm.hpp>
#include <tapegrad/ops/kernels/tile_product.hpp>
#include <vector>

namespace tapegrad::kernels {
namespace {

// A longer inner dimension is cut into blocks that are added in Total<T>.
constexpr std::int64_t kInner = 4096;

/// A vector in memory.
template <class T>
struct Strided {
  T* data;
  std::int64_t step;
  T& operator[](std::int64_t i) const { return data[i * step]; }
};

template <class A, class B>
auto dot(std::int64_t n, const A& a, const B& b) {
  using T = std::remove_cvref_t<decltype(a[0])>;
  return sum_terms<T>([](T x, T y) { return x * y; }, n, a, b);
}

/// c = a b + beta c, cut into pieces of c for the threads. No element depends on the cut.
template <class T>
void cut_product(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  if (better_turned(a, b)) return cut_product<T>(b.turned(), a.turned(), beta, c.turned());
  const auto multiply = c.rows == 1 && b.row == 1 ? row_product<T> : tile_product<T>;
  // Operations from which on a second thread is worth its while; a product with a vector waits for memory.
  const double worth = c.rows == 1 ? 1 << 18 : 1 << 21;
  const double flops =
      2.0 * static_cast<double>(c.rows) * static_cast<double>(c.columns) * static_cast<double>(a.columns);
  const std::int64_t threads = num_threads();
  if (threads == 1 || flops < worth) return multiply(a, b, beta, c);
  // Pieces of columns share no part of b: the more, the less a thread waits for the other. Each piece of rows may pack
  // all of b anew.
  constexpr std::int64_t kColumnUnit = 64, kRowUnit = 12;
  const bool by_columns = c.columns >= 4 * kColumnUnit || c.rows < 4 * kRowUnit;
  const std::int64_t extent = by_columns ? c.columns : c.rows, unit = by_columns ? kColumnUnit : kRowUnit;
  const std::int64_t pieces = by_columns ? 8 * threads : threads, piece = (extent + pieces - 1) / pieces;
  for_blocks(extent, (piece + unit - 1) / unit * unit, true, [&](std::int64_t begin, std::int64_t end) {
    if (by_columns)
      multiply(a, b.some_columns(begin, end), beta, c.some_columns(begin, end));
    else
      multiply(a.some_rows(begin, end), b, beta, c.some_rows(begin, end));
  });
}

/// c [1, n] = x b + beta c for a vector x, in blocks that are added in Total<T>.
template <class T>
void vector_product(const Strided<const T>& x, const MatrixView<const T>& b, T beta, const Strided<T>& c) {
  constexpr std::int64_t kTile = 128, kParallelElements = 1 << 17;
  static_assert(kTile <= kColumns);
  for_blocks(b.columns, kTile, b.rows * b.columns >= kParallelElements, [&](std::int64_t begin, std::int64_t end) {
    std::array<Total<T>, kTile> total{};
    const T* first = b.data + begin * b.column;
    if (b.column == 1 && b.row != 1)
      add_columns<T>(first, b.rows, b.row, end - begin, total.data(), [&](T v, std::int64_t k) { return v * x[k]; });
    else
      for (std::int64_t j = 0; j < end - begin; ++j)
        total[static_cast<std::size_t>(j)] = x.step == 1 && b.row == 1
                                                 ? dot(b.rows, x.data, first + j * b.column)
                                                 : dot(b.rows, x, Strided<const T>{first + j * b.column, b.row});
    for (std::int64_t j = begin; j < end; ++j) {
      const Total<T> rest = beta == T{0} ? Total<T>{0} : Total<T>(beta) * Total<T>(c[j]);
      c[j] = static_cast<T>(rest + total[static_cast<std::size_t>(j - begin)]);
    }
  });
}

/// The same for a matrix. Small results leave the threads to parts of the inner dimension.
template <class T>
void long_product(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  constexpr std::int64_t kSmall = 1 << 14, kParts = 16;
  const std::int64_t size = c.rows * c.columns, blocks = (a.columns + kInner - 1) / kInner;
  const std::int64_t parts = size <= kSmall ? std::min(blocks, kParts) : 1;
  std::vector<Total<T>> totals(static_cast<std::size_t>(parts * size));
  for_chunks(parts, parts > 1, [&](std::int64_t p) {
    std::vector<T> product(static_cast<std::size_t>(size));
    Total<T>* total = totals.data() + p * size;
    for (std::int64_t k = blocks * p / parts; k < blocks * (p + 1) / parts; ++k) {
      const std::int64_t begin = k * kInner, end = std::min(a.columns, begin + kInner);
      cut_product<T>(a.some_columns(begin, end), b.some_rows(begin, end), T{0},
                     {product.data(), c.rows, c.columns, c.columns, 1});
      for_blocks(size, kSmall, parts == 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i)
          total[i] += static_cast<Total<T>>(product[static_cast<std::size_t>(i)]);
      });
    }
  });
  for (std::int64_t i = 0; i < size; ++i) {
    T& result = c.data[i / c.columns * c.row + i % c.columns];
    Total<T> total = beta == T{0} ? Total<T>{0} : static_cast<Total<T>>(beta) * static_cast<Total<T>>(result);
    for (std::int64_t p = 0; p < parts; ++p) total += totals[static_cast<std::size_t>(p * size + i)];
    result = static_cast<T>(total);
  }
}

/// By the length of the inner dimension and the shape of the result.
template <class T>
void product(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  if (c.column != 1) throw ValueError("gemm: the result must lie row by row");
  if (!kCarries<T> || a.columns <= kInner) return cut_product(a, b, beta, c);
  constexpr std::int64_t kShort = 8;
  if (c.rows <= kShort) {
    for (std::int64_t i = 0; i < c.rows; ++i)
      vector_product<T>({a.data + i * a.row, a.column}, b, beta, {c.data + i * c.row, 1});
  } else if (c.columns <= kShort) {
    for (std::int64_t j = 0; j < c.columns; ++j)
      vector_product<T>({b.data + j * b.column, b.row}, a.turned(), beta, {c.data + j, c.row});
  } else {
    long_product(a, b, beta, c);
  }
}

}  // namespace

void gemm(const MatrixView<const float>& a, const MatrixView<const float>& b, float beta, const MatrixView<float>& c) {
  product(a, b, beta, c);
}
void gemm(const MatrixView<const double>& a, const MatrixView<const double>& b, double beta,
          const MatrixView<double>& c) {
  product(a, b, beta, c);
}

}  // namespace tapegrad::kernels
