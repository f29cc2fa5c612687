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
    for (const Interpolation mode :
         {Interpolation::nearest, Interpolation::nearest_exact, kLinear, Interpolation::cubic, Interpolation::area}) {
      const Tensor rows = matrix(3, 5, mode, corners), columns = matrix(4, 3, mode, corners);
      expect_twins(
          [&](const Tensor& t) {
            return cube(interpolate(t, {.size = {5, 3}, .mode = mode, .align_corners = corners}));
          },
          [&](const Tensor& t) { return cube(matmul(matmul(transpose(rows), t), columns)); },
          randn({1, 2, 3, 4}, f64, rng), 3);
    }
}

const Tensor& image() {
  static const Tensor x = tensor({1, 5, 2, 0, 4, 4, 3, -1, 7, 6, -2, 8}, {1, 1, 3, 4}, f64);
  return x;
}

// Values of PyTorch 1.13.
TEST(Interpolate, AgreesWithPyTorch) {
  const auto values = [](Interpolation mode, const PerAxis& size, bool corners = false) {
    return interpolate(image(), {.size = size, .mode = mode, .align_corners = corners}).values();
  };
  const auto are = [](const std::vector<double>& wanted) { return Pointwise(DoubleNear(1e-9), wanted); };
  EXPECT_THAT(values(Interpolation::cubic, {2, 5}),
              are({1.3841376953, 4.0838212891, 4.1221923828, 1.3269404297, -0.7218964844, 6.4813105469, 6.466140625,
                   1.6206054688, 0.354, 6.3363183594}));
  EXPECT_THAT(values(Interpolation::cubic, {2, 5}, true),
              are({1, 4.41015625, 4.0625, 1.23046875, 0, 7, 7.0703125, 0.96875, -0.578125, 8}));
  EXPECT_THAT(values(Interpolation::area, {2, 3}), are({3.5, 3.5, 1, 5.25, 2.75, 2}));
  EXPECT_THAT(values(Interpolation::nearest_exact, {2, 5}), are({1, 5, 2, 2, 0, 7, 6, -2, -2, 8}));
}

TEST(Interpolate, RefusesWhatItCannotDo) {
  const Tensor x = zeros({1, 1, 4});
  EXPECT_THROW(interpolate(x, {}), ValueError);
  EXPECT_THROW(interpolate(x, {.size = 2, .scale_factor = 2}), ValueError);
  EXPECT_THROW(interpolate(x, {.scale_factor = -1}), ValueError);
  EXPECT_THROW(interpolate(zeros({4}), {.size = 2}), ShapeError);
}

TEST(PixelShuffle, MovesChannelsIntoSpaceAndBack) {
  const Tensor x = reshape(arange(8, f64), {1, 4, 1, 2});
  EXPECT_THAT(pixel_shuffle(x, 2).values(), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_EQ(pixel_unshuffle(pixel_shuffle(x, 2), 2).values(), x.values());
  EXPECT_EQ(pixel_shuffle(zeros({2, 18, 2, 3}), 3).shape(), (Shape{2, 2, 6, 9}));
  EXPECT_THROW(pixel_shuffle(zeros({1, 6, 1, 1}), 2), ShapeError);
  EXPECT_THROW(pixel_shuffle(zeros({4, 1, 1}), 2), ShapeError);
  EXPECT_THROW(pixel_unshuffle(zeros({1, 1, 3, 4}), 2), ShapeError);
  EXPECT_THROW(pixel_shuffle(x, 0), ValueError);
}

// Values and gradients of PyTorch 1.13: the places' weights are 1 to 5.
TEST(GridSample, AgreesWithPyTorch) {
  struct Case {
    GridSampleOptions options;
    std::vector<double> values, slopes;
  };
  constexpr auto kNearest = Interpolation::nearest;
  const Case cases[] = {
      {{}, {1.855, -1.5, 0, 3.5, 0}, {5.3, 3.15, 34.4, -15, 0, 0, -8, -9, 0, 0}},
      {{.align_corners = true}, {3.28, 0.65, 0, 3.5, 0}, {1.8, 2.4, -15.6, -8.25, 0, 0, -6, -6, 0, 0}},
      {{.outside = Outside::border}, {2.65, -1.5, 0, 3.5, 4.45}, {0, 4.5, 34.4, -15, 0, 0, -8, -9, 0, 22.5}},
      {{.outside = Outside::border, .align_corners = true},
       {3.28, 0.65, 0, 3.5, 4.3},
       {1.8, 2.4, -15.6, -8.25, 0, 0, -6, -6, 0, 15}},
      {{.outside = Outside::reflect}, {2.65, -1.5, 0.12, 3.5, 0.92}, {0, 4.5, 34.4, -15, 13.2, 3.6, -8, -9, 19, 36}},
      {{.outside = Outside::reflect, .align_corners = true},
       {3.28, 0.65, 0.86, 3.5, 1.46},
       {1.8, 2.4, -15.6, -8.25, 12.6, 0.3, -6, -6, 19.5, 3}},
      {{.mode = kNearest}, {4, -2, 0, 3, 0}, {}},
      {{.mode = kNearest, .outside = Outside::border}, {4, -2, 0, 3, 4}, {}},
      {{.mode = kNearest, .outside = Outside::reflect}, {4, -2, 0, 3, -1}, {}},
      {{.mode = kNearest, .outside = Outside::reflect, .align_corners = true}, {4, -2, 0, 3, 3}, {}}};
  const Tensor weights = tensor({1, 2, 3, 4, 5}, {1, 1, 1, 5}, f64);
  for (const Case& c : cases) {
    const Tensor grid = parameter(tensor({-0.9, -0.3, 0.25, 0.6, 1.3, -1.4, 0, 0, -2.6, 0.1}, {1, 1, 5, 2}, f64)),
                 x = parameter(image());
    const Tensor y = grid_sample(x, grid, c.options);
    EXPECT_THAT(y.values(), Pointwise(DoubleNear(1e-9), c.values));
    sum(y * weights).backward();
    if (!c.slopes.empty()) {
      EXPECT_THAT(grid.grad().values(), Pointwise(DoubleNear(1e-9), c.slopes));
    }
    // It is linear in x.
    EXPECT_NEAR(sum(x.grad() * x).item(), sum(y * weights).item(), 1e-9);
  }
}

TEST(GridSample, GivesNothingForNaN) {
  const Tensor grid = parameter(tensor({NAN, 0}, {1, 1, 1, 2}, f64)), y = grid_sample(image(), grid);
  EXPECT_THAT(y.values(), ElementsAre(0));
  EXPECT_THAT(grad(sum(y), grid).values(), ElementsAre(0, 0));
}

TEST(GridSample, SamplesVolumesAtThePlacesOfAnAffineGrid) {
  Rng rng(8);
  const Tensor x = randn({2, 3, 2, 4, 3}, f64, rng);
  const Tensor same = tensor({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}, {1, 3, 4}, f64);
  for (const bool corners : {false, true}) {
    const Tensor grid = affine_grid(broadcast_to(same, {2, 3, 4}), x.shape(), corners);
    EXPECT_THAT(grid_sample(x, grid, {.align_corners = corners}).values(), Pointwise(DoubleNear(1e-12), x.values()));
  }
  const Tensor theta = tensor({1, 0.5, 0.1, 0, 2, -0.3}, {1, 2, 3}, f64);
  const auto are = [](const std::vector<double>& wanted) { return Pointwise(DoubleNear(1e-9), wanted); };
  EXPECT_THAT(affine_grid(theta, {1, 1, 2, 3}).values(), are({-0.8166666667, -1.3, -0.15, -1.3, 0.5166666667, -1.3,
                                                              -0.3166666667, 0.7, 0.35, 0.7, 1.0166666667, 0.7}));
  EXPECT_THAT(affine_grid(theta, {1, 1, 2, 3}, true).values(),
              are({-1.4, -2.3, -0.4, -2.3, 0.6, -2.3, -0.4, 1.7, 0.6, 1.7, 1.6, 1.7}));
}

TEST(GridSample, RefusesWhatItCannotDo) {
  EXPECT_THROW(grid_sample(image(), zeros({1, 2, 2, 3}, f64)), ShapeError);
  EXPECT_THROW(grid_sample(image(), zeros({2, 2, 2, 2}, f64)), ShapeError);
  EXPECT_THROW(grid_sample(image(), zeros({1, 2, 2, 2}, f32)), DTypeError);
  EXPECT_THROW(grid_sample(zeros({1, 1, 0, 2}), zeros({1, 2, 2, 2})), ShapeError);
  EXPECT_THROW(grid_sample(image(), zeros({1, 2, 2, 2}, f64), {.mode = Interpolation::cubic}), ValueError);
  EXPECT_THROW(affine_grid(zeros({1, 2, 2}), {1, 1, 2, 2}), ShapeError);
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
