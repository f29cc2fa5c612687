// In other people's templates: Eigen, odeint, std::complex, <numeric>, a functor as Ceres has them.

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <Eigen/SparseCholesky>
#include <algorithm>
#include <boost/numeric/odeint.hpp>
#include <complex>
#include <numeric>
#include <tapegrad/scalar/eigen.hpp>

namespace tapegrad::scalars {
namespace {

template <class T>
using Square = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;

Square<double> matrix(int n) {
  Square<double> a(n, n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) a(i, j) = std::sin(3.0 * i + 1.7 * j * j + 0.3) + (i == j ? 4 : 0);
  return a;
}

/// The gradient of a function of a matrix, beside central differences.
template <class F>
void expect_gradient(const char* name, const Square<double>& at, const F& f) {
  Recording recording;
  Square<Real> a(at.rows(), at.cols());
  for (Eigen::Index i = 0; i < at.size(); ++i) a(i) = recording.input(at(i));
  const Real y = f(a);
  recording.backward(y);
  for (Eigen::Index i = 0; i < at.size(); ++i) {
    Square<double> up = at, down = at;
    const double h = 1e-5;
    up(i) += h;
    down(i) -= h;
    EXPECT_NEAR(recording.grad(a(i)), (f(up) - f(down)) / (2 * h), 1e-6) << name << ", element " << i;
  }
}

TEST(Eigen, DecompositionsAreDifferentiated) {
  const Square<double> a = matrix(4), spd = a * a.transpose();
  expect_gradient("determinant", a, [](const auto& m) { return m.determinant(); });
  expect_gradient("inverse", a, [](const auto& m) {
    std::remove_cvref_t<decltype(m)> inverse = m.inverse();
    return inverse.sum();
  });
  expect_gradient("partial LU", a, [](const auto& m) {
    using Matrix = std::remove_cvref_t<decltype(m)>;
    const Matrix x = m.partialPivLu().solve(Matrix::Ones(4, 1));
    return x.squaredNorm();
  });
  expect_gradient("full LU", a, [](const auto& m) {
    using Matrix = std::remove_cvref_t<decltype(m)>;
    const Matrix x = m.fullPivLu().solve(Matrix::Ones(4, 1));
    return x.norm();
  });
  expect_gradient("QR", a, [](const auto& m) {
    using Matrix = std::remove_cvref_t<decltype(m)>;
    const Matrix x = m.colPivHouseholderQr().solve(Matrix::Ones(4, 1));
    return x.sum();
  });
  expect_gradient("Cholesky", spd, [](const auto& m) {
    using Matrix = std::remove_cvref_t<decltype(m)>;
    const Matrix symmetric = (m + m.transpose()) / 2, l = symmetric.llt().matrixL();
    return l.diagonal().array().log().sum();
  });
  expect_gradient("eigenvalues", spd, [](const auto& m) {
    using Matrix = std::remove_cvref_t<decltype(m)>;
    const Matrix symmetric = (m + m.transpose()) / 2;
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(symmetric, Eigen::EigenvaluesOnly);
    return typename Matrix::Scalar(solver.eigenvalues()(3) - solver.eigenvalues()(0) * solver.eigenvalues()(1));
  });
}

TEST(Eigen, MixesWithMatricesOfDouble) {
  Recording recording;
  Eigen::Matrix<Real, 2, 1> x(recording.input(1), recording.input(2));
  Eigen::Matrix2d a;
  a << 1, 2, 3, 4;
  const Eigen::Matrix<Real, 2, 1> y = a * x + Eigen::Vector2d(1, 1) - x * 0.5;
  const Real z = y.dot(x) + (2.0 * x).sum();
  recording.backward(z);
  EXPECT_EQ(recording.grad(x(0)), 2 * 1 + 5 * 2 + 1 - 1 + 2);
  EXPECT_EQ(recording.grad(x(1)), 5 * 1 + 8 * 2 + 1 - 2 + 2);
}

TEST(Eigen, SolvesSparseSystems) {
  Recording recording;
  const Real k = recording.input(2);
  std::vector<Eigen::Triplet<Real>> entries;
  for (int i = 0; i < 5; ++i) {
    entries.emplace_back(i, i, 2 * k + 1);
    if (i > 0) entries.emplace_back(i, i - 1, -k);
    if (i > 0) entries.emplace_back(i - 1, i, -k);
  }
  Eigen::SparseMatrix<Real> a(5, 5);
  a.setFromTriplets(entries.begin(), entries.end());
  const Eigen::SimplicialLDLT<Eigen::SparseMatrix<Real>> solver(a);
  const Eigen::Matrix<Real, Eigen::Dynamic, 1> x = solver.solve(Eigen::Matrix<Real, Eigen::Dynamic, 1>::Ones(5));
  const Real y = x.sum();
  recording.backward(y);
  const auto f = [](double at) {
    Square<double> m = Square<double>::Zero(5, 5);
    for (int i = 0; i < 5; ++i) {
      m(i, i) = 2 * at + 1;
      if (i > 0) m(i, i - 1) = m(i - 1, i) = -at;
    }
    return m.ldlt().solve(Eigen::VectorXd::Ones(5)).sum();
  };
  EXPECT_NEAR(recording.grad(k), (f(2 + 1e-5) - f(2 - 1e-5)) / 2e-5, 1e-8);
}

TEST(Odeint, IntegratesWithSensitivities) {
  // y' = -k y, y(0) = 1: dy(1)/dk = -exp(-k).
  using D = Dual<double>;
  const D k(0.7, 0);
  std::vector<D> y = {1};
  boost::numeric::odeint::runge_kutta4<std::vector<D>, double, std::vector<D>, double> stepper;
  for (int i = 0; i < 100; ++i)
    stepper.do_step([&](const std::vector<D>& at, std::vector<D>& slope, double) { slope[0] = -k * at[0]; }, y,
                    i * 0.01, 0.01);
  EXPECT_NEAR(y[0].value(), std::exp(-0.7), 1e-9);
  EXPECT_NEAR(y[0].tangent(), -std::exp(-0.7), 1e-9);
}

TEST(Standard, AlgorithmsAndComplexNumbers) {
  Recording recording;
  const std::vector<Real> x = {recording.input(3), recording.input(1), recording.input(2)};
  const Real sum = std::accumulate(x.begin(), x.end(), Real(0));
  const Real product = std::inner_product(x.begin(), x.end(), x.begin(), Real(0));
  const Real largest = *std::max_element(x.begin(), x.end());
  std::vector<Real> sorted = x;
  std::sort(sorted.begin(), sorted.end());
  const Real y = sum + product + largest + sorted[0] * 10;
  recording.backward(y);
  EXPECT_EQ(recording.grad(x[0]), 1 + 6 + 1);
  EXPECT_EQ(recording.grad(x[1]), 1 + 2 + 10);
  const std::complex<Real> z(x[0], x[1]), w = z * z + z / std::complex<Real>(x[2], 0);
  const Real modulus = std::norm(w);
  recording.backward(modulus);
  const std::complex<double> z0(3, 1), slope = 2.0 * z0 + 0.5, w0 = z0 * z0 + z0 / 2.0;
  EXPECT_NEAR(recording.grad(x[0]), 2 * std::real(std::conj(w0) * slope), 1e-12);
}

struct ExponentialResidual {
  double x, y;
  template <class T>
  bool operator()(const T* m, const T* c, T* residual) const {
    using std::exp;
    residual[0] = y - exp(m[0] * x + c[0]);
    return true;
  }
};

TEST(Ceres, FunctorsTakeThem) {
  using Jet = Dual<double, 2>;
  const Jet m(0.3, 0), c(0.1, 1);
  Jet residual;
  EXPECT_TRUE((ExponentialResidual{2, 1.5}(&m, &c, &residual)));
  EXPECT_NEAR(residual.tangent(0), -2 * std::exp(0.7), 1e-14);
  EXPECT_NEAR(residual.tangent(1), -std::exp(0.7), 1e-14);
}

}  // namespace
}  // namespace tapegrad::scalars
