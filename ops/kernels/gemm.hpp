#pragma once
// C = op(A) op(B) + beta C: the one seam through which all dense products go.

#include <tapegrad/ops/kernels/matrix_view.hpp>

namespace tapegrad::kernels {

/// c = a b + beta c; c has column step 1 (ValueError). Same bits on any number of threads.
void gemm(const MatrixView<const float>& a, const MatrixView<const float>& b, float beta, const MatrixView<float>& c);
void gemm(const MatrixView<const double>& a, const MatrixView<const double>& b, double beta,
          const MatrixView<double>& c);

}  // namespace tapegrad::kernels
