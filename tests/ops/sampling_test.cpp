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
