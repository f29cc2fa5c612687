#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/convolution.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

struct Case {
  Shape x, w;
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
};

ConvOptions options_of(const Case& c, const Tensor& bias = {}) {
  return {.bias = bias, .stride = c.stride, .padding = c.padding, .dilation = c.dilation, .groups = c.groups};
}

Tensor conv(const Tensor& x, const Tensor& w, const ConvOptions& options) {
  return x.rank() == 3 ? conv1d(x, w, options) : x.rank() == 4 ? conv2d(x, w, options) : conv3d(x, w, options);
}

/// A product of matrices for each element of the window: primitives only.
Tensor composed(const Tensor& x, const Tensor& w, const Tensor& bias, const Case& c) {
  const int axes = x.rank() - 2;
  const Tensor padded = pad(x, std::vector<Pad>(static_cast<std::size_t>(axes), Pad{c.padding, c.padding}));
  std::vector<std::int64_t> out{x.shape()[0], w.shape()[0]};
  for (int a = 2; a < x.rank(); ++a)
    out.push_back((padded.shape()[a] - c.dilation * (w.shape()[a] - 1) - 1) / c.stride + 1);
  const std::int64_t rows = w.shape()[0] / c.groups, channels = w.shape()[1];
  const Tensor kernels = reshape(w, {c.groups, rows, channels, -1});
  Tensor sum_of_all;
  for (std::int64_t k = 0; k < kernels.shape()[3]; ++k) {
    Tensor seen = padded;
    std::int64_t rest = k;
    for (int a = x.rank() - 1; a >= 2; --a) {
      const std::int64_t begin = rest % w.shape()[a] * c.dilation;
      rest /= w.shape()[a];
      seen = slice(seen, a, begin, begin + (out[static_cast<std::size_t>(a)] - 1) * c.stride + 1, c.stride);
    }
    const Tensor term = matmul(select(kernels, 3, k), reshape(seen, {out[0], c.groups, channels, -1}));
    sum_of_all = sum_of_all.defined() ? sum_of_all + term : term;
  }
  const Tensor y = reshape(sum_of_all, {out[0], out[1], -1}) + reshape(bias, {-1, 1});
  return reshape(y, Shape(out));
}

const Case kCases[] = {
    {{2, 3, 9}, {4, 3, 3}},
    {{3, 4, 11}, {6, 2, 4}, 2, 3, 2, 2},
    {{2, 3, 8, 7}, {5, 3, 3, 3}, 1, 1},
    {{2, 3, 9, 10}, {5, 3, 3, 2}, 2, 1},
    {{1, 4, 9, 9}, {4, 1, 3, 3}, 1, 2, 2, 4},
    {{2, 16, 6, 7}, {32, 16, 1, 1}},
    {{2, 6, 5, 5}, {9, 2, 5, 5}, 3, 4, 1, 3},
    {{2, 2, 5, 6, 4}, {3, 2, 2, 3, 2}, 2, 1},
    {{13, 32, 14, 14}, {48, 32, 3, 3}, 1, 1},
    {{5, 64, 12, 12}, {64, 1, 3, 3}, 1, 1, 1, 64},
};

TEST(Convolution, AgreesWithProductsOfMatrices) {
  Rng rng(3);
  for (const Case& c : kCases) {
    const Tensor x = parameter(randn(c.x, f64, rng)), w = parameter(randn(c.w, f64, rng));
    const Tensor bias = parameter(randn({c.w[0]}, f64, rng));
    const Tensor wanted = composed(x, w, bias, c);
    const Tensor g = randn(wanted.shape(), f64, rng);
    const std::array inputs{x, w, bias};
    const auto gradients = grad(std::array{wanted}, inputs, std::array{g});
    for (const DType dtype : {f64, f32}) {
      const std::array at{parameter(cast(x, dtype).detach()), parameter(cast(w, dtype).detach()),
                          parameter(cast(bias, dtype).detach())};
      const Tensor y = conv(at[0], at[1], options_of(c, at[2]));
      ASSERT_EQ(y.shape(), wanted.shape());
      const double bound = dtype == f64 ? 1e-11 : 2e-3;
      EXPECT_THAT(y.values(), Pointwise(DoubleNear(bound), wanted.values())) << to_string(c.x) << to_string(c.w);
      const auto got = grad(std::array{y}, at, std::array{cast(g, dtype)});
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_THAT(got[i].values(), Pointwise(DoubleNear(bound), gradients[i].values()))
            << to_string(c.x) << to_string(c.w) << " input " << i;
    }
  }
}

TEST(Convolution, AgreesWithItsCompositionToTheThirdOrder) {
  Rng rng(4);
  for (const Case& c : {Case{{1, 2, 5}, {2, 1, 2}, 2, 1, 1, 2}, Case{{1, 1, 3, 3}, {2, 1, 2, 2}, 1, 1, 2}}) {
    const auto parts = [&](const Tensor& flat) {
      const std::int64_t n = c.x.numel(), m = n + c.w.numel();
      // Squares, so that the third derivative is not 0.
      return std::array{reshape(square(slice(flat, 0, 0, n)), c.x), reshape(square(slice(flat, 0, n, m)), c.w),
                        square(slice(flat, 0, m))};
    };
    expect_twins(
        [&](const Tensor& t) {
          const auto p = parts(t);
          return conv(p[0], p[1], options_of(c, p[2]));
        },
        [&](const Tensor& t) {
          const auto p = parts(t);
          return composed(p[0], p[1], p[2], c);
        },
        randn({c.x.numel() + c.w.numel() + c.w[0]}, f64, rng), 3);
  }
}

TEST(Convolution, HasTheSameBitsOnAnyNumberOfThreads) {
  Rng rng(5);
  const int before = num_threads();
  for (const DType dtype : {f32, f64}) {
    const Tensor x = parameter(randn({21, 16, 14, 14}, dtype, rng)), w = parameter(randn({24, 16, 3, 3}, dtype, rng));
    std::vector<std::vector<double>> values;
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      const Tensor y = conv2d(x, w, {.padding = 1});
      const auto gradients = grad(std::array{sum(y * y)}, std::array{x, w});
      values.push_back(y.values());
      values.push_back(gradients[0].values());
      values.push_back(gradients[1].values());
    }
    for (std::size_t i = 3; i < values.size(); ++i) EXPECT_EQ(values[i], values[i % 3]) << i;
  }
  set_num_threads(before);
}

TEST(Convolution, PadsToTheSameExtent) {
  Rng rng(6);
  for (const std::int64_t extent : {7, 8})
    for (const std::int64_t window : {1, 2, 3, 4})
      for (const std::int64_t stride : {1, 2, 3}) {
        const Tensor x = randn({1, 1, extent, extent}, f64, rng), w = randn({1, 1, window, window}, f64, rng);
        const Tensor y = conv2d(x, w, {.stride = stride, .padding = Padding::same()});
        EXPECT_EQ(y.shape(), (Shape{1, 1, (extent + stride - 1) / stride, (extent + stride - 1) / stride}));
      }
  // An even window has one more zero behind than before.
  const Tensor y = conv1d(tensor({1, 2, 3}, {1, 1, 3}, f64), ones({1, 1, 2}, f64), {.padding = Padding::same()});
  EXPECT_THAT(y.values(), ElementsAre(3, 5, 3));
}

TEST(Convolution, TakesOneSampleWithoutABatch) {
  Rng rng(7);
  const Tensor x = randn({2, 5, 5}, f64, rng), w = randn({3, 2, 3, 3}, f64, rng);
  const Tensor y = conv2d(x, w, {.stride = {2, 1}, .padding = {0, 1}});
  EXPECT_EQ(y.shape(), (Shape{3, 2, 5}));
  EXPECT_EQ(y.values(), conv2d(unsqueeze(x, 0), w, {.stride = {2, 1}, .padding = {0, 1}}).values());
  EXPECT_EQ(conv_transpose2d(y, w, {.stride = {2, 1}, .padding = {0, 1}}).shape(), x.shape());
  EXPECT_THROW(conv2d(zeros({4, 4}), w), ShapeError);
  EXPECT_THROW(conv1d(zeros({1, 2, 5, 5}), w), ShapeError);
}

TEST(ConvTranspose, IsTheAdjoint) {
  Rng rng(8);
  for (const Case& c : kCases) {
    if (c.x.numel() > 2000) continue;
    const Tensor x = parameter(zeros(c.x, f64)), w = randn(c.w, f64, rng);
    const Tensor y = conv(x, w, options_of(c));
    const Tensor g = randn(y.shape(), f64, rng);
    std::vector<std::int64_t> rest;
    for (int a = 2; a < c.x.rank(); ++a)
      rest.push_back((c.x[a] + 2 * c.padding - c.dilation * (c.w[a] - 1) - 1) % c.stride);
    const ConvTransposeOptions options{
        .stride = c.stride, .padding = c.padding, .output_padding = rest, .dilation = c.dilation, .groups = c.groups};
    const Tensor back = c.x.rank() == 3   ? conv_transpose1d(g, w, options)
                        : c.x.rank() == 4 ? conv_transpose2d(g, w, options)
                                          : conv_transpose3d(g, w, options);
    EXPECT_EQ(back.shape(), c.x);
    EXPECT_EQ(back.values(), grad(std::array{y}, std::array{x}, std::array{g})[0].values());
  }
  // With a bias, on a case done by hand.
  const Tensor spread = conv_transpose1d(tensor({1, 2}, {1, 1, 2}, f64), tensor({1, 10}, {1, 1, 2}, f64),
                                         {.bias = tensor({0.5}, f64), .stride = 2});
  EXPECT_THAT(spread.values(), ElementsAre(1.5, 10.5, 2.5, 20.5));
}

}  // namespace
}  // namespace tapegrad::tests
