#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Losses, Reduce) {
  const Tensor a = tensor({1, 2, 4}, f64), b = tensor({0, 2, 1}, f64);
  EXPECT_THAT(mse_loss(a, b, Reduce::none).values(), ElementsAre(1, 0, 9));
  EXPECT_EQ(mse_loss(a, b, Reduce::sum).item(), 10);
  EXPECT_DOUBLE_EQ(mse_loss(a, b).item(), 10. / 3);
  EXPECT_DOUBLE_EQ(l1_loss(a, b).item(), 4. / 3);
  EXPECT_EQ(mse_loss(zeros({0}), zeros({0})).item(), 0);
}

TEST(Losses, RefuseShapesThatWouldBroadcast) {
  const Tensor column = zeros({3, 1}), row = zeros({3});
  EXPECT_THAT([&] { mse_loss(column, row); },
              ThrowsMessage<ShapeError>(HasSubstr("mse_loss: prediction is [3, 1], target [3]")));
  EXPECT_THROW(l1_loss(column, row), ShapeError);
  EXPECT_THROW(huber_loss(column, row), ShapeError);
  EXPECT_THROW(smooth_l1_loss(column, row), ShapeError);
  EXPECT_THROW(kl_div(column, row), ShapeError);
  EXPECT_THROW(hinge_loss(column, row), ShapeError);
  EXPECT_THROW(binary_cross_entropy(column, row), ShapeError);
  EXPECT_THROW(binary_cross_entropy_with_logits(column, row), ShapeError);
  EXPECT_THROW(triplet_loss(column, row, column), ShapeError);
  EXPECT_THROW(huber_loss(row, row, 0), ValueError);
  EXPECT_THROW(smooth_l1_loss(row, row, -1), ValueError);
  EXPECT_THROW(binary_cross_entropy(row, row, {.positive_weights = row}), ValueError);
}

TEST(Losses, HuberAndSmoothL1) {
  const Tensor a = tensor({0.5, 3, -4}, f64), b = zeros({3}, f64);
  EXPECT_THAT(huber_loss(a, b, 2, Reduce::none).values(), ElementsAre(0.125, 4, 6));
  EXPECT_THAT(smooth_l1_loss(a, b, 2, Reduce::none).values(), ElementsAre(0.0625, 2, 3));
  EXPECT_THAT(smooth_l1_loss(a, b, 0, Reduce::none).values(), ElementsAre(0.5, 3, 4));
  Rng rng(1);
  const Tensor x = randn({6}, f64, rng) * 2;
  expect_twins([&](const Tensor& t) { return huber_loss(t, zeros({6}, f64), 1, Reduce::none); },
               [&](const Tensor& t) { return where(abs(t) <= 1, square(t) / 2, abs(t) - 0.5); }, x, 2);
}

TEST(Losses, BinaryCrossEntropyAgreesWithItsLogits) {
  Rng rng(2);
  const Tensor x = randn({5}, f64, rng), y = rand({5}, 0, 1, f64, rng), w = rand({5}, 0.5, 2, f64, rng);
  expect_twins([&](const Tensor& t) { return binary_cross_entropy_with_logits(t, y, {.weights = w}); },
               [&](const Tensor& t) { return binary_cross_entropy(sigmoid(t), y, {.weights = w}); }, x, 3);
  expect_twins(
      [&](const Tensor& t) { return binary_cross_entropy_with_logits(t, y, {.positive_weights = scalar(3, f64)}); },
      [&](const Tensor& t) { return mean(-(3 * y * log(sigmoid(t)) + (1 - y) * log(sigmoid(-t)))); }, x, 3);
  EXPECT_NEAR(
      binary_cross_entropy_with_logits(tensor({0.5}, f64), tensor({0.75}, f64), {.positive_weights = scalar(3, f64)})
          .item(),
      1.3101924604502667022, 1e-14);
}

TEST(Losses, BinaryCrossEntropyKeepsItsDigitsWhereItIsNearlyCertain) {
  const double rest = 4.248354255291589e-18;  // exp(-40)
  for (const DType dtype : {f32, f64})
    for (const bool weighted : {false, true}) {
      const Tensor x = parameter(tensor({40, -40}, dtype)), y = tensor({1, 0}, dtype);
      BinaryCrossEntropyOptions options{.reduction = Reduce::none};
      if (weighted) options.positive_weights = scalar(1, dtype);
      const Tensor losses = binary_cross_entropy_with_logits(x, y, options);
      for (const double loss : losses.values()) EXPECT_NEAR(loss, rest, 1e-5 * rest);
      const std::vector<double> slopes = grad(sum(losses), x).values();
      EXPECT_NEAR(slopes[0], -rest, 1e-5 * rest) << weighted;
      EXPECT_NEAR(slopes[1], rest, 1e-5 * rest) << weighted;
    }
}

TEST(Losses, BinaryCrossEntropyAtTheEnds) {
  const Tensor p = parameter(tensor({0, 1, 0}, f64)), y = tensor({0, 1, 1}, f64);
  const Tensor losses = binary_cross_entropy(p, y, {.reduction = Reduce::none});
  EXPECT_THAT(losses.values(), ElementsAre(0, 0, kInf));
  EXPECT_THAT(grad(sum(losses), p).values(), ElementsAre(1, -1, -kInf));
  const Tensor x = parameter(tensor({1e4, -1e4, -1e4}, f64)), z = tensor({1, 0, 1}, f64);
  const Tensor certain = binary_cross_entropy_with_logits(x, z, {.reduction = Reduce::none});
  EXPECT_THAT(certain.values(), ElementsAre(0, 0, 1e4));
  EXPECT_THAT(grad(sum(certain), x).values(), ElementsAre(0, 0, -1));
}

TEST(Losses, KlDivergenceIsZeroOnlyForEqualShares) {
  Rng rng(3);
  const Tensor x = randn({3, 4}, f64, rng), q = softmax(randn({3, 4}, f64, rng));
  EXPECT_NEAR(kl_div(log(q), q).item(), 0, 1e-15);
  const double mean = kl_div(log_softmax(x), q).item();
  EXPECT_GT(mean, 0);
  EXPECT_DOUBLE_EQ(mean, kl_div(log_softmax(x), q, Reduce::sum).item() / 3);
  expect_twins([&](const Tensor& t) { return kl_div(log_softmax(x), softmax(t)); },
               [&](const Tensor& t) { return sum(softmax(t) * (log_softmax(t) - log_softmax(x))) / 3; }, x, 3);
  const Tensor t = parameter(tensor({0, 1}, f64)), logs = parameter(tensor({-kInf, 0}, f64));
  const Tensor loss = kl_div(logs, t);
  EXPECT_EQ(loss.item(), 0);
  const BackwardOptions again{.retain_graph = true};
  EXPECT_THAT(grad(loss, t, again).values(), ElementsAre(0, 0.5));
  EXPECT_THAT(grad(loss, logs).values(), ElementsAre(0, -0.5));
}

TEST(Losses, HingeCosineAndTriplet) {
  EXPECT_THAT(hinge_loss(tensor({0.5, -2, 3}, f64), tensor({1, 1, 1}, f64), 1, Reduce::none).values(),
              ElementsAre(0.5, 3, 0));
  const Tensor a = parameter(tensor({1, 2, 2}, f64));
  EXPECT_NEAR(cosine_similarity(a, tensor({2, -1, 3}, f64)).item(), 0.53452248382484876937, 1e-15);
  const Tensor nothing = parameter(zeros({3}, f64));
  const Tensor similarity = cosine_similarity(nothing, tensor({1, 0, 0}, f64));
  EXPECT_EQ(similarity.item(), 0);
  EXPECT_THAT(grad(similarity, nothing).values(), ElementsAre(1e8, 0, 0));
  const Tensor anchor = parameter(tensor({0, 0}, f64));
  EXPECT_NEAR(triplet_loss(anchor, tensor({1, 1}, f64), tensor({2, 1}, f64), {.margin = 2}).item(),
              1.1781455848733053524, 1e-15);
  EXPECT_THAT(grad(triplet_loss(anchor, anchor, anchor), anchor).values(), Each(0));
}

TEST(Losses, NllOfLogSoftmaxIsCrossEntropy) {
  Rng rng(4);
  const Tensor x = randn({4, 3}, f64, rng), targets = tensor({2, 0, -1, 2}, i64), weights = tensor({1, 2, 0.5}, f64);
  for (const Reduce reduction : {Reduce::mean, Reduce::sum, Reduce::none})
    expect_twins(
        [&](const Tensor& t) {
          return cross_entropy(t, targets, {.ignore_index = -1, .weights = weights, .reduction = reduction});
        },
        [&](const Tensor& t) {
          return nll_loss(log_softmax(t, 1), targets, {.ignore_index = -1, .weights = weights, .reduction = reduction});
        },
        x, 3);
}

}  // namespace
}  // namespace tapegrad::tests
