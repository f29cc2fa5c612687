#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

TEST(Rng, FillDrawsTheSameWords) {
  for (const std::size_t offset : {0u, 1u, 6u}) {
    Rng one(5), many(5);
    for (std::size_t i = 0; i < offset; ++i) one.next_u32(), many.next_u32();
    std::vector<std::uint32_t> words(203);
    many.fill(words);
    for (const std::uint32_t word : words) ASSERT_EQ(word, one.next_u32());
    EXPECT_EQ(one.state(), many.state());
    EXPECT_EQ(one.next_u32(), many.next_u32());
  }
}

TEST(Dropout, DropsAShareAndKeepsTheMean) {
  Rng rng(3);
  const Tensor y = dropout(ones({100000}), 0.3, rng);
  double sum_of = 0, kept = 0;
  for (const double v : y.values()) sum_of += v, kept += v != 0;
  EXPECT_NEAR(kept / 1e5, 0.7, 0.01);
  EXPECT_NEAR(sum_of / 1e5, 1, 0.015);
}

TEST(Dropout, MasksDifferFromCallToCallAndRepeatWithTheState) {
  Rng rng(3);
  const Tensor x = ones({64});
  const Rng::State before = rng.state();
  const auto first = dropout(x, 0.5, rng).values(), second = dropout(x, 0.5, rng).values();
  EXPECT_NE(first, second);
  Rng again(before);
  EXPECT_EQ(first, dropout(x, 0.5, again).values());
}

TEST(Dropout, GradientUsesTheMaskOfTheValue) {
  Rng rng(1);
  const Tensor x = parameter(ones({40000}));
  const Tensor y = dropout(x, 0.5, rng);
  rng.skip(17);
  y.backward(ones({40000}));
  EXPECT_EQ(x.grad().values(), y.values());
}

TEST(Dropout, ThreadsDoNotChangeTheMask) {
  const int before = num_threads();
  std::vector<double> masks[2];
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    Rng rng(9);
    rng.skip(3);
    masks[threads == 1] = dropout(ones({300000}), 0.5, rng).values();
  }
  set_num_threads(before);
  EXPECT_EQ(masks[0], masks[1]);
}

TEST(Dropout, IsTheInputWhenNotTraining) {
  Rng rng(1);
  const Tensor x = ones({4});
  EXPECT_TRUE(dropout(x, 0.5, rng, false).same_as(x));
  EXPECT_TRUE(dropout(x, 0, rng).same_as(x));
  EXPECT_EQ(rng.state().position, 0u);
  EXPECT_THROW(dropout(x, 2, rng, false), ValueError);
}

TEST(Dropout, DropsNaNAndEverythingAtOne) {
  Rng rng(1);
  EXPECT_EQ(dropout(full({2}, NAN), 1, rng).values(), (std::vector<double>{0, 0}));
}

TEST(Bernoulli, FollowsTheProbabilities) {
  Rng rng(2);
  const Tensor draws = bernoulli(broadcast_to(tensor({0, 1, 0.25}), {4000, 3}), rng);
  const auto share = mean(draws, {0}).values();
  EXPECT_EQ(share[0], 0);
  EXPECT_EQ(share[1], 1);
  EXPECT_NEAR(share[2], 0.25, 0.03);
  EXPECT_EQ(bernoulli({3}, 1, boolean, rng).dtype(), boolean);
  EXPECT_THROW(bernoulli(tensor({1.5}), rng), ValueError);
  EXPECT_THROW(bernoulli({2}, NAN, f32, rng), ValueError);
  EXPECT_THROW(bernoulli(zeros({2}, i64), rng), DTypeError);
}

TEST(Categorical, FollowsTheLogits) {
  Rng rng(4);
  const Tensor logits = tensor({1000, 1000 + std::log(3.0), -std::numeric_limits<double>::infinity()}, f64);
  const Tensor draws = categorical(broadcast_to(logits, {8000, 3}), rng);
  EXPECT_EQ(draws.shape(), (Shape{8000}));
  const auto counts = bincount(draws, 3).values();
  EXPECT_NEAR(counts[0] / 8000, 0.25, 0.02);
  EXPECT_NEAR(counts[1] / 8000, 0.75, 0.02);
  EXPECT_EQ(counts[2], 0);
}

TEST(Multinomial, DrawsNoneTwiceWithoutReplacement) {
  Rng rng(5);
  const Tensor weights = tensor({1, 0, 2, 5}, f64);
  const Tensor draws = multinomial(broadcast_to(weights, {8000, 4}), 2, false, rng);
  ASSERT_EQ(draws.shape(), (Shape{8000, 2}));
  const Tensor first = select(draws, 1, 0), second = select(draws, 1, 1);
  EXPECT_FALSE(any(first == second).item() != 0);
  const auto counts = bincount(first, 4).values(), then = bincount(second, 4).values();
  EXPECT_NEAR(counts[0] / 8000, 1. / 8, 0.02);
  EXPECT_EQ(counts[1] + then[1], 0);
  EXPECT_NEAR(counts[3] / 8000, 5. / 8, 0.02);
  // The second follows the weights that are left: 5 after 1 of 7, and after 2 of 6.
  EXPECT_NEAR(then[3] / 8000, 1. / 8 * 5 / 7 + 2. / 8 * 5 / 6, 0.02);
  EXPECT_EQ(sum(multinomial(ones({50}), 50, false, rng)).item(), 49 * 25);
}

TEST(Multinomial, FollowsTheWeightsWithReplacement) {
  Rng rng(5), again(5);
  const Tensor weights = tensor({0, 1, 3, 0}, f64) * 1e300;
  const Tensor draws = multinomial(weights, 8000, true, rng);
  const auto counts = bincount(draws, 4).values();
  EXPECT_EQ(counts[0] + counts[3], 0);
  EXPECT_NEAR(counts[1] / 8000, 0.25, 0.02);
  EXPECT_EQ(multinomial(weights, 8000, true, again).values(), draws.values());
}

TEST(Multinomial, RefusesWhatItCannotDraw) {
  Rng rng(5);
  EXPECT_THROW(multinomial(tensor({1, 0, 2}), 3, false, rng), ValueError);
  EXPECT_THROW(multinomial(tensor({1, -1}), 1, true, rng), ValueError);
  EXPECT_THROW(multinomial(tensor({1, NAN}), 1, true, rng), ValueError);
  EXPECT_THROW(multinomial(tensor({1, INFINITY}), 1, true, rng), ValueError);
  EXPECT_THROW(multinomial(zeros({2}), 1, true, rng), ValueError);
  EXPECT_THROW(multinomial(zeros({2, 0}), 1, true, rng), ValueError);
  EXPECT_THROW(multinomial(ones({2}), -1, true, rng), ValueError);
  EXPECT_THROW(multinomial(ones({2}, i64), 1, true, rng), DTypeError);
  EXPECT_THROW(multinomial(scalar(1), 1, true, rng), ShapeError);
  EXPECT_EQ(multinomial(zeros({2, 3}), 0, false, rng).shape(), (Shape{2, 0}));
}

TEST(Categorical, RefusesWhatIsNoDistribution) {
  Rng rng(4);
  EXPECT_THROW(categorical(full({2}, -INFINITY), rng), ValueError);
  EXPECT_THROW(categorical(tensor({0, NAN}), rng), ValueError);
  EXPECT_THROW(categorical(tensor({0, INFINITY}), rng), ValueError);
  EXPECT_THROW(categorical(scalar(1), rng), ShapeError);
  EXPECT_THROW(categorical(zeros({2, 0}), rng), ShapeError);
  EXPECT_EQ(categorical(zeros({0, 3}), rng).shape(), (Shape{0}));
}

}  // namespace
}  // namespace tapegrad
