#include <tapegrad/ops/kernels/decompositions.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <limits>
#include <tapegrad/ops/kernels/equilibrate.hpp>

namespace tapegrad::kernels {
namespace {

using Matrix = Eigen::MatrixXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using In = Eigen::Map<const RowMajor>;
using Out = Eigen::Map<RowMajor>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Matrix symmetric(const double* a, std::int64_t n) {
  const In m(a, n, n);
  return (m + m.transpose()) / 2;
}

template <class D>
bool has_zero(const Eigen::MatrixBase<D>& pivots) {
  return (pivots.array() == 0).any();
}

/// -1 for columns that have to change their signs.
Eigen::RowVectorXd signs_of_largest(const Matrix& columns) {
  Eigen::RowVectorXd signs(columns.cols());
  for (Eigen::Index j = 0; j < columns.cols(); ++j) {
    Eigen::Index at = 0;
    columns.col(j).cwiseAbs().maxCoeff(&at);
    signs[j] = columns(at, j) < 0 ? -1.0 : 1.0;
  }
  return signs;
}

}  // namespace

bool cholesky(const double* a, double* l, std::int64_t n) {
  const Matrix m = symmetric(a, n);
  Out out(l, n, n);
  if (!m.allFinite()) {
    out.setConstant(kNaN);
    return true;
  }
  const Eigen::LLT<Matrix> factor(m);
  if (factor.info() != Eigen::Success) return false;
  out.setZero();
  out.triangularView<Eigen::Lower>() = factor.matrixL();
  return true;
}

bool triangular_solve(const double* a, const double* b, double* x, std::int64_t n, std::int64_t m, Triangle triangle) {
  const In left(a, n, n);
  if (!triangle.unit_diagonal && has_zero(left.diagonal())) return false;
  Out out(x, n, m);
  out = In(b, n, m);
  const auto with = [&](const auto& matrix, bool upper) {
    if (upper && triangle.unit_diagonal)
      matrix.template triangularView<Eigen::UnitUpper>().solveInPlace(out);
    else if (upper)
      matrix.template triangularView<Eigen::Upper>().solveInPlace(out);
    else if (triangle.unit_diagonal)
      matrix.template triangularView<Eigen::UnitLower>().solveInPlace(out);
    else
      matrix.template triangularView<Eigen::Lower>().solveInPlace(out);
  };
  if (triangle.transposed)
    with(left.transpose(), !triangle.upper);
  else
    with(left, triangle.upper);
  return true;
}

bool solve(const double* a, const double* b, double* x, std::int64_t n, std::int64_t m) {
  const Equilibrated left = equilibrated_if_needed(In(a, n, n));
  const Eigen::PartialPivLU<Matrix> factors(left.matrix);
  if (has_zero(factors.matrixLU().diagonal())) return false;
  if (left.as_given) {
    Out(x, n, m) = factors.solve(In(b, n, m));
    return true;
  }
  Out out(x, n, m);
  out = In(b, n, m);
  for (Eigen::Index j = 0; j < m; ++j) {
    // The right-hand side is brought near 1 once its rows are scaled as those of a.
    int largest = kNoExponent;
    for (Eigen::Index i = 0; i < n; ++i)
      if (out(i, j) != 0) largest = std::max(largest, exponent_of(out(i, j)) - left.row[i]);
    for (Eigen::Index i = 0; i < n; ++i) out(i, j) = scaled_by(out(i, j), -left.row[i] - std::int64_t{largest});
    const Eigen::VectorXd solution = factors.solve(out.col(j));
    for (Eigen::Index i = 0; i < n; ++i) out(i, j) = scaled_by(solution[i], largest - std::int64_t{left.column[i]});
  }
  return true;
}

bool invert(const double* a, double* y, std::int64_t n) {
  const Equilibrated scaled = equilibrated_if_needed(In(a, n, n));
  const Eigen::PartialPivLU<Matrix> factors(scaled.matrix);
  if (has_zero(factors.matrixLU().diagonal())) return false;
  Out out(y, n, n);
  out = factors.inverse();
  if (scaled.as_given) return true;
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < n; ++j)
      out(i, j) = scaled_by(out(i, j), -std::int64_t{scaled.column[i]} - scaled.row[j]);
  return true;
}

void qr(const double* a, double* q, double* r, std::int64_t rows, std::int64_t columns) {
  const Eigen::Index k = std::min(rows, columns);
  // Reflections square the columns' lengths: columns are brought near 1 where that could leave the range.
  const Equilibrated scaled = columns_equilibrated_if_needed(In(a, rows, columns));
  const Eigen::HouseholderQR<Matrix> factors(scaled.matrix);
  Matrix left = factors.householderQ() * Matrix::Identity(rows, k);
  Matrix right = factors.matrixQR().topRows(k).triangularView<Eigen::Upper>();
  if (!scaled.as_given)
    for (Eigen::Index j = 0; j < columns; ++j)
      for (Eigen::Index i = 0; i < k; ++i) right(i, j) = scaled_by(right(i, j), scaled.column[j]);
  for (Eigen::Index i = 0; i < k; ++i)
    if (right(i, i) < 0) {
      left.col(i) = -left.col(i);
      right.row(i).tail(columns - i) = -right.row(i).tail(columns - i);
    }
  Out(q, rows, k) = left;
  Out(r, k, columns) = right;
}

bool eigh(const double* a, double* w, double* v, std::int64_t n) {
  const Matrix m = symmetric(a, n);
  Out values(w, 1, n), vectors(v, n, n);
  if (!m.allFinite()) {
    values.setConstant(kNaN);
    vectors.setConstant(kNaN);
    return true;
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(m);
  if (solver.info() != Eigen::Success) return false;
  values = solver.eigenvalues().transpose();
  vectors = solver.eigenvectors() * signs_of_largest(solver.eigenvectors()).asDiagonal();
  return true;
}

bool svd(const double* a, double* u, double* s, double* v, std::int64_t rows, std::int64_t columns) {
  const Matrix m = In(a, rows, columns);
  const Eigen::Index k = std::min(rows, columns);
  Out left(u, rows, k), values(s, 1, k), right(v, columns, k);
  if (!m.allFinite()) {
    for (Out* out : {&left, &values, &right}) out->setConstant(kNaN);
    return true;
  }
  const Eigen::BDCSVD<Matrix> parts(m, Eigen::ComputeThinU | Eigen::ComputeThinV);
  if (parts.info() != Eigen::Success) return false;
  const auto signs = signs_of_largest(parts.matrixU());
  left = parts.matrixU() * signs.asDiagonal();
  values = parts.singularValues().transpose();
  right = parts.matrixV() * signs.asDiagonal();
  return true;
}

}  // namespace tapegrad::kernels
