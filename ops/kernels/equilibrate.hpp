#pragma once
// Matrices whose rows and columns are scaled by powers of two, which is exact: elimination and products of pivots then
// stay in range however the rows and columns are graded.

#include <Eigen/Core>
#include <cstdint>

namespace tapegrad::kernels {

/// x · 2^exponent, rounded once; any exponent.
double scaled_by(double x, std::int64_t exponent);
/// e with |x| in [2^(e-1), 2^e); kNoExponent of 0 and of what is not finite.
int exponent_of(double x);
constexpr int kNoExponent = -100000;

/// A product whose exponent is kept apart, so that it neither over- nor underflows. Of finite numbers.
class Product {
 public:
  Product& operator*=(double factor);
  Product& operator/=(double divisor);
  /// Times 2^exponent.
  Product scaled(std::int64_t exponent) const;
  /// 0, or of magnitude in [0.5, 1).
  double mantissa() const { return mantissa_; }
  std::int64_t exponent() const { return exponent_; }
  /// Rounded once, also where it is subnormal.
  double value() const { return scaled_by(mantissa_, exponent_); }

 private:
  void set(double mantissa, std::int64_t exponent);
  double mantissa_ = 0.5;
  std::int64_t exponent_ = 1;
};

/// a[i, j] = 2^row[i] · matrix(i, j) · 2^column[j].
struct Equilibrated {
  Eigen::MatrixXd matrix;
  Eigen::VectorXi row, column;
  bool as_given = true;  ///< all exponents are 0

  /// The sum of all exponents: det a = 2^total · det matrix.
  std::int64_t total() const { return std::int64_t{row.sum()} + column.sum(); }
};
/// With the largest magnitude of each row and column in [0.5, 1), or 0. Of finite elements.
Equilibrated equilibrated(const Eigen::MatrixXd& a);
/// The same only where an element is so large or small that elimination or squares could leave the range.
Equilibrated equilibrated_if_needed(const Eigen::MatrixXd& a);
/// The same with columns alone.
Equilibrated columns_equilibrated_if_needed(const Eigen::MatrixXd& a);

}  // namespace tapegrad::kernels
