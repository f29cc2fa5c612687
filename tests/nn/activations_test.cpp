#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/activations.hpp>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Case {
  Sequential layer;
  std::function<double(double)> function;  // written down anew from its definition
};

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
double clamp(double x, double low, double high) { return std::min(std::max(x, low), high); }

TEST(Activations, AreTheFunctionsOfTheirNames) {
  const double root = std::sqrt(2 / M_PI);
  const std::vector<Case> cases{
      {Sequential{Sigmoid()}, sigmoid_of},
      {Sequential{LogSigmoid()}, [](double x) { return std::log(sigmoid_of(x)); }},
      {Sequential{Tanh()}, [](double x) { return std::tanh(x); }},
      {Sequential{Softplus()}, [](double x) { return std::log(1 + std::exp(x)); }},
      {Sequential{Softsign()}, [](double x) { return x / (1 + std::abs(x)); }},
      {Sequential{Relu()}, [](double x) { return std::max(x, 0.0); }},
      {Sequential{Relu6()}, [](double x) { return clamp(x, 0, 6); }},
      {Sequential{LeakyRelu(0.2)}, [](double x) { return x > 0 ? x : 0.2 * x; }},
      {Sequential{LeakyRelu()}, [](double x) { return x > 0 ? x : 0.01 * x; }},
      {Sequential{Elu(0.5)}, [](double x) { return x > 0 ? x : 0.5 * (std::exp(x) - 1); }},
      {Sequential{Elu()}, [](double x) { return x > 0 ? x : std::exp(x) - 1; }},
      {Sequential{Celu(2)}, [](double x) { return x > 0 ? x : 2 * (std::exp(x / 2) - 1); }},
      {Sequential{Selu()},
       [](double x) { return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (std::exp(x) - 1)); }},
      {Sequential{Gelu()}, [](double x) { return x * std::erfc(-x / std::sqrt(2)) / 2; }},
      {Sequential{GeluTanh()}, [&](double x) { return x / 2 * (1 + std::tanh(root * (x + 0.044715 * x * x * x))); }},
      {Sequential{Silu()}, [](double x) { return x * sigmoid_of(x); }},
      {Sequential{Mish()}, [](double x) { return x * std::tanh(std::log(1 + std::exp(x))); }},
      {Sequential{Hardtanh()}, [](double x) { return clamp(x, -1, 1); }},
      {Sequential{Hardtanh(-2, 0.5)}, [](double x) { return clamp(x, -2, 0.5); }},
      {Sequential{Hardsigmoid()}, [](double x) { return clamp(x / 6 + 0.5, 0, 1); }},
      {Sequential{Hardswish()}, [](double x) { return x * clamp(x / 6 + 0.5, 0, 1); }},
      {Sequential{Softshrink()}, [](double x) { return x > 0.5    ? x - 0.5
                                                       : x < -0.5 ? x + 0.5
                                                                  : 0; }},
      {Sequential{Hardshrink(1)}, [](double x) { return std::abs(x) > 1 ? x : 0; }},
      {Sequential{PRelu(1, {.dtype = f64})}, [](double x) { return x > 0 ? x : 0.25 * x; }},
  };
  const Tensor x = tensor({-7.5, -2.1, -0.7, -0.3, 0.2, 0.9, 2.3, 6.4}, {2, 4}, f64);
  for (Case c : cases) {
    SCOPED_TRACE(c.layer.summary());
    const std::vector<double> in = x.values(), out = c.layer(x).values();
    for (std::size_t i = 0; i < in.size(); ++i)
      EXPECT_NEAR(out[i], c.function(in[i]), 1e-12 * (1 + std::abs(in[i]))) << in[i];
    EXPECT_THAT([&](const Tensor& t) { return c.layer(t); }, HasCorrectGradients({x}));
  }
}

TEST(Activations, ShareAlongAnAxis) {
  const Tensor x = tensor({0, std::log(3), 0, 0}, {2, 2}, f64);
  EXPECT_THAT(Softmax()(x).values(),
              ElementsAre(DoubleNear(0.25, 1e-15), DoubleNear(0.75, 1e-15), DoubleNear(0.5, 1e-15), 0.5));
  EXPECT_THAT(Softmax(0)(x).values(), ElementsAre(0.5, DoubleNear(0.75, 1e-15), 0.5, DoubleNear(0.25, 1e-15)));
  EXPECT_THAT(LogSoftmax()(x).values()[0], DoubleNear(std::log(0.25), 1e-15));
  EXPECT_THROW(Softmax(2)(x), Error);
}

TEST(Activations, AreNamedInModels) {
  struct Model : Module {
    Gelu gelu{*this, "gelu"};
    LeakyRelu leaky{*this, "leaky", 0.3};
    Softmax shares{*this, "shares", 0};
    PRelu slopes{*this, "slopes", 3};
  };
  const Model model;
  EXPECT_EQ(model.gelu.describe(), "Gelu 'gelu'");
  EXPECT_EQ(model.leaky.describe(), "LeakyRelu 'leaky'");
  EXPECT_EQ(model.shares.describe(), "Softmax 'shares'");
  EXPECT_EQ(model.parameter_count(), 3);
  EXPECT_FLOAT_EQ(static_cast<float>(model.leaky(tensor({-1})).item()), -0.3f);
}

TEST(PRelu, HasASlopeForEachChannel) {
  PRelu layer(2, {.dtype = f64});
  layer.weight.copy_from(tensor({0.5, 2}, f64));
  EXPECT_THAT(layer(tensor({-1, 3, -1, 4, -2, -6, 1, -3}, {2, 2, 2}, f64)).values(),
              ElementsAre(-0.5, 3, -2, 4, -1, -3, 1, -6));
  sum(layer(tensor({-1, 3, -1, 4, -2, -6, 1, -3}, {2, 2, 2}, f64))).backward();
  EXPECT_THAT(layer.weight.grad().values(), ElementsAre(-9, -4));
  Rng rng(2);
  EXPECT_THAT([&](const Tensor& x) { return layer(x); },
              HasCorrectGradients({randn({2, 2, 3, 2}, f64, rng)}, {.order = 2}));
  EXPECT_THAT(message_of([&] { layer(zeros({4, 3}, f64)); }), HasSubstr("PRelu: input [4, 3], expected [B, 2, ...]"));
  EXPECT_THROW(PRelu(0), ValueError);
  EXPECT_EQ(PRelu()(full({}, -4)).item(), -1);
}

}  // namespace
}  // namespace tapegrad::nn
