#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/train/importance.hpp>

namespace tapegrad::train {
namespace {

TEST(PermutationImportance, IsTheRiseOfTheCost) {
  Rng rng(1);
  const Tensor inputs = randn({2000, 4}, f32, rng);
  // y = 2 x₀ + x₁ + x₂; shuffling x₀ costs 2 · 2² · variance, the pair x₁ x₂, told as one, 2 · (1 + 1).
  const Tensor weights = tensor({2, 1, 1, 0});
  const auto answer = [&](const Tensor& x) { return sum(x * weights, {1}); };
  const Tensor targets = answer(inputs);
  const std::vector<data::FeatureGroup> groups{{"first", 0, 1}, {"pair", 1, 2}, {"idle", 3, 1}};
  const auto cost = [&](const Tensor& x) { return mse_loss(answer(x), targets).item(); };
  const std::vector<double> importance = permutation_importance(cost, inputs, groups);
  ASSERT_EQ(importance.size(), 3u);
  EXPECT_NEAR(importance[0], 8, 0.5);
  EXPECT_NEAR(importance[1], 4, 0.4);
  EXPECT_EQ(importance[2], 0);
  EXPECT_EQ(permutation_importance(cost, inputs, groups), importance);

  EXPECT_THROW(permutation_importance(cost, inputs, groups, {.repeats = 0}), ValueError);
  const std::vector<data::FeatureGroup> outside{{"none", 3, 2}};
  EXPECT_THROW(permutation_importance(cost, inputs, outside), IndexError);
}

}  // namespace
}  // namespace tapegrad::train
