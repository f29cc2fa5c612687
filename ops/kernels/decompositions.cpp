#include <tapegrad/ops/kernels/decompositions.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <tapegrad/ops/kernels/equilibrate.hpp>
#include <utility>
#include <vector>

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

bool eig(const double* a, double* w, double* v, std::int64_t n) {
  const Matrix m = In(a, n, n);
  Out values(w, 1, n), vectors(v, n, n);
  if (!m.allFinite()) {
    values.setConstant(kNaN);
    vectors.setConstant(kNaN);
    return true;
  }
  const Eigen::EigenSolver<Matrix> solver(m);
  if (solver.info() != Eigen::Success || (solver.eigenvalues().imag().array() != 0).any()) return false;
  std::vector<Eigen::Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const auto value = [&](Eigen::Index i) { return solver.eigenvalues()[i].real(); };
  std::ranges::stable_sort(order, std::less(), value);
  Matrix columns(n, n);
  for (Eigen::Index j = 0; j < n; ++j) {
    const Eigen::Index from = order[static_cast<std::size_t>(j)];
    values(0, j) = value(from);
    columns.col(j) = solver.pseudoEigenvectors().col(from).stableNormalized();
  }
  vectors = columns * signs_of_largest(columns).asDiagonal();
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

bool pseudo_inverse(const double* a, double* y, std::int64_t rows, std::int64_t columns, double tolerance) {
  const std::int64_t k = std::min(rows, columns);
  RowMajor left(rows, k), right(columns, k);
  Eigen::VectorXd s(k);
  if (!svd(a, left.data(), s.data(), right.data(), rows, columns)) return false;
  // The quotients by the square roots stay in range where 1 / s would not.
  for (Eigen::Index i = 0; i < k; ++i) {
    const bool counts = !(s[i] <= tolerance * s[0]);
    const double root = std::sqrt(s[i]);
    left.col(i) *= counts ? 1 / root : 0.0;
    right.col(i) *= counts ? 1 / root : 0.0;
  }
  Out(y, columns, rows) = right * left.transpose();
  return true;
}

void lu(const double* a, double* order, double* l, double* u, std::int64_t rows, std::int64_t columns) {
  const Eigen::Index k = std::min(rows, columns);
  RowMajor m = In(a, rows, columns);
  if (!m.allFinite()) m.setConstant(kNaN);
  for (std::int64_t i = 0; i < rows; ++i) order[i] = static_cast<double>(i);
  for (Eigen::Index j = 0; j < k; ++j) {
    Eigen::Index below = 0;
    m.col(j).tail(rows - j).cwiseAbs().maxCoeff(&below);
    if (below > 0) {
      m.row(j).swap(m.row(j + below));
      std::swap(order[j], order[j + below]);
    }
    if (m(j, j) == 0) continue;
    m.col(j).tail(rows - j - 1) /= m(j, j);
    m.bottomRightCorner(rows - j - 1, columns - j - 1).noalias() -=
        m.col(j).tail(rows - j - 1) * m.row(j).tail(columns - j - 1);
  }
  Out(l, rows, k) = m.leftCols(k).triangularView<Eigen::StrictlyLower>();
  Out(l, rows, k).diagonal().setOnes();
  Out(u, k, columns) = m.topRows(k).triangularView<Eigen::Upper>();
}

// The diagonal Padé approximant of degree 13 near 0, and squares (Higham, The scaling and squaring method for the
// matrix exponential revisited, 2005).
void matrix_exp(const double* a, double* y, std::int64_t n) {
  constexpr double kNear = 5.371920351148152;  // up to this norm the approximant is exact to the last bit
  constexpr double b[] = {64764752532480000.,
                          32382376266240000.,
                          7771770303897600.,
                          1187353796428800.,
                          129060195264000.,
                          10559470521600.,
                          670442572800.,
                          33522128640.,
                          1323241920.,
                          40840800.,
                          960960.,
                          16380.,
                          182.,
                          1.};
  Matrix x = In(a, n, n);
  Out out(y, n, n);
  if (!x.allFinite()) {
    out.setConstant(kNaN);
    return;
  }
  const double shift = x.trace() / static_cast<double>(n);  // its exponential is a factor
  const bool shifted = std::isfinite(shift);
  if (shifted) x.diagonal().array() -= shift;
  const double norm = x.cwiseAbs().colwise().sum().maxCoeff();
  const int squarings = norm > kNear ? std::ilogb(norm / kNear) + 1 : 0;
  x *= std::ldexp(1.0, -squarings);
  const Matrix one = Matrix::Identity(n, n), x2 = x * x, x4 = x2 * x2, x6 = x4 * x2;
  const Matrix odd = x * (x6 * (b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one);
  const Matrix even = x6 * (b[12] * x6 + b[10] * x4 + b[8] * x2) + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one;
  Matrix power = (even - odd).partialPivLu().solve(even + odd);
  // The factor goes in before the squares, so that neither leaves the range alone.
  if (shifted) {
    const double factor = std::exp(std::ldexp(shift, -squarings));
    power = power.unaryExpr([=](double element) { return element == 0 ? element : element * factor; });
  }
  for (int i = 0; i < squarings; ++i) power = (power * power).eval();
  out = power;
}

}  // namespace tapegrad::kernels
