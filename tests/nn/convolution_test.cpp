#include <tapegrad/nn/convolution.hpp>

#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Conv, HasHandComputedValues) {
  Conv1d layer(1, 2, 2, {.stride = 2, .padding = 1, .dtype = f64});
  layer.weight.copy_from(tensor({1, 2, -1, 1}, Shape{2, 1, 2}, f64));
  layer.bias.copy_from(tensor({0, 10}, f64));
  // 0 3 | 5 7 | 9 0 in windows of two.
  EXPECT_THAT(layer(tensor({3, 5, 7, 9}, {1, 1, 4}, f64)).values(), ElementsAre(6, 19, 9, 13, 12, 1));
}

TEST(Conv, IsTheSumOverItsWindows) {
  Rng rng(1);
  Conv2d layer(3, 2, {2, 3}, {.stride = {2, 1}, .padding = {1, 0}, .dtype = f64, .rng = &rng});
  layer.bias.copy_from(randn({2}, f64, rng));
  const Tensor x = randn({2, 3, 4, 5}, f64, rng), y = layer(x);
  ASSERT_EQ(y.shape(), (Shape{2, 2, 3, 3}));
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t o = 0; o < 2; ++o)
      for (std::int64_t i = 0; i < 3; ++i)
        for (std::int64_t j = 0; j < 3; ++j) {
          double wanted = layer.bias.at({o});
          for (std::int64_t c = 0; c < 3; ++c)
            for (std::int64_t a = 0; a < 2; ++a)
              for (std::int64_t b = 0; b < 3; ++b) {
                const std::int64_t row = 2 * i - 1 + a;
                if (row >= 0 && row < 4) wanted += layer.weight.at({o, c, a, b}) * x.at({n, c, row, j + b});
              }
          EXPECT_NEAR(y.at({n, o, i, j}), wanted, 1e-12);
        }
}

TEST(Conv, HasCorrectGradients) {
  Rng rng(2);
  Conv3d deep(2, 2, 2, {.groups = 2, .dtype = f64, .rng = &rng});
  EXPECT_THAT([&](const Tensor& x) { return deep(x); }, HasCorrectGradients({randn({1, 2, 2, 3, 2}, f64, rng)}));
  Conv2d same(1, 2, 3, {.padding = Padding::same(), .dtype = f64, .rng = &rng});
  EXPECT_EQ(same(zeros({1, 1, 4, 5}, f64)).shape(), (Shape{1, 2, 4, 5}));
  EXPECT_THAT([&](const Tensor& x) { return same(x); }, HasCorrectGradients({randn({1, 1, 3, 3}, f64, rng)}));
}

TEST(ConvTranspose, IsTheAdjointOfTheConvolution) {
  Rng rng(3);
  Conv2d down(2, 3, 3, {.stride = 2, .padding = 1, .bias = false, .dtype = f64, .rng = &rng});
  ConvTranspose2d up(3, 2, 3, {.stride = 2, .padding = 1, .bias = false, .dtype = f64});
  up.weight.copy_from(down.weight);
  const Tensor x = randn({1, 2, 5, 5}, f64, rng), y = randn({1, 3, 3, 3}, f64, rng);
  EXPECT_NEAR(sum(down(x) * y).item(), sum(x * up(y)).item(), 1e-10);
  EXPECT_THAT([&](const Tensor& v) { return up(v); }, HasCorrectGradients({randn({1, 3, 2, 2}, f64, rng)}));
  ConvTranspose1d line(1, 1, 2, {.stride = 2});
  line.weight.fill(1);
  EXPECT_THAT(line(tensor({1, 2}, {1, 1, 2})).values(), ElementsAre(1, 1, 2, 2));
}

TEST(Conv, SaysWhatDoesNotFit) {
  Conv2d layer(3, 4, 3);
  EXPECT_EQ(layer.summary().find("Conv<"), std::string::npos);
  EXPECT_THAT(message_of([&] {
                layer(zeros({1, 2, 8, 8}));
              }),
              HasSubstr("Conv2d: input [1, 2, 8, 8], expected [B, 3] and 2 spatial axes"));
  EXPECT_THAT(message_of([&] { layer(zeros({3, 8, 8})); }), HasSubstr("input [3, 8, 8]"));
  EXPECT_THROW(Conv2d(3, 4, {3, 3, 3}), ValueError);
  EXPECT_THROW(Conv2d(3, 4, 0), ValueError);
  EXPECT_THROW(Conv2d(3, 4, 3, {.groups = 2}), ValueError);
  EXPECT_THROW(ConvTranspose1d(0, 4, 3), ValueError);
}

}  // namespace
}  // namespace tapegrad::nn
