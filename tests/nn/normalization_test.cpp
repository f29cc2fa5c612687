#include <tapegrad/nn/normalization.hpp>

#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

Tensor normalized(const Tensor& x, const Axes& axes, double eps = 1e-5) {
  return (x - mean(x, axes, true)) / sqrt(var(x, axes, true, 0) + eps);
}
auto near_to(const Tensor& wanted) { return Pointwise(DoubleNear(1e-12), wanted.values()); }

struct Input {
  Rng rng{1};
  Tensor x = randn({2, 4, 3}, f64, rng), weight4 = randn({4}, f64, rng), bias4 = randn({4}, f64, rng);
};

TEST(LayerNorm, IsItsFormula) {
  Input in;
  LayerNorm norm(Shape{4, 3}, {.dtype = f64});
  norm.weight.copy_from(randn({4, 3}, f64, in.rng));
  norm.bias.copy_from(randn({4, 3}, f64, in.rng));
  EXPECT_THAT(norm(in.x).values(), near_to(normalized(in.x, {1, 2}) * norm.weight + norm.bias));
  EXPECT_THAT([&](const Tensor& x) { return norm(x); }, HasCorrectGradients({in.x}, {.order = 2}));
  // Mean 2, variance 2/3.
  const double s = std::sqrt(1.5 / (1 + 1.5e-5));
  EXPECT_THAT(LayerNorm(3, {.dtype = f64})(tensor({1, 2, 3}, f64)).values(),
              Pointwise(DoubleNear(1e-12), {-s, 0.0, s}));
  EXPECT_THAT(message_of([&] {
                norm(zeros({2, 3, 4}, f64));
              }),
              HasSubstr("input [2, 3, 4], expected one that ends with [4, 3]"));
  EXPECT_THROW(LayerNorm(0), ValueError);
  EXPECT_THROW(LayerNorm(3, {.eps = 0}), ValueError);
  EXPECT_EQ(LayerNorm(3, {.affine = false}).parameter_count(), 0);
}

TEST(RmsNorm, IsItsFormula) {
  Input in;
  RmsNorm norm(3, {.dtype = f64});
  norm.weight.copy_from(tensor({1, 2, 3}, f64));
  EXPECT_THAT(norm(in.x).values(), near_to(in.x / sqrt(mean(square(in.x), {2}, true) + 1e-5) * tensor({1, 2, 3}, f64)));
  EXPECT_THAT(message_of([&] { norm(zeros({4}, f64)); }), HasSubstr("RmsNorm: input [4], expected [..., 3]"));
}

TEST(GroupNorm, IsItsFormula) {
  Input in;
  GroupNorm norm(2, 4, {.dtype = f64});
  norm.weight.copy_from(in.weight4);
  norm.bias.copy_from(in.bias4);
  const Tensor groups = reshape(normalized(reshape(in.x, {2, 2, 6}), {2}), {2, 4, 3});
  EXPECT_THAT(norm(in.x).values(), near_to(groups * reshape(in.weight4, {4, 1}) + reshape(in.bias4, {4, 1})));
  EXPECT_THROW(GroupNorm(3, 4), ValueError);
  EXPECT_THAT(message_of([&] {
                norm(zeros({2, 3}, f64));
              }),
              HasSubstr("GroupNorm: input [2, 3], expected [B, 4, ...]"));
}

TEST(InstanceNorm, IsItsFormula) {
  Input in;
  InstanceNorm norm(4, {.dtype = f64});
  norm.weight.copy_from(in.weight4);
  EXPECT_THAT(norm(in.x).values(), near_to(normalized(in.x, {2}) * reshape(in.weight4, {4, 1})));
}

TEST(BatchNorm, FollowsItsBatchesAndUsesWhatItLearned) {
  BatchNorm norm(2, {.momentum = 0.5, .dtype = f64});
  norm.weight.copy_from(tensor({2, 1}, f64));
  norm.bias.copy_from(tensor({0, 3}, f64));
  const Tensor x = tensor({1, 10, 3, 10, 5, 40}, Shape{3, 2}, f64);
  // Means 3 and 20; variances 8/3 and 200, of the population 4 and 300.
  const Tensor y = norm(x);
  EXPECT_THAT(y.values(), near_to(normalized(x, {0}) * tensor({2, 1}, f64) + tensor({0, 3}, f64)));
  EXPECT_THAT(norm.running_mean.values(), ElementsAre(1.5, 10));
  EXPECT_THAT(norm.running_var.values(), ElementsAre(2.5, 150.5));
  norm(x);
  EXPECT_THAT(norm.running_mean.values(), ElementsAre(2.25, 15));
  norm.eval();
  const Tensor used = norm(x);
  EXPECT_NEAR(used.at({0, 0}), 2 * (1 - 2.25) / std::sqrt(3.25 + 1e-5), 1e-12);
  EXPECT_THAT(norm.running_mean.values(), ElementsAre(2.25, 15));  // not by use
  EXPECT_EQ(norm.named_buffers().size(), 2u);
  EXPECT_EQ(norm.parameter_count(), 4);
  EXPECT_FALSE(norm.running_mean.requires_grad());
}

TEST(BatchNorm, HasCorrectGradientsAndTakesImages) {
  Rng rng(2);
  BatchNorm2d norm(2, {.dtype = f64});
  const auto f = [&](const Tensor& x) { return norm(x); };
  EXPECT_THAT(f, HasCorrectGradients({randn({2, 2, 2, 1}, f64, rng)}, {.order = 2}));
  norm.eval();
  EXPECT_THAT(f, HasCorrectGradients({randn({2, 2, 2, 1}, f64, rng)}, {.order = 2}));
  norm.train();
  EXPECT_THAT(message_of([&] { norm(zeros({1, 2}, f64)); }), HasSubstr("one value a channel"));
  EXPECT_THAT(message_of([&] {
                norm(zeros({4, 3}, f64));
              }),
              HasSubstr("BatchNorm: input [4, 3], expected [B, 2, ...]"));
  EXPECT_THROW(BatchNorm(2, {.momentum = 0}), ValueError);
}

}  // namespace
}  // namespace tapegrad::nn
