#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Probabilities that say what class indices say.
Tensor one_hot_of(const Tensor& targets, std::int64_t classes) {
  Tensor q = zeros({targets.numel(), classes}, f64);
  const auto ids = targets.data<std::int64_t>();
  for (std::size_t i = 0; i < ids.size(); ++i) q.mutable_data<double>()[i * 3 + static_cast<std::size_t>(ids[i])] = 1;
  return q;
}

TEST(CrossEntropy, AgreesWithItsCompositionToTheThirdOrder) {
  Rng rng(1);
  const Tensor x = randn({4, 3}, f64, rng), targets = tensor({2, 0, 1, 2}, i64);
  const Tensor weights = tensor({1, 2, 0.5}, f64);
  const Tensor hot = one_hot_of(targets, 3);
  for (const Reduce reduction : {Reduce::mean, Reduce::sum, Reduce::none}) {
    CrossEntropyOptions options{.label_smoothing = 0.3, .weights = weights, .reduction = reduction};
    // The weights of the targets are 0.5, 1, 2, 0.5: 4 in all.
    expect_twins([&](const Tensor& t) { return cross_entropy(t, targets, options); },
                 [&](const Tensor& t) {
                   const Tensor own = sum(hot * weights, {1}, true) * hot / sum(hot * weights, {1}, true) * weights;
                   const Tensor all = -sum((own * 0.7 + weights * 0.1) * log_softmax(t, 1), {1});
                   return reduction == Reduce::none ? all : reduction == Reduce::sum ? sum(all) : sum(all) / 4;
                 },
                 x, 3);
  }
}

TEST(CrossEntropy, TakesProbabilitiesAsItTakesIndices) {
  Rng rng(2);
  const Tensor x = randn({4, 3}, f64, rng), targets = tensor({2, 0, 1, 2}, i64);
  for (const Reduce reduction : {Reduce::mean, Reduce::sum, Reduce::none}) {
    const CrossEntropyOptions options{.label_smoothing = 0.3, .reduction = reduction};
    expect_twins([&](const Tensor& t) { return cross_entropy(t, targets, options); },
                 [&](const Tensor& t) { return cross_entropy(t, one_hot_of(targets, 3), options); }, x, 3);
  }
}

TEST(CrossEntropy, DifferentiatesProbabilities) {
  const Tensor x = tensor({1, 2, 3}, {1, 3}, f64), q = parameter(tensor({0.2, 0.3, 0.5}, {1, 3}, f64));
  // d/dq = -ln softmax(x).
  EXPECT_THAT(grad(cross_entropy(x, q), q).values(), ElementsAre(::testing::DoubleNear(2.4076059644443803, 1e-12),
                                                                 ::testing::DoubleNear(1.4076059644443803, 1e-12),
                                                                 ::testing::DoubleNear(0.4076059644443803, 1e-12)));
}

TEST(CrossEntropy, AnImpossibleClassWithoutProbabilityCostsNothing) {
  const Tensor x = parameter(tensor({1, -kInf, 1}, {1, 3}, f64)), q = tensor({0.5, 0, 0.5}, {1, 3}, f64);
  const Tensor loss = cross_entropy(x, q);
  EXPECT_NEAR(loss.item(), std::log(2.0), 1e-15);
  EXPECT_THAT(grad(loss, x).values(), Each(0));
  EXPECT_EQ(cross_entropy(x, tensor({0.5, 0.5, 0}, {1, 3}, f64)).item(), kInf);
}

TEST(CrossEntropy, IsExactForLargeLogits) {
  const Tensor x = parameter(tensor({1e4, -1e4, 0}, {1, 3}, f64));
  EXPECT_EQ(cross_entropy(x, tensor({0}, i64)).item(), 0);
  const Tensor wrong = cross_entropy(x, tensor({1}, i64));
  EXPECT_EQ(wrong.item(), 2e4);
  EXPECT_THAT(grad(wrong, x).values(), ElementsAre(1, -1, 0));
}

TEST(CrossEntropy, IgnoredSamplesDoNotCountWhateverTheyHold) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = parameter(tensor({1, 2, nan, nan}, {2, 2}, f64)), alone = parameter(tensor({1, 2}, {1, 2}, f64));
  const Tensor loss = cross_entropy(x, tensor({1, 7}, i64), {.ignore_index = 7});
  const Tensor expected = cross_entropy(alone, tensor({1}, i64));
  EXPECT_EQ(loss.item(), expected.item());
  const auto g = grad(loss, x, {.create_graph = true}).values(), plain = grad(loss, x).values();
  const auto wanted = grad(expected, alone).values();
  EXPECT_THAT(plain, ElementsAre(wanted[0], wanted[1], 0, 0));
  EXPECT_THAT(g, ElementsAre(::testing::DoubleNear(wanted[0], 1e-15), ::testing::DoubleNear(wanted[1], 1e-15), 0, 0));
}

TEST(CrossEntropy, OfNothingIsZero) {
  const Tensor x = parameter(zeros({2, 3}, f64));
  const Tensor ignored = cross_entropy(x, tensor({-100, -100}, i64));
  EXPECT_EQ(ignored.item(), 0);
  EXPECT_THAT(grad(ignored, x).values(), Each(0));
  EXPECT_EQ(cross_entropy(zeros({0, 3}), zeros({0}, i64)).item(), 0);
  EXPECT_EQ(cross_entropy(zeros({0, 3}), zeros({0, 3})).item(), 0);
}

TEST(CrossEntropy, TakesClassesOnTheSecondAxis) {
  Rng rng(6);
  const Tensor x = randn({2, 3, 4}, f64, rng), targets = randint(0, 3, {2, 4}, rng);
  const auto got = cross_entropy(x, targets, {.reduction = Reduce::none}).values();
  const Tensor rows = reshape(transpose(x), {8, 3});
  const auto wanted = cross_entropy(rows, reshape(targets, {8}), {.reduction = Reduce::none}).values();
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(got[i], wanted[i], 1e-14);
}

TEST(CrossEntropy, RefusesBadTargets) {
  EXPECT_THROW(cross_entropy(zeros({2, 3}), tensor({0, 3}, i64)), IndexError);
  EXPECT_THROW(cross_entropy(zeros({2, 3}), zeros({3}, i64)), ShapeError);
  EXPECT_THROW(cross_entropy(zeros({2, 3}), zeros({2})), DTypeError);
}

}  // namespace
}  // namespace tapegrad::tests
