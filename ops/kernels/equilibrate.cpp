#include <tapegrad/ops/kernels/equilibrate.hpp>

#include <algorithm>
#include <cmath>

namespace tapegrad::kernels {
namespace {

struct Parts {
  double mantissa;
  int exponent;
};

/// x = mantissa · 2^exponent, the mantissa 0 or in [0.5, 1).
Parts parts_of(double x) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);
  return {mantissa, exponent};
}

bool is_moderate(const Eigen::MatrixXd& a) {
  constexpr double kLarge = 0x1p300, kSmall = 0x1p-300;
  const auto size = a.array().abs();
  return ((size <= kLarge && size >= kSmall) || size == 0).all();
}

Equilibrated as_given(const Eigen::MatrixXd& a) {
  return {a, Eigen::VectorXi::Zero(a.rows()), Eigen::VectorXi::Zero(a.cols())};
}

Equilibrated scaled(const Eigen::MatrixXd& a, bool rows_too) {
  Equilibrated result = as_given(a);
  Eigen::VectorXi &row = result.row, &column = result.column;
  const auto or_none = [](int exponent) { return exponent == kNoExponent ? 0 : exponent; };
  for (Eigen::Index i = 0; rows_too && i < a.rows(); ++i) row[i] = or_none(a.row(i).unaryExpr(&exponent_of).maxCoeff());
  for (Eigen::Index j = 0; j < a.cols(); ++j) {
    column[j] = kNoExponent;
    for (Eigen::Index i = 0; i < a.rows(); ++i)
      if (const int exponent = exponent_of(a(i, j)); exponent != kNoExponent)
        column[j] = std::max(column[j], exponent - row[i]);
    column[j] = or_none(column[j]);
    for (Eigen::Index i = 0; i < a.rows(); ++i)
      result.matrix(i, j) = scaled_by(a(i, j), -std::int64_t{row[i]} - column[j]);
  }
  result.as_given = row.isZero() && column.isZero();
  return result;
}

}  // namespace

double scaled_by(double x, std::int64_t exponent) {
  return std::ldexp(x, static_cast<int>(std::clamp<std::int64_t>(exponent, -5000, 5000)));
}

int exponent_of(double x) { return x == 0 || !std::isfinite(x) ? kNoExponent : parts_of(x).exponent; }

void Product::set(double mantissa, std::int64_t exponent) {
  const Parts parts = parts_of(mantissa);
  mantissa_ = parts.mantissa;
  exponent_ = exponent + parts.exponent;
}

Product& Product::operator*=(double factor) {
  const Parts parts = parts_of(factor);
  set(mantissa_ * parts.mantissa, exponent_ + parts.exponent);
  return *this;
}

Product& Product::operator/=(double divisor) {
  const Parts parts = parts_of(divisor);
  set(mantissa_ / parts.mantissa, exponent_ - parts.exponent);
  return *this;
}

Product Product::scaled(std::int64_t exponent) const {
  Product p = *this;
  p.exponent_ += exponent;
  return p;
}

Equilibrated equilibrated(const Eigen::MatrixXd& a) { return scaled(a, true); }

Equilibrated equilibrated_if_needed(const Eigen::MatrixXd& a) { return is_moderate(a) ? as_given(a) : scaled(a, true); }

Equilibrated columns_equilibrated_if_needed(const Eigen::MatrixXd& a) {
  return is_moderate(a) ? as_given(a) : scaled(a, false);
}

}  // namespace tapegrad::kernels
