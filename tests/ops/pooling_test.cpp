#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsNan;
using ::testing::Pointwise;

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

Tensor cube(const Tensor& t) { return t * t * t; }

struct Case {
  std::int64_t kernel, stride, padding, dilation;
};

/// The elements of each window of x [N, C, H, W] along a new last axis.
Tensor windows(const Tensor& x, const Case& c, double outside) {
  const Tensor padded = pad(x, {{c.padding, c.padding}, {c.padding, c.padding}}, PadMode::constant, outside);
  const auto extent = [&](int axis) { return (padded.shape()[axis] - c.dilation * (c.kernel - 1) - 1) / c.stride + 1; };
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < c.kernel; ++i)
    for (std::int64_t j = 0; j < c.kernel; ++j) {
      const std::int64_t top = i * c.dilation, left = j * c.dilation;
      const Tensor rows = slice(padded, 2, top, top + (extent(2) - 1) * c.stride + 1, c.stride);
      parts.push_back(unsqueeze(slice(rows, 3, left, left + (extent(3) - 1) * c.stride + 1, c.stride), 4));
    }
  return concat(parts, 4);
}

const Case kCases[] = {{2, 2, 0, 1}, {3, 2, 1, 1}, {2, 1, 0, 1}, {3, 3, 0, 1},
                       {2, 3, 1, 2}, {1, 1, 0, 1}, {4, 4, 2, 1}};

TEST(MaxPool, AgreesWithTheLargestOfEachWindow) {
  Rng rng(3);
  for (const Case& c : kCases)
    for (const Shape& shape : {Shape{2, 3, 12, 12}, Shape{1, 2, 9, 7}, Shape{40, 5, 24, 18}}) {
      const Tensor x = parameter(randn(shape, f64, rng));
      const MaxPoolOptions options{.stride = c.stride, .padding = c.padding, .dilation = c.dilation};
      const Tensor y = max_pool2d(x, c.kernel, options), wanted = amax(windows(x, c, -kInf), {4});
      ASSERT_EQ(y.shape(), wanted.shape());
      EXPECT_EQ(y.values(), wanted.values());
      const Tensor g = randn(y.shape(), f64, rng);
      const auto gradient = [&](const Tensor& of, const Tensor& at, bool create_graph) {
        return grad(std::array{of}, std::array{at}, std::array{cast(g, of.dtype())},
                    {.retain_graph = true, .create_graph = create_graph})[0]
            .values();
      };
      EXPECT_THAT(gradient(y, x, false), Pointwise(DoubleNear(1e-13), gradient(wanted, x, false)));
      EXPECT_THAT(gradient(y, x, true), Pointwise(DoubleNear(1e-13), gradient(y, x, false)));
      const Tensor single = parameter(cast(x, f32).detach());
      const Tensor pooled = max_pool2d(single, c.kernel, options);
      EXPECT_THAT(gradient(pooled, single, false), Pointwise(DoubleNear(1e-5), gradient(y, x, false)));
    }
}

TEST(MaxPool, GivesTheGradientToTheFirstOfEqualElements) {
  const auto gradient = [](const Tensor& x, const PerAxis& kernel, std::int64_t stride) {
    const Tensor at = parameter(x);
    const Tensor y = max_pool2d(at, kernel, {.stride = stride});
    auto plain = grad(sum(y), at).values();
    const Tensor recorded = grad(sum(max_pool2d(at, kernel, {.stride = stride})), at, {.create_graph = true});
    EXPECT_EQ(recorded.shape(), x.shape());
    EXPECT_EQ(recorded.values(), plain);
    return plain;
  };
  EXPECT_THAT(gradient(tensor({1, 2, 2, 2}, {1, 2, 2}, f64), 2, 2), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(gradient(tensor({-kInf, -kInf, -kInf, -kInf}, {1, 2, 2}, f64), 2, 2), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(gradient(tensor({0, 3, 3, 3, 0, 3}, {1, 2, 3}, f64), 2, 1), ElementsAre(0, 2, 0, 0, 0, 0));
  const Tensor nan = tensor({5, kNan, kNan, 7}, {1, 2, 2}, f64);
  EXPECT_THAT(max_pool2d(nan, 2).values(), ElementsAre(IsNan()));
  EXPECT_THAT(gradient(nan, 2, 2), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(gradient(tensor({5, kNan, kNan, 7, 1, 2}, {1, 2, 3}, f64), 2, 1), ElementsAre(0, 2, 0, 0, 0, 0));
}

TEST(MaxPool, RoundsUpOnlyWhereAWindowIsLeft) {
  const Tensor x = tensor({1, 2, 3, 4, 5, 6}, {1, 6}, f64);
  EXPECT_THAT(max_pool1d(slice(x, 1, 0, 5), 3, {.stride = 2, .ceil_mode = true}).values(), ElementsAre(3, 5));
  EXPECT_THAT(max_pool1d(x, 3, {.stride = 2, .ceil_mode = true}).values(), ElementsAre(3, 5, 6));
  EXPECT_THAT(max_pool1d(x, 1, {.stride = 5}).values(), ElementsAre(1, 6));
}

TEST(Pooling, AgreesWithItsCompositionToTheThirdOrder) {
  Rng rng(4);
  const Tensor x = randn({1, 1, 4, 5}, f64, rng);
  for (const Case& c : {Case{2, 2, 0, 1}, Case{3, 2, 1, 1}}) {
    expect_twins(
        [&](const Tensor& t) { return cube(max_pool2d(t, c.kernel, {.stride = c.stride, .padding = c.padding})); },
        [&](const Tensor& t) { return cube(amax(windows(t, c, -kInf), {4})); }, x, 3);
    expect_twins(
        [&](const Tensor& t) { return cube(avg_pool2d(t, c.kernel, {.stride = c.stride, .padding = c.padding})); },
        [&](const Tensor& t) { return cube(mean(windows(t, c, 0), {4})); }, x, 3);
  }
  expect_twins(
      [](const Tensor& t) {
        return cube(adaptive_avg_pool2d(t, {2, 1}));
      },
      [](const Tensor& t) {
        return cube(mean(reshape(t, {1, 1, 2, 10}), {3}, true));
      },
      x, 3);
  expect_twins(
      [](const Tensor& t) {
        return cube(adaptive_max_pool2d(t, {2, 1}));
      },
      [](const Tensor& t) {
        return cube(amax(reshape(t, {1, 1, 2, 10}), {3}, true));
      },
      x, 3);
}

TEST(AvgPool, CountsThePaddingWhereAsked) {
  Rng rng(5);
  for (const Case& c : kCases) {
    if (c.dilation > 1) continue;
    const Tensor x = randn({2, 2, 9, 8}, f64, rng);
    const AvgPoolOptions with{.stride = c.stride, .padding = c.padding};
    EXPECT_THAT(avg_pool2d(x, c.kernel, with).values(),
                Pointwise(DoubleNear(1e-13), mean(windows(x, c, 0), {4}).values()));
    const AvgPoolOptions without{.stride = c.stride, .padding = c.padding, .count_include_pad = false};
    const Tensor counts = sum(windows(ones_like(x), c, 0), {4});
    EXPECT_THAT(avg_pool2d(x, c.kernel, without).values(),
                Pointwise(DoubleNear(1e-13), (sum(windows(x, c, 0), {4}) / counts).values()));
  }
}

TEST(Pooling, TakesOneToThreeAxesAndNoBatch) {
  Rng rng(6);
  const Tensor x = randn({2, 3, 4, 6, 5}, f64, rng);
  EXPECT_EQ(max_pool3d(x, {2, 3, 1}).shape(), (Shape{2, 3, 2, 2, 5}));
  EXPECT_EQ(avg_pool3d(x, 2, {.stride = 1}).shape(), (Shape{2, 3, 3, 5, 4}));
  EXPECT_EQ(max_pool1d(x[0][0], 2, {.ceil_mode = true}).shape(), (Shape{4, 6, 3}));
  EXPECT_EQ(avg_pool1d(x[0][0][0], 2, {.ceil_mode = true}).shape(), (Shape{6, 3}));
  EXPECT_EQ(adaptive_avg_pool1d(x[0][0], 3).shape(), (Shape{4, 6, 3}));
  EXPECT_EQ(adaptive_max_pool1d(x[0][0], 7).shape(), (Shape{4, 6, 7}));
  EXPECT_EQ(adaptive_max_pool3d(x, {1, 2, 3}).shape(), (Shape{2, 3, 1, 2, 3}));
  EXPECT_THAT(adaptive_avg_pool3d(x, 1).values(), Pointwise(DoubleNear(1e-13), mean(x, {2, 3, 4}).values()));
  EXPECT_EQ(max_pool2d(x[0][0], 2).values(), max_pool2d(x[0], 2)[0].values());
  EXPECT_THROW(max_pool2d(x, 2), ShapeError);
  // In ceil mode a window that would begin behind the input is left out.
  EXPECT_EQ(max_pool1d(randn({1, 1, 5}, f64, rng), 2, {.stride = 3, .padding = 1, .ceil_mode = true}).shape(),
            (Shape{1, 1, 2}));
  EXPECT_EQ(max_pool1d(randn({1, 1, 3}, f64, rng), 1, {.stride = 4, .ceil_mode = true}).shape(), (Shape{1, 1, 1}));
}

TEST(Pooling, DividesAxesIntoMorePartsThanTheyHaveElements) {
  const Tensor x = parameter(tensor({1, 2, 3}, {1, 1, 3}, f64));
  for (const auto pool : {adaptive_max_pool1d, adaptive_avg_pool1d}) {
    const Tensor y = pool(x, 6);
    EXPECT_THAT(y.values(), ElementsAre(1, 1, 2, 2, 3, 3));
    EXPECT_THAT(grad(sum(y), x).values(), ElementsAre(2, 2, 2));
  }
}

TEST(MaxUnpool, PutsTheLargestElementsBack) {
  const Tensor x = parameter(tensor({1, 5, 2, 0, 4, 4, 3, 9}, {1, 1, 2, 4}, f64));
  const Tensor pooled = max_pool2d(x, 2), positions = max_pool2d_positions(x, 2);
  EXPECT_THAT(positions.values(), ElementsAre(1, 7));
  const Tensor y = max_unpool(pooled, positions, {2, 4});
  EXPECT_THAT(y.values(), ElementsAre(0, 5, 0, 0, 0, 0, 0, 9));
  EXPECT_THAT(grad(sum(y * y), x).values(), ElementsAre(0, 10, 0, 0, 0, 0, 0, 18));
  EXPECT_THROW(max_unpool(pooled, positions, {1, 4}), IndexError);
  EXPECT_THROW(max_unpool(pooled, zeros({1, 1, 2, 4}, i64), {2, 4}), ShapeError);
  EXPECT_THROW(max_unpool(pooled, positions, {2, 2, 2}), ValueError);
}

TEST(Pooling, HasTheSameBitsOnAnyNumberOfThreads) {
  Rng rng(7);
  const Tensor x = parameter(randn({32, 16, 28, 28}, f32, rng));
  const int before = num_threads();
  std::vector<std::vector<double>> values;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const Tensor y = max_pool2d(x, 2) + avg_pool2d(x, 2);
    values.push_back(y.values());
    values.push_back(grad(sum(y * y), x).values());
  }
  set_num_threads(before);
  for (std::size_t i = 2; i < values.size(); ++i) EXPECT_EQ(values[i], values[i % 2]);
}

}  // namespace
}  // namespace tapegrad::tests
