#include <Eigen/Core>
#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/summation.hpp>
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
// An inner dimension beyond the first is cut into blocks of the second, or of the first where the result is large.
constexpr std::int64_t kLongInner = 4096, kInner = 512;

template <class T>
void add_product(const MatrixView<const T>& a, const MatrixView<const T>& b, const MatrixView<T>& c) {
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (std::int64_t j = 0; j < c.columns; ++j) {
      T sum = 0;
      for (std::int64_t k = 0; k < a.columns; ++k)
        sum += a.data[i * a.row + k * a.column] * b.data[k * b.row + j * b.column];
      c.data[i * c.row + j] += sum;
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
void blocked_gemm(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  // A cut of c into two halves or more, along its longer side, never along the inner dimension. Small products are
  // not worth a second thread.
  constexpr double kWorth = 1 << 21;
  if (c.column != 1) throw ValueError("gemm: the result must lie row by row");
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

/// The libraries add up the whole inner dimension in T; where it is long, it is cut into blocks that are added in
/// Total<T>. Small results leave the threads to parts of the inner dimension.
template <class T>
void long_gemm(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  constexpr std::int64_t kSmall = 1 << 14, kParts = 16;
  const std::int64_t size = c.rows * c.columns, block = size <= kSmall ? kInner : kLongInner;
  const std::int64_t blocks = (a.columns + block - 1) / block, parts = size <= kSmall ? std::min(blocks, kParts) : 1;
  std::vector<Total<T>> totals(static_cast<std::size_t>(parts * size));
  for_chunks(parts, parts > 1, [&](std::int64_t p) {
    std::vector<T> product(static_cast<std::size_t>(size));
    Total<T>* total = totals.data() + p * size;
    for (std::int64_t k = blocks * p / parts; k < blocks * (p + 1) / parts; ++k) {
      const std::int64_t begin = k * block, depth = std::min(block, a.columns - begin);
      blocked_gemm<T>({a.data + begin * a.column, a.rows, depth, a.row, a.column},
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
    Total<T> total = beta == T{0} ? 0 : static_cast<Total<T>>(beta) * static_cast<Total<T>>(result);
    for (std::int64_t p = 0; p < parts; ++p) total += totals[static_cast<std::size_t>(p * size + i)];
    result = static_cast<T>(total);
  }
}

}  // namespace

void gemm(const MatrixView<const float>& a, const MatrixView<const float>& b, float beta, const MatrixView<float>& c) {
  if (a.columns > kLongInner) return long_gemm(a, b, beta, c);
  blocked_gemm(a, b, beta, c);
}
void gemm(const MatrixView<const double>& a, const MatrixView<const double>& b, double beta,
          const MatrixView<double>& c) {
  blocked_gemm(a, b, beta, c);
}

}  // namespace tapegrad::kernels
