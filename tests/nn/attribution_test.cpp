#include <gtest/gtest.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/attribution.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::nn {
namespace {

struct Mlp : Module {
  Rng rng{3};
  Linear hidden{*this, "hidden", 4, 16, {.rng = &rng}}, output{*this, "output", 16, 3, {.rng = &rng}};
  Tensor operator()(const Tensor& x) { return output(tanh(hidden(x))); }
};

TEST(Saliency, OfALinearModelIsItsWeights) {
  Rng rng(1);
  Linear model(3, 2, {.rng = &rng});
  const Tensor found = saliency([&](const Tensor& x) { return model(x); }, zeros({2, 3}), tensor({1, 0}, i64));
  const std::vector<double> w = model.weight.values();
  EXPECT_EQ(found.values(), (std::vector<double>{w[3], w[4], w[5], w[0], w[1], w[2]}));
  EXPECT_FALSE(model.weight.grad().defined());
}

TEST(IntegratedGradients, AddUpToTheDifference) {
  Mlp model;
  Rng rng(2);
  const Tensor x = randn({5, 4}, f32, rng), baseline = randn({4}, f32, rng), classes = tensor({0, 1, 2, 1, 0}, i64);
  const auto call = [&](const Tensor& t) { return model(t); };
  const Tensor found = integrated_gradients(call, x, classes, {.baseline = baseline, .steps = 200});
  const Tensor at = model(x), start = model(baseline + zeros({5, 4}));
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto c = static_cast<std::int64_t>(classes.at({i}));
    EXPECT_NEAR(sum(found[i]).item(), at.at({i, c}) - start.at({i, c}), 1e-4);
  }
  // A feature that is as in the baseline has no share.
  const Tensor same = integrated_gradients(call, baseline + zeros({1, 4}), tensor({0}, i64), {.baseline = baseline});
  EXPECT_EQ(same.values(), std::vector<double>(4, 0));
}

TEST(GradientXInput, OfALinearModelAddsUpToTheDifference) {
  Rng rng(1);
  Linear model(3, 2, {.rng = &rng});
  const Tensor x = randn({2, 3}, f32, rng), baseline = randn({3}, f32, rng);
  const auto call = [&](const Tensor& t) { return model(t); };
  const Tensor found = gradient_x_input(call, x, tensor({1, 0}, i64), baseline);
  const Tensor more = model(x) - model(baseline);
  EXPECT_NEAR(sum(found[0]).item(), more.at({0, 1}), 1e-6);
  EXPECT_NEAR(sum(found[1]).item(), more.at({1, 0}), 1e-6);
  EXPECT_THROW(gradient_x_input(call, x, tensor({1, 0}, i64), zeros({4, 2, 3})), ShapeError);
}

TEST(Attribution, RefusesWhatDoesNotFit) {
  Mlp model;
  const auto call = [&](const Tensor& t) { return model(t); };
  EXPECT_THROW(saliency(call, zeros({2, 4}), tensor({0}, i64)), ShapeError);
  EXPECT_THROW(saliency(call, zeros({1, 4}), tensor({3}, i64)), IndexError);
  EXPECT_THROW(saliency(call, zeros({1, 4}, i64), tensor({0}, i64)), DTypeError);
  EXPECT_THROW(integrated_gradients(call, zeros({1, 4}), tensor({0}, i64), {.steps = 0}), ValueError);
}

}  // namespace
}  // namespace tapegrad::nn
