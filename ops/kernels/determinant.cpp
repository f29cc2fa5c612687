#include <tapegrad/ops/kernels/determinant.hpp>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tapegrad/ops/kernels/equilibrate.hpp>
#include <vector>

namespace tapegrad::kernels {
namespace {

using Matrix = Eigen::MatrixXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using In = Eigen::Map<const RowMajor>;
using Out = Eigen::Map<RowMajor>;
using Index = Eigen::Index;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// det a, with its exponent apart; 0 for a singular matrix.
Product determinant_of(const Matrix& a) {
  const Equilibrated scaled = equilibrated_if_needed(a);
  const Eigen::PartialPivLU<Matrix> factors(scaled.matrix);
  Product d;
  d *= static_cast<double>(factors.permutationP().determinant());
  for (Index i = 0; i < a.rows(); ++i) d *= factors.matrixLU()(i, i);
  return d.scaled(scaled.total());
}

/// a d - b c to the last digits, however much cancels (Kahan's method).
double minor(double a, double b, double c, double d) {
  const double bc = b * c;
  if (!std::isfinite(bc)) return a * d - bc;
  return std::fma(a, d, -bc) - std::fma(b, c, -bc);
}

/// Calls `body(i, j, r, s, c, d)` for each element of a 3 × 3 matrix: rows r, s and columns c, d are the others, in the
/// cyclic order that gives the minor of them the sign of the cofactor.
template <class Body>
void for_minors(const Body& body) {
  for (Index i = 0; i < 3; ++i)
    for (Index j = 0; j < 3; ++j) body(i, j, (i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
}

/// a = sign · Pᵀ L D M Qᵀ by elimination with complete pivoting: L and M are unit triangular and, in practice, well
/// conditioned whatever the rank, so that all that is small or 0 stands in the pivots D. Derivatives of det a are those
/// of det D, which need no quotients by small pivots, in other coordinates.
class Pivoted {
 public:
  explicit Pivoted(const Matrix& a) : factors_(a), lower_(factors_.matrixLU()), upper_(factors_.matrixLU()) {
    const Index n = a.rows();
    pivots_ = lower_.diagonal();
    for (Index i = 0; i < n; ++i)
      if (pivots_[i] != 0)
        upper_.row(i).tail(n - i) /= pivots_[i];
      else
        upper_.row(i).tail(n - i).setZero();
    sign_ = static_cast<double>(factors_.permutationP().determinant() * factors_.permutationQ().determinant());
    for (Index i = 0; i < n; ++i)
      if (pivots_[i] != 0)
        product_ *= pivots_[i];
      else
        ++zeros_;
  }

  /// The product of all pivots but those listed.
  Product without(std::initializer_list<Index> left_out) const {
    Product p = product_;
    Index zeros = zeros_;
    for (const Index i : left_out)
      if (pivots_[i] != 0)
        p /= pivots_[i];
      else
        --zeros;
    if (zeros > 0) p *= 0;
    return p;
  }

  double sign() const { return sign_; }
  const Eigen::VectorXd& pivots() const { return pivots_; }

  /// A direction in coordinates in which the matrix is D.
  Matrix inward(const Matrix& direction) const {
    Matrix t = factors_.permutationP() * direction * factors_.permutationQ();
    lower_.triangularView<Eigen::UnitLower>().solveInPlace(t);
    upper_.triangularView<Eigen::UnitUpper>().solveInPlace<Eigen::OnTheRight>(t);
    return t;
  }
  /// The transposed map: a gradient in those coordinates in a's own.
  Matrix outward(Matrix gradient) const {
    lower_.transpose().triangularView<Eigen::UnitUpper>().solveInPlace(gradient);
    upper_.transpose().triangularView<Eigen::UnitLower>().solveInPlace<Eigen::OnTheRight>(gradient);
    return factors_.permutationP().transpose() * gradient * factors_.permutationQ().transpose();
  }

 private:
  Eigen::FullPivLU<Matrix> factors_;
  Matrix lower_, upper_;
  Eigen::VectorXd pivots_;
  Product product_;  // of the pivots that are not 0
  Index zeros_ = 0;
  double sign_ = 1;
};

/// Values with one exponent in common.
struct Block {
  Matrix values;
  std::int64_t exponent;
};

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

Block block_of(Index rows, Index columns, const auto& product_at) {
  Block block{Matrix::Zero(rows, columns), kLeast};
  const auto for_nonzero = [&](const auto& body) {
    for (Index j = 0; j < columns; ++j)
      for (Index i = 0; i < rows; ++i)
        if (const Product p = product_at(i, j); p.mantissa() != 0) body(i, j, p);
  };
  for_nonzero([&](Index, Index, const Product& p) { block.exponent = std::max(block.exponent, p.exponent()); });
  if (block.exponent == kLeast) block.exponent = 0;
  for_nonzero([&](Index i, Index j, const Product& p) { block.values(i, j) = p.scaled(-block.exponent).value(); });
  return block;
}

Matrix small_cofactor(const Matrix& a) {
  const Index n = a.rows();
  Matrix y = Matrix::Ones(n, n);
  if (n == 2) y << a(1, 1), -a(1, 0), -a(0, 1), a(0, 0);
  if (n == 3)
    for_minors([&](Index i, Index j, Index r, Index s, Index c, Index d) {
      y(i, j) = minor(a(r, c), a(r, d), a(s, c), a(s, d));
    });
  return y;
}

/// By the inverse, where that loses few digits.
std::optional<Block> regular_cofactor(const Matrix& a) {
  constexpr double kRegular = 1e-3;
  const Eigen::PartialPivLU<Matrix> factors(a);
  if ((factors.matrixLU().diagonal().array() == 0).any() || !(factors.rcond() > kRegular)) return std::nullopt;
  Product d;
  d *= static_cast<double>(factors.permutationP().determinant());
  for (Index i = 0; i < a.rows(); ++i) d *= factors.matrixLU()(i, i);
  return Block{d.mantissa() * factors.inverse().transpose(), d.exponent()};
}

Block pivoted_cofactor(const Matrix& a) {
  const Pivoted parts(a);
  const Block others = block_of(a.rows(), 1, [&](Index i, Index) { return parts.without({i}); });
  return {parts.sign() * parts.outward(others.values.col(0).asDiagonal()), others.exponent};
}

/// Runs of indices whose exponents differ little, so that their rows can be computed with together.
std::vector<std::vector<Index>> classes_of(const Eigen::VectorXi& exponents) {
  constexpr int kSpread = 3;
  std::vector<Index> order(static_cast<std::size_t>(exponents.size()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
  std::ranges::stable_sort(order, {}, [&](Index i) { return exponents[i]; });
  std::vector<std::vector<Index>> classes;
  for (const Index i : order) {
    if (classes.empty() || exponents[i] - exponents[classes.back().front()] > kSpread) classes.emplace_back();
    classes.back().push_back(i);
  }
  return classes;
}

}  // namespace

double determinant(const double* a, std::int64_t n) {
  const Matrix m = In(a, n, n);
  return m.allFinite() ? determinant_of(m).value() : kNaN;
}

void slogdet(const double* a, double& sign, double& logarithm, std::int64_t n) {
  const Matrix m = In(a, n, n);
  sign = logarithm = kNaN;
  if (!m.allFinite()) return;
  const Product d = determinant_of(m);
  sign = d.mantissa() > 0 ? 1 : d.mantissa() < 0 ? -1 : 0;
  // In one logarithm where that can be: two would cancel where the determinant is near 1.
  const double size = std::abs(d.mantissa());
  logarithm = std::abs(d.exponent()) < 1000 ? std::log(scaled_by(size, d.exponent()))
                                            : std::log(size) + static_cast<double>(d.exponent()) * std::log(2.0);
}

void cofactor(const double* a, double* y, std::int64_t n) {
  const Matrix m = In(a, n, n);
  Out out(y, n, n);
  if (!m.allFinite()) {
    out.setConstant(kNaN);
    return;
  }
  Equilibrated scaled = equilibrated_if_needed(m);
  Block block{{}, 0};
  if (n <= 3) {
    block.values = small_cofactor(scaled.matrix);
  } else if (std::optional<Block> regular = regular_cofactor(scaled.matrix)) {
    block = *std::move(regular);
  } else {
    if (scaled.as_given) scaled = equilibrated(m);
    block = pivoted_cofactor(scaled.matrix);
  }
  const std::int64_t exponent = block.exponent + scaled.total();
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      out(i, j) = scaled_by(block.values(i, j), exponent - scaled.row[i] - scaled.column[j]);
}

// A direction g moves the scaled matrix by g[k, l] / 2^(row[k] + column[l]). Where rows or columns are graded, those
// elements differ so much that the rounding of the large would bury the small: classes of similar rows and columns are
// treated apart, and what a lone row or column would give to itself, which is 0, is left out.
void cofactor_gradient(const double* a, const double* g, double* y, std::int64_t n) {
  const Matrix m = In(a, n, n), cotangent = In(g, n, n);
  Out out(y, n, n);
  out.setZero();
  if (n == 1) return;
  if (!m.allFinite() || !cotangent.allFinite()) {
    out.setConstant(kNaN);
    return;
  }
  if (n == 2) {
    out = small_cofactor(cotangent);
    return;
  }
  if (n == 3) {
    for_minors([&](Index i, Index j, Index r, Index s, Index c, Index d) {
      out(i, j) = minor(m(r, c), m(r, d), cotangent(s, c), cotangent(s, d)) +
                  minor(cotangent(r, c), cotangent(r, d), m(s, c), m(s, d));
    });
    return;
  }
  const Equilibrated scaled = equilibrated(m);
  const Pivoted parts(scaled.matrix);
  const Block others = block_of(n, n, [&](Index i, Index j) {
    return i == j ? Product() *= 0 : parts.without({i, j});
  });
  for (const std::vector<Index>& rows : classes_of(scaled.row))
    for (const std::vector<Index>& columns : classes_of(scaled.column)) {
      const auto size_at = [&](Index i, Index j) {
        return (Product() *= cotangent(rows[static_cast<std::size_t>(i)], columns[static_cast<std::size_t>(j)]))
            .scaled(-std::int64_t{scaled.row[rows[static_cast<std::size_t>(i)]]} -
                    scaled.column[columns[static_cast<std::size_t>(j)]]);
      };
      const Block direction = block_of(std::ssize(rows), std::ssize(columns), size_at);
      if ((direction.values.array() == 0).all()) continue;
      Matrix whole = Matrix::Zero(n, n);
      whole(rows, columns) = direction.values;
      const Matrix along = parts.inward(whole);
      Matrix gradient = -(others.values.array() * along.transpose().array()).matrix();
      gradient.diagonal() = others.values * along.diagonal();
      gradient = parts.sign() * parts.outward(std::move(gradient));
      if (rows.size() == 1) gradient.row(rows[0]).setZero();
      if (columns.size() == 1) gradient.col(columns[0]).setZero();
      const std::int64_t exponent = others.exponent + direction.exponent + scaled.total();
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < n; ++j)
          out(i, j) += scaled_by(gradient(i, j), exponent - scaled.row[i] - scaled.column[j]);
    }
}

bool far_from_singular(const double* a, std::int64_t n) {
  const Matrix m = In(a, n, n);
  if (!m.allFinite()) return true;
  const Equilibrated scaled = equilibrated(m);
  const Eigen::VectorXd pivots = Pivoted(scaled.matrix).pivots().cwiseAbs();
  // The terms that cancel are larger than their sum by at most the quotients of the last three pivots.
  constexpr double kLoss = 1e5;
  if (n >= 3 && !(pivots[n - 2] * pivots[n - 3] < kLoss * pivots[n - 1] * pivots[n - 1])) return false;
  // They are of the third degree in these.
  constexpr double kLarge = 0x1p300, kSmall = 0x1p-300;
  const double d = std::abs(determinant_of(m).value());
  Matrix cofactors(n, n);
  cofactor(a, cofactors.data(), n);
  return d < kLarge && d > kSmall && cofactors.cwiseAbs().maxCoeff() < kLarge;
}

}  // namespace tapegrad::kernels
