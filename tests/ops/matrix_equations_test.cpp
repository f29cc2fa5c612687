// Equations of matrices by their factors, least squares, powers and exponentials, eigenvalues of unsymmetric matrices.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad::tests {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor draw(const Shape& shape, std::uint64_t seed = 1, DType dtype = f64) {
  Rng rng(seed);
  return randn(shape, dtype, rng);
}
void expect_near(const Tensor& got, const Tensor& wanted, double tolerance = 1e-11) {
  ASSERT_EQ(got.shape(), wanted.shape());
  const auto a = got.values(), b = wanted.values();
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << "element " << i;
}

TEST(Pinv, MeetsPenroseConditionsAtAnyRank) {
  for (const Shape& shape : {Shape{5, 3}, Shape{3, 5}, Shape{2, 4, 4}}) {
    const Tensor full_rank = draw(shape);
    for (const Tensor& a : {full_rank, matmul(slice(full_rank, -1, 0, 2), draw({2, shape[-1]}, 2))}) {
      const Tensor y = pinv(a), left = matmul(a, y), right = matmul(y, a);
      expect_near(matmul(left, a), a);
      expect_near(matmul(right, y), y);
      expect_near(transpose(left), left);
      expect_near(transpose(right), right);
    }
  }
  EXPECT_THAT(pinv(zeros({2, 3}, f64)).values(), Each(0));
  expect_near(pinv(diag(tensor({2, 1e-3}, f64)), 1e-2), diag(tensor({0.5, 0}, f64)));
  EXPECT_THAT(pinv(diag(tensor({1, 1e-9}))).values(), ElementsAre(1, 0, 0, 0)) << "below what f32 tells apart";
}

TEST(Pinv, HasItsGradientWhereRankIsLostOrValuesAreEqual) {
  // Of rank one: pinv(u vᵀ) = v uᵀ / (|u|² |v|²).
  const auto of_rank_one = [](const Tensor& u, const Tensor& v) { return pinv(outer(u, v), 1e-9); };
  EXPECT_THAT(of_rank_one, testing::HasCorrectGradients({draw({4}), draw({3}, 2)}, {.order = 2}));
  EXPECT_THAT([](const Tensor& x) { return pinv(x); },
              testing::HasCorrectGradients({slice(eye(3, f64) * 2, -1, 0, 2)}, {.order = 3}));
}

TEST(Lstsq, SolvesTheNormalEquationsWithTheLeastLength) {
  const Tensor tall = draw({6, 3}), b = draw({6, 2}, 2), x = lstsq(tall, b);
  expect_near(matmul(transpose(tall), matmul(tall, x) - b), zeros({3, 2}, f64));
  const Tensor wide = transpose(tall), y = lstsq(wide, draw({3}, 3));
  expect_near(matmul(wide, y), draw({3}, 3));
  expect_near(y, matmul(tall, solve(matmul(wide, tall), draw({3}, 3))));
  EXPECT_THAT([](const Tensor& a, const Tensor& c) { return lstsq(a, c); },
              testing::HasCorrectGradients({tall, b}, {.order = 2}));
}

TEST(MatrixPower, IsRepeatedMultiplication) {
  const Tensor a = draw({2, 3, 3}) / 2;
  expect_near(matrix_power(a, 1), a);
  expect_near(matrix_power(a, 5), matmul(a, matmul(a, matmul(a, matmul(a, a)))));
  expect_near(matmul(matrix_power(a, -3), matrix_power(a, 3)), broadcast_to(eye(3, f64), {2, 3, 3}), 1e-9);
  const Tensor x = parameter(full({2, 2}, kInf, f64)), one = matrix_power(x, 0);
  EXPECT_THAT(one.values(), ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(grad(sum(one), x).values(), Each(0));
  for (const std::int64_t power : {6, -2})
    EXPECT_THAT([&](const Tensor& t) { return matrix_power(t, power); },
                testing::HasCorrectGradients({draw({2, 2}) + 2 * eye(2, f64)}, {.order = 2}));
  EXPECT_EQ(matrix_power(eye(2, f64), std::numeric_limits<std::int64_t>::min()).values(), eye(2, f64).values());
  EXPECT_THAT(
      [] {
        matrix_power(zeros({2, 3}), 2);
      },
      ThrowsMessage<ShapeError>(HasSubstr("matrix_power: a is [2, 3]; a square matrix is expected")));
}

TEST(MatrixExp, IsThatOfTheEigenvalues) {
  const Tensor v = draw({4, 4}) + 3 * eye(4, f64), w = tensor({-30, -1, 0.5, 3}, f64);
  expect_near(matrix_exp(matmul(v * w, inverse(v))),
              matmul(v * tensor({std::exp(-30), std::exp(-1), std::exp(0.5), std::exp(3)}, f64), inverse(v)), 1e-10);
  // Nilpotent: the series ends. A rotation by a large angle.
  expect_near(matrix_exp(tensor({0, 2, 3, 0, 0, 4, 0, 0, 0}, {3, 3}, f64)),
              tensor({1, 2, 7, 0, 1, 4, 0, 0, 1}, {3, 3}, f64), 1e-14);
  expect_near(matrix_exp(tensor({0, -100, 100, 0}, {2, 2}, f64)),
              tensor({std::cos(100.), -std::sin(100.), std::sin(100.), std::cos(100.)}, {2, 2}, f64), 1e-12);
  EXPECT_THAT(matrix_exp(diag(tensor({1000, -1000}, f64))).values(), ElementsAre(kInf, 0, 0, 0));
}

TEST(Lu, PutsTheMatrixTogetherAgain) {
  for (const Shape& shape : {Shape{40, 40}, Shape{2, 5, 3}, Shape{3, 5}}) {
    const Tensor a = draw(shape);
    const auto [order, l, u] = lu(a);
    const Tensor rows = gather(a, -2, broadcast_to(unsqueeze(order, -1), shape));
    expect_near(matmul(l, u), rows);
    EXPECT_LE(amax(abs(l)).item(), 1);
    expect_near(triu(u), u, 0);
  }
  const auto [order, l, u] = lu(tensor({1, 2, 2, 4}, {2, 2}, f64));
  EXPECT_THAT(order.values(), ElementsAre(1, 0));
  EXPECT_THAT(u.values(), ElementsAre(2, 4, 0, 0)) << "singular ones too";
}

TEST(Lu, SolvesEquations) {
  const Tensor a = draw({2, 5, 5}), b = draw({5, 3}, 2);
  expect_near(lu_solve(lu(a), b), solve(a, b));
  expect_near(lu_solve(lu(a), select(b, -1, 0)), solve(a, select(b, -1, 0)));
  EXPECT_THAT([](const Tensor& x, const Tensor& y) { return lu_solve(lu(x), y); },
              testing::HasCorrectGradients({draw({3, 3}), draw({3, 2}, 2)}, {.order = 2}));
  EXPECT_THAT(
      [&] {
        lu_solve(lu(a), zeros({4, 1}));
      },
      ThrowsMessage<ShapeError>(HasSubstr("lu_solve: b is [4, 1], the factors [2, 5, 5]")));
  EXPECT_THROW(lu_solve(lu(zeros({2, 3})), zeros({2})), Error);
}

TEST(Cholesky, SolvesEquationsAndInverts) {
  const Tensor x = draw({3, 3}), a = matmul(x, transpose(x)) + eye(3, f64), b = draw({3, 2}, 2), l = cholesky(a);
  expect_near(cholesky_solve(l, b), solve(a, b));
  expect_near(cholesky_solve(transpose(l), b, true), solve(a, b));
  expect_near(cholesky_inverse(l), inverse(a));
  expect_near(cholesky_inverse(transpose(l), true), inverse(a));
  EXPECT_THAT([](const Tensor& factor, const Tensor& c) { return cholesky_solve(factor, c); },
              testing::HasCorrectGradients({l, b}, {.order = 2}));
  EXPECT_THROW(cholesky_inverse(zeros({2, 3})), ShapeError);
}

TEST(LogDet, IsNanOfNegativeDeterminants) {
  EXPECT_NEAR(logdet(diag(tensor({2, 3}, f64))).item(), std::log(6.), 1e-15);
  EXPECT_EQ(logdet(zeros({2, 2}, f64)).item(), -kInf);
  EXPECT_TRUE(std::isnan(logdet(diag(tensor({2, -3}, f64))).item()));
  EXPECT_THAT([](const Tensor& t) { return logdet(matmul(t, transpose(t))); },
              testing::HasCorrectGradients({draw({3, 3})}, {.order = 2}));
}

TEST(Svd, CompletesABasisOnRequest) {
  for (const Shape& shape : {Shape{5, 2}, Shape{2, 2, 4}, Shape{3, 3}}) {
    const Tensor a = draw(shape);
    const auto [u, s, vh] = svd(a, true);
    const std::int64_t n = shape[-2], m = shape[-1], k = std::min(n, m);
    expect_near(matmul(transpose(u), u) - eye(n, f64), zeros(u.shape(), f64));
    expect_near(matmul(vh, transpose(vh)) - eye(m, f64), zeros(vh.shape(), f64));
    expect_near(matmul(slice(u, -1, 0, k) * unsqueeze(s, -2), slice(vh, -2, 0, k)), a);
  }
  // The projector on what is added does not depend on the choice.
  EXPECT_THAT(
      [](const Tensor& a) {
        const Tensor others = slice(svd(a, true).u, -1, 2);
        return matmul(others, transpose(others));
      },
      testing::HasCorrectGradients({draw({4, 2})}, {.order = 2}));
}

TEST(Eig, FindsRealEigenvalues) {
  const Tensor v = draw({2, 4, 4}), w = tensor({-2, 0.5, 1, 7}, f64), a = matmul(v * w, inverse(v));
  const auto [values, vectors] = eig(a);
  for (int i = 0; i < 2; ++i) expect_near(select(values, 0, i), w, 1e-9);
  expect_near(matmul(a, vectors), vectors * unsqueeze(values, -2), 1e-9);
  expect_near(norm(vectors, 2, {-2}), ones({2, 4}, f64));
  // Σ λ² is the trace of a².
  const Tensor x = parameter(select(a, 0, 0));
  expect_near(grad(sum(square(eigvals(x))), x), transpose(2 * x.detach()), 1e-8);
}

}  // namespace
}  // namespace tapegrad::tests
