#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Tensor draw(const Shape& shape, std::uint64_t seed = 1, DType dtype = f64) {
  Rng rng(seed);
  return randn(shape, dtype, rng);
}
/// Positive definite, its eigenvalues apart.
Tensor definite(std::int64_t n, std::uint64_t seed = 1) {
  const Tensor x = draw({n, n}, seed);
  return matmul(x, transpose(x)) + diag(linspace(1, static_cast<double>(n), n, f64));
}

void expect_near(const Tensor& got, const Tensor& wanted, double tolerance = 1e-10) {
  ASSERT_EQ(got.shape(), wanted.shape());
  const auto a = got.values(), b = wanted.values();
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << "element " << i;
}

Tensor identity_batch(std::int64_t count, std::int64_t n, DType dtype = f64) {
  return broadcast_to(eye(n, dtype), {count, n, n});
}

// ---- what the results are, at a size where blocked algorithms run ---------------------------------------------------

class Sized : public ::testing::TestWithParam<Shape> {};

TEST_P(Sized, QrAndSvdPutTheMatrixTogetherAgain) {
  const Shape shape = GetParam();
  const Tensor a = draw(shape);
  const std::int64_t k = std::min(shape[-1], shape[-2]);
  const auto [q, r] = qr(a);
  expect_near(matmul(q, r), a);
  expect_near(matmul(transpose(q), q), identity_batch(shape[0], k));
  expect_near(triu(r), r, 0);
  EXPECT_THAT(diagonal(r).values(), Each(::testing::Ge(0)));
  const auto [u, s, vh] = svd(a);
  expect_near(matmul(u * unsqueeze(s, -2), vh), a);
  expect_near(matmul(transpose(u), u), identity_batch(shape[0], k));
  expect_near(matmul(vh, transpose(vh)), identity_batch(shape[0], k));
  expect_near(s, flip(sort(s).values, {-1}), 0);
}
INSTANTIATE_TEST_SUITE_P(Shapes, Sized,
                         ::testing::Values(Shape{1, 60, 60}, Shape{2, 50, 20}, Shape{2, 20, 50}, Shape{3, 1, 4}));

TEST(LinearAlgebra, SolvesWhatMatmulMadeInBothPrecisions) {
  for (const DType dtype : {f32, f64}) {
    const double tolerance = dtype == f32 ? 1e-5 : 1e-12;
    const Tensor a = cast(definite(40) / 40, dtype), x = draw({40, 3}, 2, dtype);
    const Tensor b = matmul(a, x);
    EXPECT_EQ(solve(a, b).dtype(), dtype);
    expect_near(solve(a, b), x, 100 * tolerance);
    expect_near(solve(a, a), eye(40, dtype), tolerance);
    expect_near(matmul(a, inverse(a)), eye(40, dtype), 10 * tolerance);
    const Tensor l = cholesky(a);
    expect_near(matmul(l, transpose(l)), a, tolerance);
    expect_near(triangular_solve(l, triangular_solve(l, b), {.transposed = true}), solve(a, b), 100 * tolerance);
    const auto [w, v] = eigh(a);
    expect_near(matmul(v * w, transpose(v)), a, tolerance);
    expect_near(det(a) / prod(w), scalar(1, dtype), 10 * tolerance);
    expect_near(slogdet(a).logdet, sum(log(w)), 100 * tolerance);
  }
}

TEST(LinearAlgebra, TakesOneRightHandSideAndBroadcastsBatches) {
  const Tensor a = tensor({2, 0, 0, 4}, {2, 2}, f64), b = tensor({2, 4}, f64);
  EXPECT_THAT(solve(a, b).values(), ElementsAre(1, 1));
  EXPECT_EQ(solve(a, b).shape(), Shape{2});
  EXPECT_THAT(triangular_solve(a, b).values(), ElementsAre(1, 1));
  EXPECT_EQ(solve(draw({3, 1, 2, 2}), draw({4, 2, 5})).shape(), (Shape{3, 4, 2, 5}));
  EXPECT_EQ(solve(draw({3, 2, 2}), draw({2})).shape(), (Shape{3, 2}));
}

TEST(LinearAlgebra, ReadsOneTriangleOfATriangularMatrix) {
  const Tensor a = tensor({2, NAN, 1, 3}, {2, 2}, f64);
  expect_near(triangular_solve(a, tensor({2, 7}, f64)), tensor({1, 2}, f64));
  expect_near(triangular_solve(a, tensor({1, 7}, f64), {.unit_diagonal = true}), tensor({1, 6}, f64));
}

TEST(LinearAlgebra, FixesTheSignsOfVectors) {
  const auto positive = [](const Tensor& vectors) {
    const Tensor largest = gather(vectors, -2, unsqueeze(argmax(abs(vectors), -2), -2));
    EXPECT_THAT(largest.values(), Each(::testing::Gt(0)));
  };
  for (std::uint64_t seed = 1; seed < 5; ++seed) {
    positive(eigh(draw({3, 6, 6}, seed)).vectors);
    positive(svd(draw({3, 5, 4}, seed)).u);
  }
}

TEST(LinearAlgebra, UsesTheSymmetricPart) {
  const Tensor a = draw({4, 4}), symmetric = (a + transpose(a)) / 2;
  expect_near(eigh(a).values, eigh(symmetric).values);
  expect_near(cholesky(a + 9 * eye(4, f64)), cholesky(symmetric + 9 * eye(4, f64)));
}

TEST(LinearAlgebra, GivesTheSameBitsOnTwoThreads) {
  const Tensor a = draw({8, 40, 40});
  const int before = num_threads();
  std::vector<std::vector<double>> runs;
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    runs.push_back(svd(a).u.contiguous().values());
    for (const double v : inverse(a).values()) runs.back().push_back(v);
  }
  set_num_threads(before);
  EXPECT_EQ(runs[0], runs[1]);
}

// ---- edges ----------------------------------------------------------------------------------------------------------

TEST(LinearAlgebra, OfNothing) {
  EXPECT_EQ(det(zeros({0, 0})).item(), 1);
  EXPECT_EQ(det(zeros({3, 0, 0})).shape(), Shape{3});
  EXPECT_EQ(slogdet(zeros({0, 0})).sign.item(), 1);
  EXPECT_EQ(slogdet(zeros({0, 0})).logdet.item(), 0);
  EXPECT_EQ(eigh(zeros({0, 0})).values.shape(), Shape{0});
  EXPECT_EQ(svd(zeros({0, 3})).vh.shape(), (Shape{0, 3}));
  EXPECT_EQ(qr(zeros({3, 0})).q.shape(), (Shape{3, 0}));
  EXPECT_EQ(qr(zeros({3, 0})).r.shape(), (Shape{0, 0}));
  EXPECT_EQ(solve(zeros({0, 0}), zeros({0})).shape(), Shape{0});
}

TEST(LinearAlgebra, OfNaNIsNaN) {
  Tensor a = eye(3, f64);
  a.mutable_data<double>()[4] = NAN;
  const auto all_nan = [](const Tensor& t) { EXPECT_THAT(t.values(), Each(::testing::IsNan())); };
  all_nan(det(a));
  all_nan(cofactor(a));
  all_nan(slogdet(a).logdet);
  all_nan(cholesky(a));
  all_nan(eigh(a).values);
  all_nan(eigh(a).vectors);
  all_nan(svd(a).s);
  EXPECT_NO_THROW(inverse(a));
  EXPECT_NO_THROW(qr(a));
  EXPECT_NO_THROW(solve(a, ones({3}, f64)));
}

TEST(LinearAlgebra, NamesTheMatrixThatHasNoAnswer) {
  const Tensor a = stack({eye(2, f64), zeros({2, 2}, f64)});
  EXPECT_THAT([&] { inverse(a); },
              ThrowsMessage<ValueError>(HasSubstr("inverse: matrix 1 of a, f64 [2, 2, 2], is singular")));
  EXPECT_THAT([&] { cholesky(-a); }, ThrowsMessage<ValueError>(HasSubstr("matrix 0 of a")));
  EXPECT_THAT([&] { triangular_solve(a, ones({2}, f64)); },
              ThrowsMessage<ValueError>(HasSubstr("has a zero on its diagonal")));
  EXPECT_NO_THROW(triangular_solve(a, ones({2}, f64), {.unit_diagonal = true}));
}

TEST(Det, HasAGradientAtSingularMatrices) {
  // Rank n - 1: the cofactors; rank n - 2: zeros.
  const Tensor a = parameter(tensor({1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 3}, f64));
  expect_near(grad(det(a), a), tensor({-3, 6, -3, 6, -12, 6, -3, 6, -3}, {3, 3}, f64));
  const Tensor b = parameter(ones({3, 3}, f64));
  expect_near(grad(det(b), b), zeros({3, 3}, f64));
  EXPECT_EQ(det(zeros({2, 2})).item(), 0);
  const Tensor h = hessian(det, ones({2, 2}, f64));
  EXPECT_EQ(h.at({0, 0, 1, 1}), 1);
  EXPECT_EQ(h.at({0, 1, 1, 0}), -1);
}

TEST(SLogDet, OfSingularMatrices) {
  const auto [sign, logdet] = slogdet(parameter(ones({2, 2}, f64)));
  EXPECT_EQ(sign.item(), 0);
  EXPECT_EQ(logdet.item(), -INFINITY);
  EXPECT_FALSE(sign.requires_grad());
  EXPECT_THROW(logdet.backward(), ValueError);
  const Tensor large = full({}, 1e200, f64) * eye(4, f64);
  EXPECT_NEAR(slogdet(large).logdet.item(), 800 * std::log(10), 1e-9);
}

TEST(Eigh, GivesTheGradientOfValuesWhereSomeAreEqual) {
  const Tensor a = parameter(eye(3, f64));
  expect_near(grad(sum(eigh(a).values), a), eye(3, f64), 0);
  expect_near(grad(sum(square(eigh(a).values)), a), 2 * eye(3, f64), 0);
  // What depends on how the vectors of one value are chosen has no gradient, and does not pretend to have one.
  const Tensor g = grad(sum(eigh(a).vectors * tensor({1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 3}, f64)), a);
  EXPECT_FALSE(all(isfinite(g)).item() != 0);
}

TEST(Svd, GivesTheGradientOfValuesOfRankDeficientMatrices) {
  const Tensor a = parameter(matmul(draw({4, 1}), draw({1, 3}, 2)));
  const Tensor g = grad(svd(a).s[0], a);
  const auto [u, s, vh] = svd(a.detach());
  expect_near(g, outer(select(u, -1, 0), vh[0]));
  expect_near(grad(sum(svd(zeros({2, 2}, f64) + 0 * a[0][0]).s), a), zeros({4, 3}, f64), 0);
}

TEST(Qr, NeedsFullRankForItsGradient) {
  const Tensor a = parameter(zeros({2, 2}, f64));
  EXPECT_THROW(sum(qr(a).q).backward(), ValueError);
}

// ---- the same functions from other operations, to the third derivative ----------------------------------------------

void expect_equal_derivatives(const TensorFunction& f, const TensorFunction& twin, const Tensor& x) {
  const auto second = [](const TensorFunction& g) {
    return [g](const Tensor& t) { return hessian(g, t, {.create_graph = true}); };
  };
  expect_near(f(std::span(&x, 1)), twin(std::span(&x, 1)));
  expect_near(hessian(f, x), hessian(twin, x), 1e-8);
  expect_near(jacobian(second(f), x), jacobian(second(twin), x), 1e-8);
}

TEST(Twins, AgreeToTheThirdDerivative) {
  const Tensor a = definite(3), weight = draw({3, 3}, 9);
  const auto symmetric = [](const Tensor& x) { return (x + transpose(x)) / 2; };
  expect_equal_derivatives([&](const Tensor& x) { return sum(inverse(x) * weight); },
                           [&](const Tensor& x) { return sum(solve(x, eye(3, f64)) * weight); }, a);
  expect_equal_derivatives([](const Tensor& x) { return slogdet(x).logdet; },
                           [](const Tensor& x) { return log(det(x)); }, a);
  expect_equal_derivatives([](const Tensor& x) { return 2 * sum(log(diagonal(cholesky(x)))); },
                           [&](const Tensor& x) { return slogdet(symmetric(x)).logdet; }, a);
  expect_equal_derivatives([](const Tensor& x) { return prod(eigh(x).values); },
                           [&](const Tensor& x) { return det(symmetric(x)); }, a);
  expect_equal_derivatives([](const Tensor& x) { return sum(square(svd(x).s)); },
                           [](const Tensor& x) { return sum(square(x)); }, weight);
  expect_equal_derivatives([](const Tensor& x) { return sum(log(diagonal(qr(x).r))); },
                           [](const Tensor& x) { return slogdet(x).logdet; }, weight);
  const auto by_vectors = [&](const Tensor& x) {
    const auto [w, v] = eigh(x);
    return sum(matmul(v * exp(w / 5), transpose(v)) * weight);
  };
  const auto by_svd = [&](const Tensor& x) {
    const auto [u, s, vh] = svd(symmetric(x));
    return sum(matmul(u * exp(s / 5), vh) * weight);
  };
  expect_equal_derivatives(by_vectors, by_svd, a);
}

// The gradient is linear in the cotangent, so its own slope is the same where that is 0.
TEST(Eigh, TheGradientHasASlopeAtNoCotangent) {
  const Tensor a = parameter(definite(3)), weights = draw({3, 3}, 2);
  const auto slope_at = [&](const Tensor& at) {
    const Tensor cotangent = parameter(at);
    const Tensor da = grad({{eigh(a).vectors}}, {{a}}, {{cotangent}}, {.create_graph = true})[0];
    return grad(sum(da * weights), cotangent);
  };
  expect_near(slope_at(zeros({3, 3}, f64)), slope_at(draw({3, 3}, 3)));
}

}  // namespace
}  // namespace tapegrad
