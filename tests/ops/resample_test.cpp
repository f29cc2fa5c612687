#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/convolution.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

constexpr auto kLinear = Interpolation::linear;

Tensor cube(const Tensor& t) { return t * t * t; }

TEST(Interpolate, KeepsTheCornersOrTheAreas) {
  const Tensor line = tensor({0, 10, 40}, {1, 1, 3}, f64);
  EXPECT_THAT(interpolate(line, {.size = 5, .mode = kLinear, .align_corners = true}).values(),
              ElementsAre(0, 5, 10, 25, 40));
  EXPECT_THAT(interpolate(line, {.scale_factor = 2, .mode = kLinear}).values(),
              ElementsAre(0, 2.5, 7.5, 17.5, 32.5, 40));
  EXPECT_THAT(interpolate(line, {.scale_factor = 2}).values(), ElementsAre(0, 0, 10, 10, 40, 40));
  EXPECT_THAT(interpolate(line, {.size = 2}).values(), ElementsAre(0, 10));
  EXPECT_THAT(interpolate(line, {.size = 1, .mode = kLinear, .align_corners = true}).values(), ElementsAre(0));
  const Tensor square = tensor({0, 1, 2, 3}, {1, 1, 2, 2}, f64);
  EXPECT_THAT(interpolate(square, {.size = {2, 3}, .mode = kLinear, .align_corners = true}).values(),
              ElementsAre(0, 0.5, 1, 2, 2.5, 3));
}

TEST(Interpolate, AgreesWithProductsOfMatricesToTheThirdOrder) {
  Rng rng(3);
  // Each axis' map as a dense matrix: what it makes of unit vectors.
  const auto matrix = [](std::int64_t in, std::int64_t out, Interpolation mode, bool corners) {
    return reshape(
        interpolate(reshape(eye(in, f64), {in, 1, in}), {.size = out, .mode = mode, .align_corners = corners}),
        {in, out});
  };
  for (const bool corners : {false, true})
    for (const Interpolation mode : {Interpolation::nearest, kLinear}) {
      const Tensor rows = matrix(3, 5, mode, corners), columns = matrix(4, 3, mode, corners);
      expect_twins(
          [&](const Tensor& t) {
            return cube(interpolate(t, {.size = {5, 3}, .mode = mode, .align_corners = corners}));
          },
          [&](const Tensor& t) { return cube(matmul(matmul(transpose(rows), t), columns)); },
          randn({1, 2, 3, 4}, f64, rng), 3);
    }
}

TEST(Interpolate, RefusesWhatItCannotDo) {
  const Tensor x = zeros({1, 1, 4});
  EXPECT_THROW(interpolate(x, {}), ValueError);
  EXPECT_THROW(interpolate(x, {.size = 2, .scale_factor = 2}), ValueError);
  EXPECT_THROW(interpolate(x, {.scale_factor = -1}), ValueError);
  EXPECT_THROW(interpolate(zeros({4}), {.size = 2}), ShapeError);
}

TEST(Unfold, MakesConvolutionAProduct) {
  Rng rng(4);
  const Tensor x = randn({2, 3, 7, 6}, f64, rng), w = randn({4, 3, 3, 2}, f64, rng);
  const Tensor columns = unfold(x, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}});
  const Tensor y = conv2d(x, w, {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}});
  EXPECT_THAT(matmul(reshape(w, {4, -1}), columns).values(), Pointwise(DoubleNear(1e-13), y.values()));
}

TEST(Unfold, FoldIsItsAdjoint) {
  Rng rng(5);
  const UnfoldOptions options{.stride = 2, .padding = 1, .dilation = 2};
  const Tensor x = randn({2, 3, 8, 7}, f64, rng);
  const Tensor columns = unfold(x, 3, options), g = randn(columns.shape(), f64, rng);
  EXPECT_NEAR(sum(columns * g).item(), sum(x * fold(g, {8, 7}, 3, options)).item(), 1e-11);
  // Windows that do not overlap come back as they were.
  EXPECT_EQ(fold(unfold(x, {4, 7}, {.stride = {4, 7}}), {8, 7}, {4, 7}, {.stride = {4, 7}}).values(), x.values());
  expect_twins(
      [](const Tensor& t) {
        return cube(mean(reshape(unfold(t, 2, {.stride = 2}), {1, 2, 4, -1}), {2}));
      },
      [](const Tensor& t) { return cube(flatten(avg_pool2d(t, 2), 2)); }, randn({1, 2, 4, 4}, f64, rng), 3);
}

TEST(Resample, HasTheSameBitsOnAnyNumberOfThreads) {
  Rng rng(6);
  const Tensor x = parameter(randn({8, 8, 40, 40}, f32, rng));
  const int before = num_threads();
  std::vector<std::vector<double>> values;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const Tensor y = interpolate(x, {.size = {50, 30}, .mode = kLinear});
    values.push_back(y.values());
    values.push_back(grad(sum(y * y) + sum(cube(unfold(x, 3))), x).values());
  }
  set_num_threads(before);
  for (std::size_t i = 2; i < values.size(); ++i) EXPECT_EQ(values[i], values[i % 2]);
}

}  // namespace
}  // namespace tapegrad::tests
