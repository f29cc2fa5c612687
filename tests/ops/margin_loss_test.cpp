#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad::tests {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Tensor scores() { return tensor({0.3, -0.8, 1.1, 0.2, 0.9, -0.4}, {2, 3}, f64); }

TEST(MarginLosses, Ranking) {
  const Tensor a = parameter(tensor({1, 2, 3}, f64)), b = tensor({2, 0, 3.5}, f64), y = tensor({1, 1, -1}, f64);
  const Tensor losses = margin_ranking_loss(a, b, y, 0.25, Reduce::none);
  EXPECT_THAT(losses.values(), ElementsAre(1.25, 0, 0));
  EXPECT_THAT(grad(margin_ranking_loss(a, b, y, 0.75, Reduce::sum), a).values(), ElementsAre(-1, 0, 1));
  EXPECT_THAT([&] { margin_ranking_loss(a, b, zeros({3}, f64)); },
              ThrowsMessage<ValueError>(HasSubstr("margin_ranking_loss: a target is neither 1 nor -1")));
  EXPECT_THAT([&] { margin_ranking_loss(a, zeros({2}, f64), y); },
              ThrowsMessage<ShapeError>(HasSubstr("b is [2]; what is ranked against a has shape [3]")));
  EXPECT_THROW(margin_ranking_loss(a, b, y, std::nan("")), ValueError);
}

TEST(MarginLosses, Embeddings) {
  const Tensor d = parameter(tensor({0.5, 0.25, 3}, f64)), y = tensor({1, -1, -1}, i64);
  EXPECT_THAT(hinge_embedding_loss(d, y, 1, Reduce::none).values(), ElementsAre(0.5, 0.75, 0));
  EXPECT_THAT(grad(hinge_embedding_loss(d, y, 1, Reduce::sum), d).values(), ElementsAre(1, -1, 0));
  // cos = 0.6, 0.8 and -1.
  const Tensor a = tensor({1, 0, 3, 4, 1, 1}, {3, 2}, f64), b = tensor({3, 4, 0, 2, -2, -2}, {3, 2}, f64);
  EXPECT_THAT(cosine_embedding_loss(a, b, y, 0.5, Reduce::none).values(),
              ElementsAre(DoubleNear(0.4, 1e-15), DoubleNear(0.3, 1e-15), 0));
  EXPECT_THAT([&](const Tensor& x) { return cosine_embedding_loss(x, b, y, 0.5); },
              testing::HasCorrectGradients({a}, {.order = 2}));
  EXPECT_THROW(hinge_embedding_loss(d, zeros({3})), ValueError);
  EXPECT_THROW(hinge_embedding_loss(d, ones({2})), ShapeError);
  EXPECT_THROW(cosine_embedding_loss(a, b, ones({2})), ShapeError);
  EXPECT_THROW(cosine_embedding_loss(a, a, zeros({3})), ValueError);
}

TEST(MarginLosses, OfOneClass) {
  const Tensor x = scores(), t = tensor({2, 0}, i64);
  // Row 0: 1 - 1.1 + 0.3 and nothing; row 1: 1 - 0.2 + 0.9 and 1 - 0.2 - 0.4.
  EXPECT_THAT(multi_margin_loss(x, t, {.reduction = Reduce::none}).values(),
              ElementsAre(DoubleNear(0.2 / 3, 1e-15), DoubleNear(2.1 / 3, 1e-15)));
  EXPECT_NEAR(multi_margin_loss(x, t, {.p = 2, .weights = tensor({2, 1, 0.5}, f64), .reduction = Reduce::sum}).item(),
              (0.5 * 0.04 + 2 * (1.7 * 1.7 + 0.4 * 0.4)) / 3, 1e-15);
  EXPECT_NEAR(multi_margin_loss(tensor({0.3, -0.8, 1.1}, f64), scalar(2, i64)).item(), 0.2 / 3, 1e-15);
  for (const int p : {1, 2})
    EXPECT_THAT([&](const Tensor& s) { return multi_margin_loss(s, t, {.p = p}); },
                testing::HasCorrectGradients({x}, {.order = 2}));
  EXPECT_THROW(multi_margin_loss(x, t, {.p = 3}), ValueError);
  EXPECT_THROW(multi_margin_loss(x, tensor({3, 0}, i64)), IndexError);
  EXPECT_THROW(multi_margin_loss(x, tensor({2, 0})), DTypeError);
  EXPECT_THROW(multi_margin_loss(x, tensor({2}, i64)), ShapeError);
  EXPECT_THROW(multi_margin_loss(x, t, {.weights = ones({2})}), ShapeError);
}

TEST(MarginLosses, OfSeveralClasses) {
  const Tensor x = scores(), t = tensor({2, 0, -1, 1, -1, 0}, {2, 3}, i64);
  // Row 0: classes 2 and 0 against 1; row 1: class 1 against 0 and 2.
  EXPECT_THAT(multilabel_margin_loss(x, t, Reduce::none).values(),
              ElementsAre(DoubleEq((0. + 0) / 3), DoubleNear((1 - 0.9 + 0.2) / 3, 1e-15)));
  // All three targets but one: the worked example of PyTorch's documentation.
  EXPECT_NEAR(multilabel_margin_loss(tensor({0.1, 0.2, 0.4, 0.8}, f64), tensor({3, 0, -1, 1}, i64)).item(), 0.85,
              1e-15);
  EXPECT_THAT([&](const Tensor& s) { return multilabel_margin_loss(s, t); },
              testing::HasCorrectGradients({x}, {.order = 2}));
  EXPECT_THROW(multilabel_margin_loss(x, t + 3), IndexError);
  EXPECT_THROW(multilabel_margin_loss(x, ones({2, 3})), DTypeError);
  EXPECT_THROW(multilabel_margin_loss(zeros({2, 3, 1}), t), ShapeError);

  const Tensor y = tensor({1, 0, 1, 0, 0, 1}, {2, 3}, f64);
  double wanted = 0;
  for (std::size_t i = 0; i < 6; ++i)
    wanted += std::log1p(std::exp(y.values()[i] == 1 ? -x.values()[i] : x.values()[i]));
  EXPECT_NEAR(multilabel_soft_margin_loss(x, y).item(), wanted / 6, 1e-15);
  EXPECT_THAT(multilabel_soft_margin_loss(x, y, tensor({1, 0, 2}, f64), Reduce::none).shape(), Shape{2});
  EXPECT_THROW(multilabel_soft_margin_loss(x, y, ones({2})), ShapeError);
  EXPECT_NEAR(soft_margin_loss(x, 2 * y - 1).item(), wanted / 6, 1e-15);
  EXPECT_EQ(soft_margin_loss(tensor({1e4, -1e4}, f64), ones({2}, f64), Reduce::sum).item(), 1e4);
  EXPECT_THROW(soft_margin_loss(x, y), ValueError);
}

TEST(MarginLosses, TripletTakesTheHarderNegative) {
  const Tensor a = tensor({0, 0}, f64), p = tensor({1, 0}, f64), n = tensor({2, 0}, f64);
  EXPECT_EQ(triplet_loss(a, p, n).item(), 0);
  EXPECT_EQ(triplet_loss(a, p, n, {.swap = true}).item(), 1);
}

TEST(DistributionLosses, Poisson) {
  const Tensor x = tensor({0.5, -1, 2}, f64), k = tensor({0, 1, 3}, f64);
  const double stirling = 3 * std::log(3.) - 3 + 0.5 * std::log(2 * M_PI * 3);
  EXPECT_THAT(poisson_nll_loss(x, k, {.full = true, .reduction = Reduce::none}).values(),
              ElementsAre(DoubleEq(std::exp(0.5)), DoubleEq(std::exp(-1) + 1), DoubleEq(std::exp(2) - 6 + stirling)));
  const Tensor rates = tensor({0, 1, 2}, f64);
  EXPECT_THAT(poisson_nll_loss(rates, k, {.log_rates = false, .epsilon = 0, .reduction = Reduce::none}).values(),
              ElementsAre(0, 1, DoubleNear(2 - 3 * std::log(2.), 1e-15)));  // terms cancel
  EXPECT_THAT([&](const Tensor& t) { return poisson_nll_loss(t, k, {.full = true}); },
              testing::HasCorrectGradients({x}, {.order = 3}));
  EXPECT_THROW(poisson_nll_loss(x, ones({2})), ShapeError);
  EXPECT_THROW(poisson_nll_loss(x, k, {.epsilon = -1}), ValueError);
}

TEST(DistributionLosses, Gaussian) {
  const Tensor m = tensor({0.5, -1, 2}, f64), t = tensor({0, 1, 2}, f64), v = tensor({0.5, 2, 0}, f64);
  EXPECT_THAT(
      gaussian_nll_loss(m, t, v, {.reduction = Reduce::none}).values(),
      ElementsAre(DoubleEq((std::log(0.5) + 0.5) / 2), DoubleEq((std::log(2.) + 2) / 2), DoubleEq(std::log(1e-6) / 2)));
  EXPECT_NEAR(gaussian_nll_loss(m, t, scalar(1, f64), {.full = true}).item(), 4.25 / 6 + std::log(2 * M_PI) / 2, 1e-15);
  EXPECT_THAT([&](const Tensor& a, const Tensor& b) { return gaussian_nll_loss(a, t, b); },
              testing::HasCorrectGradients({m, tensor({0.5, 2, 1}, f64)}, {.order = 3}));
  // The squares would leave the range.
  EXPECT_DOUBLE_EQ(gaussian_nll_loss(tensor({1e200}, f64), zeros({1}, f64), tensor({1e300}, f64)).item(), 0.5e100);
  EXPECT_THAT([&] { gaussian_nll_loss(m, t, -v); }, ThrowsMessage<ValueError>(HasSubstr("a variance is negative")));
  EXPECT_THROW(gaussian_nll_loss(m, t, v, {.epsilon = 0}), ValueError);
}

}  // namespace
}  // namespace tapegrad::tests
