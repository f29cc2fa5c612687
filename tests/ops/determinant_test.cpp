// The determinant and its derivatives against expansions in long double, at matrices of every rank.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/transforms.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Real = long double;
using Indices = std::vector<int>;

/// A value and the sum of the magnitudes that it was added from, which bounds what rounding can do to it.
struct Sum {
  Real value = 0, size = 0;
  void add(Real factor, const Sum& s) {
    value += factor * s.value;
    size += std::abs(factor) * s.size;
  }
};

struct Square {
  int n;
  std::vector<Real> values;
  explicit Square(const Tensor& t) : n(static_cast<int>(t.size(-1))) {
    for (const double v : t.values()) values.push_back(v);
  }
  Real at(int i, int j) const { return values[static_cast<std::size_t>(i * n + j)]; }
};

Indices without(Indices indices, int left_out) {
  std::erase(indices, left_out);
  return indices;
}

/// Of the rows and columns listed, by expansion along the first row.
Sum minor(const Square& a, const Indices& rows, const Indices& columns) {
  Sum sum;
  if (rows.empty()) return {1, 1};
  for (std::size_t j = 0; j < columns.size(); ++j)
    sum.add(a.at(rows[0], columns[j]) * (j % 2 ? -1 : 1),
            minor(a, without(rows, rows[0]), without(columns, columns[j])));
  return sum;
}

int sign_of(const Indices& indices, int element) {
  const auto place = std::ranges::find(indices, element) - indices.begin();
  return place % 2 ? -1 : 1;
}

Indices all_of(int n) {
  Indices indices(static_cast<std::size_t>(n));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

Sum cofactor_at(const Square& a, int i, int j) {
  Sum sum;
  sum.add((i + j) % 2 ? -1 : 1, minor(a, without(all_of(a.n), i), without(all_of(a.n), j)));
  return sum;
}

Sum second_at(const Square& a, const Square& g, int i, int j) {
  Sum sum;
  const Indices rows = without(all_of(a.n), i), columns = without(all_of(a.n), j);
  for (const int k : rows)
    for (const int l : columns)
      sum.add(g.at(k, l) * ((i + j) % 2 ? -1 : 1) * sign_of(rows, k) * sign_of(columns, l),
              minor(a, without(rows, k), without(columns, l)));
  return sum;
}

void expect_close(double got, const Sum& wanted, const std::string& what) {
  if (std::abs(wanted.value) > std::numeric_limits<double>::max()) return;
  const Real tolerance = 200 * std::numeric_limits<double>::epsilon() * wanted.size;
  EXPECT_LE(std::abs(got - wanted.value), tolerance + std::numeric_limits<double>::denorm_min())
      << what << ": " << got << ", not " << static_cast<double>(wanted.value);
}

void expect_derivatives(const Tensor& matrix, const std::string& what) {
  Rng rng(7);
  const Tensor a = parameter(matrix), g = randn(a.shape(), f64, rng);
  const Square exact(matrix), along(g);
  const int n = exact.n;
  const Tensor y = det(a);
  expect_close(y.item(), minor(exact, all_of(n), all_of(n)), what + ", det");
  const Tensor first = grad(y, a, {.create_graph = true});
  Tensor second = zeros(a.shape(), f64);
  if (first.requires_grad()) second = grad(sum(first * g), a);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      const std::string place = what + " [" + std::to_string(i) + ", " + std::to_string(j) + "]";
      expect_close(first.at({i, j}), cofactor_at(exact, i, j), place + ", first");
      expect_close(second.at({i, j}), second_at(exact, along, i, j), place + ", second");
    }
}

/// A matrix [n, n] of the rank given, or as near to one as `rest` is small.
Tensor of_rank(std::int64_t n, std::int64_t rank, double rest, Rng& rng) {
  const Tensor low = matmul(randn({n, rank}, f64, rng), randn({rank, n}, f64, rng));
  return rest == 0 ? low : low + rest * randn({n, n}, f64, rng);
}

TEST(Determinant, HasDerivativesOfMatricesOfEveryRank) {
  Rng rng(1);
  for (std::int64_t n = 1; n <= 5; ++n)
    for (std::int64_t rank = 0; rank <= n; ++rank)
      for (const double rest : {0., 1e-14, 1e-9, 1e-4})
        expect_derivatives(of_rank(n, rank, rest, rng),
                           std::to_string(n) + " of rank " + std::to_string(rank) + " and " + std::to_string(rest));
  for (std::int64_t n = 3; n <= 5; ++n) {
    expect_derivatives(zeros({n, n}, f64), "zeros");
    expect_derivatives(ones({n, n}, f64), "ones");
    expect_derivatives(reshape(arange(1, static_cast<double>(n * n) + 0.5, 1, f64), {n, n}), "1, 2, 3, …");
  }
}

TEST(Determinant, HasDerivativesOfGradedMatrices) {
  Rng rng(2);
  for (std::int64_t n = 2; n <= 5; ++n)
    for (const double size : {1e30, 1e150, 1e-150}) {
      std::vector<double> sizes;
      for (std::int64_t i = 0; i < n; ++i) sizes.push_back(i % 3 == 0 ? size : i % 3 == 1 ? 1 / size : 1);
      const Tensor factors = copy_of(std::span<const double>(sizes), {n, 1});
      for (const std::int64_t rank : {n, n - 1}) {
        const Tensor a = of_rank(n, rank, 0, rng);
        const std::string what = std::to_string(n) + " graded by " + std::to_string(size);
        expect_derivatives(factors * a, what + ", rows");
        expect_derivatives(transpose(factors) * a, what + ", columns");
      }
    }
  expect_derivatives(1e160 * of_rank(4, 4, 0, rng), "all large");
  expect_derivatives(1e-160 * of_rank(4, 3, 0, rng), "all small");
}

TEST(Determinant, HasAThirdDerivativeOrSaysThatItHasNot) {
  const auto third = [](const Tensor& a, const Tensor& u, const Tensor& v) {
    const Tensor x = parameter(a);
    const Tensor first = grad(det(x), x, {.create_graph = true});
    const Tensor second = grad(sum(first * u), x, {.create_graph = true});
    return grad(sum(second * v), x);
  };
  // Of 3 × 3 it is the same everywhere: ±1 for three places in distinct rows and columns.
  const Tensor e = eye(3, f64);
  const Tensor u = e[0], v = e[1];
  const Tensor at_zero = third(zeros({3, 3}, f64), outer(u, u), outer(v, v));
  EXPECT_THAT(at_zero.values(), ::testing::ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 1));
  // Of diagonal matrices 4 × 4 it is a pivot.
  const Tensor d = parameter(diag(tensor({2, 3, 5, 7}, f64)));
  const Tensor f = eye(4, f64);
  const auto at = [&](int i) { return outer(f[i], f[i]); };
  const Tensor regular = third(d.detach(), at(0), at(1));
  EXPECT_NEAR(regular.at({2, 2}), 7, 1e-12);
  EXPECT_NEAR(regular.at({3, 3}), 5, 1e-12);
  EXPECT_NEAR(regular.at({2, 3}), 0, 1e-12);
  EXPECT_THAT(
      [&] {
        third(ones({4, 4}, f64), at(0), at(1));
      },
      ThrowsMessage<ValueError>(HasSubstr("near singular, where the third derivative of det")));
}

TEST(SLogDet, HasDerivativesNearSingularMatrices) {
  Rng rng(3);
  for (const double rest : {1., 1e-3, 1e-6, 1e-9})
    for (const double size : {1., 1e200, 1e-200}) {
      const Tensor a = parameter(size * of_rank(3, 2, rest, rng));
      const Square exact(a.detach());
      const Sum d = minor(exact, all_of(3), all_of(3));
      const Real condition = d.size / std::abs(d.value);
      const Tensor y = slogdet(a).logdet;
      EXPECT_NEAR(y.item(), static_cast<double>(std::log(std::abs(d.value))),
                  1e-15 * (static_cast<double>(condition) + std::abs(y.item())));
      const Tensor g = grad(y, a);
      Real largest = 0;
      for (int i = 0; i < 9; ++i)
        largest = std::max(largest, std::abs(cofactor_at(exact, i / 3, i % 3).value / d.value));
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          EXPECT_LE(std::abs(g.at({i, j}) - cofactor_at(exact, i, j).value / d.value), 1e-14L * condition * largest);
    }
  const Tensor small = diag(tensor({1e-200, 1e-200}, f64));
  EXPECT_NEAR(slogdet(small).logdet.item(), -400 * std::log(10), 1e-10);
  EXPECT_NEAR(slogdet(diag(tensor({1 + 1e-9, 1}, f64))).logdet.item(), std::log1p(1e-9), 1e-18 + 2.3e-16);
}

TEST(LinearSolve, OfMatricesAtTheEndsOfTheRange) {
  Rng rng(4);
  const Tensor a = of_rank(4, 4, 0, rng), b = randn({4, 2}, f64, rng);
  const Tensor rows = reshape(tensor({0x1p500, 0x1p-500, 1, 0x1p900}, f64), {4, 1}), columns = reshape(rows, {1, 4});
  const auto expect_equal = [](const Tensor& got, const Tensor& wanted) {
    const auto x = got.values(), y = wanted.values();
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 1e-11 * std::abs(y[i])) << i;
  };
  const Tensor x = solve(a, b);
  expect_equal(solve(rows * a, rows * b), x);
  expect_equal(inverse(rows * a) * transpose(rows), inverse(a));
  expect_equal(solve(a * columns, b) * rows, x);
  for (const double size : {0x1p-600, 0x1p600}) {
    const auto [q, r] = qr(a);
    const auto [scaled_q, scaled_r] = qr(a * size);
    expect_equal(scaled_q, q);
    expect_equal(scaled_r / size, r);
  }
}

}  // namespace
}  // namespace tapegrad
