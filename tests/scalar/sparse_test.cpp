// Sparse Jacobians and Hessians against dense ones, on problems of the CUTEst collection.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <tapegrad/core/error.hpp>
#include <tapegrad/scalar/sparse.hpp>

#include "../message_of.hpp"

namespace tapegrad::scalars {
namespace {

using ::testing::HasSubstr;

template <class X>
using NumberOf = std::remove_cvref_t<decltype(std::declval<X>()[0])>;

/// The sum of term(i) for i in [begin, end).
template <class T, class F>
T sum_of(std::size_t begin, std::size_t end, F&& term) {
  T sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += term(i);
  return sum;
}

std::vector<double> somewhere(std::size_t n) {
  std::mt19937_64 engine(n);
  std::uniform_real_distribution<double> uniform(0.2, 1.2);
  std::vector<double> x(n);
  for (double& v : x) v = uniform(engine);
  return x;
}

/// By Coloring::star and Coloring::acyclic.
struct ColorCounts {
  std::size_t star, acyclic;
  bool operator==(const ColorCounts&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const ColorCounts& c) {
    return out << c.star << " star, " << c.acyclic << " acyclic";
  }
};

template <class F>
std::size_t colors_of_an_equal(const F& f, Coloring coloring, std::size_t n) {
  const std::vector<double> x = somewhere(n);
  const SparseHessian sparse(f, x, coloring);
  const std::vector<double> elsewhere = somewhere(n + 1);
  for (const std::vector<double>& at : {x, {elsewhere.begin(), elsewhere.begin() + std::ptrdiff_t(n)}}) {
    const Eigen::SparseMatrix<double> got = sparse(at);
    const Matrix<double> want = hessian(f, at);
    for (std::size_t i = 0; i < n; ++i) {
      double scale = 0;
      for (std::size_t j = 0; j < n; ++j) scale += std::abs(want(i, j));
      for (std::size_t j = 0; j < n; ++j)
        EXPECT_NEAR(got.coeff(int(i), int(j)), want(i, j), (coloring == Coloring::star ? 1e-14 : 1e-11) * scale)
            << i << ", " << j;
    }
  }
  return sparse.colors();
}

template <class F>
ColorCounts colors_of(const F& f, std::size_t n = 60) {
  return {colors_of_an_equal(f, Coloring::star, n), colors_of_an_equal(f, Coloring::acyclic, n)};
}

// The names are those of CUTEst. N. I. M. Gould, D. Orban, P. L. Toint, 2015; the formulas are those of the sources
// that it names.

TEST(SparseHessian, OfChainedRosenbrock) {
  EXPECT_EQ(colors_of([](const auto& x) {
              using T = NumberOf<decltype(x)>;
              return sum_of<T>(1, x.size(), [&](std::size_t i) {
                return T(100 * square(x[i] - square(x[i - 1])) + square(1 - x[i - 1]));
              });
            }),
            (ColorCounts{3, 2}));
}

TEST(SparseHessian, OfArwhead) {
  EXPECT_EQ(colors_of([](const auto& x) {
              using T = NumberOf<decltype(x)>;
              const std::size_t n = x.size();
              return sum_of<T>(
                  0, n - 1, [&](std::size_t i) { return T(3 - 4 * x[i] + square(square(x[i]) + square(x[n - 1]))); });
            }),
            (ColorCounts{2, 2}));
}

TEST(SparseHessian, OfTridia) {
  EXPECT_EQ(colors_of([](const auto& x) {
              using T = NumberOf<decltype(x)>;
              return T(square(x[0] - 1) + sum_of<T>(1, x.size(), [&](std::size_t i) {
                         return T(double(i + 1) * square(2 * x[i] - x[i - 1]));
                       }));
            }),
            (ColorCounts{3, 2}));
}

TEST(SparseHessian, OfEdensch) {
  EXPECT_EQ(
      colors_of([](const auto& x) {
        using T = NumberOf<decltype(x)>;
        return T(16 + sum_of<T>(0, x.size() - 1, [&](std::size_t i) {
                   return T(square(square(x[i] - 2)) + square(x[i] * x[i + 1] - 2 * x[i + 1]) + square(x[i + 1] + 1));
                 }));
      }),
      (ColorCounts{3, 2}));
}

TEST(SparseHessian, OfLiarwhd) {
  EXPECT_EQ(colors_of([](const auto& x) {
              using T = NumberOf<decltype(x)>;
              return sum_of<T>(0, x.size(),
                               [&](std::size_t i) { return T(4 * square(square(x[i]) - x[0]) + square(x[i] - 1)); });
            }),
            (ColorCounts{2, 2}));
}

TEST(SparseHessian, OfCragglvy) {
  EXPECT_EQ(colors_of([](const auto& x) {
              using T = NumberOf<decltype(x)>;
              return sum_of<T>(0, x.size() / 2 - 1, [&](std::size_t i) {
                const T a = x[2 * i], b = x[2 * i + 1], c = x[2 * i + 2], d = x[2 * i + 3], e = exp(a) - b;
                const T f = tan(c - d) + c - d;
                return T(square(square(e)) + 100 * pow(b - c, 6) + square(square(f)) + pow(a, 8) + square(d - 1));
              });
            }),
            (ColorCounts{3, 2}));
}

TEST(SparseHessian, OfDixmaanb) {
  EXPECT_EQ(colors_of([](const auto& x) {
              using T = NumberOf<decltype(x)>;
              const std::size_t n = x.size(), m = n / 3;
              const T a = sum_of<T>(0, n, [&](std::size_t i) { return square(x[i]); });
              const T b = sum_of<T>(0, n - 1, [&](std::size_t i) {
                return T(0.0625 * square(x[i]) * square(x[i + 1] + square(x[i + 1])));
              });
              const T c = sum_of<T>(0, 2 * m,
                                    [&](std::size_t i) { return T(0.0625 * square(x[i]) * square(square(x[i + m]))); });
              const T d = sum_of<T>(0, m, [&](std::size_t i) { return T(0.0625 * x[i] * x[i + 2 * m]); });
              return T(1 + a + b + c + d);
            }),
            (ColorCounts{7, 4}));
}

TEST(SparseHessian, OfWoods) {
  EXPECT_EQ(colors_of([](const auto& x) {
              using T = NumberOf<decltype(x)>;
              return sum_of<T>(0, x.size() / 4, [&](std::size_t k) {
                const T a = x[4 * k], b = x[4 * k + 1], c = x[4 * k + 2], d = x[4 * k + 3];
                return T(100 * square(b - square(a)) + square(1 - a) + 90 * square(d - square(c)) + square(1 - c) +
                         10 * square(b + d - 2) + 0.1 * square(b - d));
              });
            }),
            (ColorCounts{3, 2}));
}

TEST(SparseHessian, OfBroydn7d) {
  EXPECT_EQ(colors_of([](const auto& x) {
              using T = NumberOf<decltype(x)>;
              const std::size_t n = x.size(), half = n / 2;
              const T ends = pow(abs(1 - 2 * x[1] + (3 - 2 * x[0]) * x[0]), 7.0 / 3) +
                             pow(abs(1 - x[n - 2] + (3 - 2 * x[n - 1]) * x[n - 1]), 7.0 / 3);
              const T middle = sum_of<T>(1, n - 1, [&](std::size_t i) {
                return T(pow(abs(1 - x[i - 1] - 2 * x[i + 1] + (3 - 2 * x[i]) * x[i]), 7.0 / 3));
              });
              const T across =
                  sum_of<T>(0, half, [&](std::size_t i) { return T(pow(abs(x[i] + x[i + half]), 7.0 / 3)); });
              return T(1 + ends + middle + across);
            }),
            (ColorCounts{7, 5}));
}

TEST(SparseHessian, OfBdqrtic) {
  EXPECT_EQ(colors_of([](const auto& x) {
              using T = NumberOf<decltype(x)>;
              const std::size_t n = x.size();
              return sum_of<T>(0, n - 4, [&](std::size_t i) {
                return T(square(3 - 4 * x[i]) + square(square(x[i]) + 2 * square(x[i + 1]) + 3 * square(x[i + 2]) +
                                                       4 * square(x[i + 3]) + 5 * square(x[n - 1])));
              });
            }),
            (ColorCounts{8, 5}));
}

// On a grid: a nine-point stencil.
TEST(SparseHessian, OfAMinimalSurface) {
  EXPECT_EQ(colors_of(
                [](const auto& x) {
                  using T = NumberOf<decltype(x)>;
                  constexpr std::size_t side = 8;
                  T area = 0;
                  for (std::size_t i = 0; i + 1 < side; ++i)
                    for (std::size_t j = 0; j + 1 < side; ++j) {
                      const std::size_t at = i * side + j;
                      area += sqrt(1 + 0.5 * (square(x[at] - x[at + side + 1]) + square(x[at + 1] - x[at + side])));
                    }
                  return area;
                },
                64),
            (ColorCounts{9, 6}));
}

const auto residuals = [](const auto& x) {  // L. Lukšan, J. Vlček, Broyden's tridiagonal system
  std::vector<NumberOf<decltype(x)>> r;
  for (std::size_t i = 0; i < x.size(); ++i) {
    NumberOf<decltype(x)> value = (3 - 2 * x[i]) * x[i] + 1;
    if (i > 0) value -= x[i - 1];
    if (i + 1 < x.size()) value -= 2 * x[i + 1];
    r.push_back(value);
  }
  return r;
};

TEST(SparseJacobian, EqualsTheDenseOneInAsManyProductsAsARowHasElements) {
  constexpr std::size_t n = 700;  // more rows than one sweep of sets takes
  const std::vector<double> x = somewhere(n);
  const SparseJacobian sparse(residuals, x);
  EXPECT_EQ(sparse.colors(), 3u);
  const Eigen::SparseMatrix<double> got = sparse(x);
  EXPECT_EQ(got.nonZeros(), Eigen::Index(3 * n - 2));
  const Matrix<double> want = jacobian(residuals, x);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) ASSERT_EQ(got.coeff(int(i), int(j)), want(i, j)) << i << ", " << j;
}

TEST(SparseJacobian, OfRowsWithoutElementsAndOfNothing) {
  const auto constant = [](const auto& x) { return std::vector<NumberOf<decltype(x)>>{1, x[0] * 2, 3}; };
  const std::vector<double> x = {1, 2};
  const Eigen::SparseMatrix<double> got = SparseJacobian(constant, x)(x);
  EXPECT_EQ(got.rows(), 3);
  EXPECT_EQ(got.cols(), 2);
  EXPECT_EQ(got.nonZeros(), 1);
  EXPECT_EQ(got.coeff(1, 0), 2);
}

TEST(SparseJacobian, HasThePatternOfWhatDependsOnWhat) {
  const auto f = [](const auto& x) {
    using T = NumberOf<decltype(x)>;
    return std::vector<T>{x[0] * x[1], x[2], x[2] * x[0]};
  };
  const std::vector<double> x = {2, 3, 5};
  const SparsePattern pattern = jacobian_pattern(f, x);
  EXPECT_EQ(pattern.rows, (std::vector<std::vector<std::size_t>>{{0, 1}, {2}, {0, 2}}));
}

TEST(SparseHessian, RefusesAPointWhereTheFunctionTakesAnotherWay) {
  const auto f = [](const auto& x) {
    using T = NumberOf<decltype(x)>;
    return x[0] > 0 ? T(x[0] * x[1] + x[2] * x[2]) : T(x[0] * x[2] + x[1] * x[1]);
  };
  const SparseHessian sparse(f, {1, 1, 1});
  EXPECT_EQ(sparse({2, 5, 7}).coeff(0, 1), 1);
  EXPECT_THAT(message_of([&] {
                (void)sparse({-1, 1, 1});
              }),
              HasSubstr("SparseHessian: row 0 has an element that is not in the pattern"));
  EXPECT_THROW((void)sparse({1, 1}), ValueError);
}

}  // namespace
}  // namespace tapegrad::scalars
