#include <Eigen/Core>
#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/kernels/columns.hpp>
#include <tapegrad/ops/kernels/gemm.hpp>
#include <vector>

#ifdef TAPEGRAD_HAS_ONEDNN
#include <oneapi/dnnl/dnnl.h>

#include <tapegrad/ops/kernels/signals_blocked.hpp>
#endif

namespace tapegrad::kernels {
namespace {

// Eigen works tiny products out number by number, in an order that depends on where the result lies.
constexpr std::int64_t kTiny = 20;
// A longer inner dimension is cut into blocks.
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

template <class T>
void add_product(const MatrixView<const T>& a, const MatrixView<const T>& b, const MatrixView<T>& c) {
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (std::int64_t j = 0; j < c.columns; ++j) {
      const Strided<const T> row{a.data + i * a.row, a.column}, column{b.data + j * b.column, b.row};
      c.data[i * c.row + j] += static_cast<T>(dot(a.columns, row, column));
    }
}

template <class T>
void eigen_gemm(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using ColumnMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;
  using Step = Eigen::OuterStride<>;
  Eigen::Map<RowMajor, 0, Step> out(c.data, c.rows, c.columns, Step(c.row));
  if (beta == T{0})
    out.setZero();
  else if (beta != T{1})
    out *= beta;
  if (a.rows + a.columns + c.columns < kTiny) return add_product(a, b, c);
  const auto with = [&](const MatrixView<const T>& m, auto&& f) {
    if (m.column == 1)
      f(Eigen::Map<const RowMajor, 0, Step>(m.data, m.rows, m.columns, Step(m.row)));
    else
      f(Eigen::Map<const ColumnMajor, 0, Step>(m.data, m.rows, m.columns, Step(m.column)));
  };
  with(a, [&](const auto& left) { with(b, [&](const auto& right) { out.noalias() += left * right; }); });
}

#ifdef TAPEGRAD_HAS_ONEDNN
void serial_gemm(const MatrixView<const float>& a, const MatrixView<const float>& b, float beta,
                 const MatrixView<float>& c) {
  const auto transposed = [](const MatrixView<const float>& m) { return m.column == 1 ? 'N' : 'T'; };
  const auto leading = [](const MatrixView<const float>& m) {
    return m.column == 1 ? std::max(m.row, m.columns) : std::max(m.column, m.rows);
  };
  const auto status = [&] {
    const SignalsBlocked undisturbed;
    return dnnl_sgemm(transposed(a), transposed(b), c.rows, c.columns, a.columns, 1.0f, a.data, leading(a), b.data,
                      leading(b), beta, c.data, c.row);
  }();
  if (status != dnnl_success) eigen_gemm(a, b, beta, c);
}
#else
void serial_gemm(const MatrixView<const float>& a, const MatrixView<const float>& b, float beta,
                 const MatrixView<float>& c) {
  eigen_gemm(a, b, beta, c);
}
#endif

void serial_gemm(const MatrixView<const double>& a, const MatrixView<const double>& b, double beta,
                 const MatrixView<double>& c) {
  eigen_gemm(a, b, beta, c);
}

/// One block on the calling thread, so that its bits depend on its shape alone.
template <class T>
void block_gemm(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  const OneThread alone;
  serial_gemm(a, b, beta, c);
}

template <class T>
void cut_gemm(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  // A cut of c into two halves or more, along its longer side, never along the inner dimension. Small products are
  // not worth a second thread.
  constexpr double kWorth = 1 << 21;
  const double flops =
      2.0 * static_cast<double>(c.rows) * static_cast<double>(c.columns) * static_cast<double>(a.columns);
  if (flops < kWorth) return block_gemm(a, b, beta, c);
  const bool by_rows = c.rows >= c.columns;
  const std::int64_t extent = by_rows ? c.rows : c.columns;
  constexpr std::int64_t kUnit = 16, kPieces = 8;
  const std::int64_t step = std::max<std::int64_t>(2 * kUnit, (extent / kPieces + kUnit - 1) / kUnit * kUnit);
  for_blocks(extent, step, true, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t length = end - begin;
    if (by_rows)
      block_gemm<T>({a.data + begin * a.row, length, a.columns, a.row, a.column}, b, beta,
                    {c.data + begin * c.row, length, c.columns, c.row, c.column});
    else
      block_gemm<T>(a, {b.data + begin * b.column, b.rows, length, b.row, b.column}, beta,
                    {c.data + begin * c.column, c.rows, length, c.row, c.column});
  });
}

/// c [1, n] = x b + beta c for a vector x.
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

/// The libraries add up the whole inner dimension in T; where it is long, it is cut into blocks that are added in
/// Total<T>. Small results leave the threads to parts of the inner dimension.
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
      const std::int64_t begin = k * kInner, depth = std::min(kInner, a.columns - begin);
      cut_gemm<T>({a.data + begin * a.column, a.rows, depth, a.row, a.column},
                  {b.data + begin * b.row, depth, b.columns, b.row, b.column}, T{0},
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

/// Who multiplies, by the length of the inner dimension and the shape of the result.
template <class T>
void product(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  if (c.column != 1) throw ValueError("gemm: the result must lie row by row");
  // With a vector the libraries add more in a row than with a matrix.
  constexpr std::int64_t kVectorInner = 128;
  if (a.columns > kVectorInner && c.rows == 1) return vector_product<T>({a.data, a.column}, b, beta, {c.data, 1});
  if (a.columns > kVectorInner && c.columns == 1)
    return vector_product<T>({b.data, b.row}, {a.data, a.columns, a.rows, a.column, a.row}, beta, {c.data, c.row});
  if (kCarries<T> && a.columns > kInner) {
    // Where one side is short, neither do they cut the inner dimension.
    constexpr std::int64_t kShort = 8;
    if (c.rows <= kShort) {
      for (std::int64_t i = 0; i < c.rows; ++i)
        vector_product<T>({a.data + i * a.row, a.column}, b, beta, {c.data + i * c.row, 1});
      return;
    }
    if (c.columns <= kShort) {
      const MatrixView<const T> turned{a.data, a.columns, a.rows, a.column, a.row};
      for (std::int64_t j = 0; j < c.columns; ++j)
        vector_product<T>({b.data + j * b.column, b.row}, turned, beta, {c.data + j, c.row});
      return;
    }
    return long_product(a, b, beta, c);
  }
  cut_gemm(a, b, beta, c);
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
