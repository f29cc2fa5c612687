#pragma once
// C = op(A) op(B) + beta C: the one seam through which all dense products go.

#include <cstdint>

namespace tapegrad::kernels {

/// A matrix in memory: element (i, j) at data[i * row + j * column]. One of the steps is 1 (or the extent is).
template <class T>
struct MatrixView {
  T* data;
  std::int64_t rows, columns, row, column;
};

/// c = a b + beta c; c has column step 1 (ValueError). oneDNN where it is compiled in and faster, else Eigen. The split
/// into blocks depends on the shape alone, so the result is the same bits on any number of threads.
void gemm(const MatrixView<const float>& a, const MatrixView<const float>& b, float beta, const MatrixView<float>& c);
void gemm(const MatrixView<const double>& a, const MatrixView<const double>& b, double beta,
          const MatrixView<double>& c);

}  // namespace tapegrad::kernels
