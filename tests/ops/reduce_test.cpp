#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsNan;

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Reduce, FusedOpsAgreeWithTheirCompositions) {
  Rng rng(1);
  const Tensor x = randn({2, 3, 2}, f64, rng);
  for (const Axes& axes : {Axes{}, Axes{1}, Axes{0, 2}, Axes{-1}}) {
    const auto compare = [&](const Unary& fused, const Unary& composed) { expect_twins(fused, composed, x, 3); };
    compare([&](const Tensor& t) { return mean(t, axes); },
            [&](const Tensor& t) { return sum(t, axes) / sum(ones_like(t), axes); });
    compare([&](const Tensor& t) { return logsumexp(t, axes); },
            [&](const Tensor& t) { return log(sum(exp(t), axes)); });
    compare([&](const Tensor& t) { return prod(exp(t), axes); }, [&](const Tensor& t) { return exp(sum(t, axes)); });
    const auto variance = [&](const Tensor& t) {
      return sum(square(t - mean(t, axes, true)), axes) / (sum(ones_like(t), axes) - 1);
    };
    compare([&](const Tensor& t) { return var(t, axes); }, variance);
    compare([&](const Tensor& t) { return stddev(t, axes); }, [&](const Tensor& t) { return sqrt(variance(t)); });
    compare([&](const Tensor& t) { return norm(t, 2, axes); },
            [&](const Tensor& t) { return sqrt(sum(square(t), axes)); });
    compare([&](const Tensor& t) { return norm(t, 3, axes); },
            [&](const Tensor& t) { return pow(sum(square(t) * abs(t), axes), 1.0 / 3); });
  }
}

TEST(Reduce, LargeShapesInAnyDirection) {
  Rng rng(2);
  for (const Shape& shape : {Shape{3, 40000}, Shape{40000, 3}, Shape{7, 300, 50}, Shape{70000}}) {
    const Tensor x = randint(-100, 100, shape, rng);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      // Whole numbers below 2^24 add up exactly in any order.
      const auto wanted = sum(x, {axis}).values();
      EXPECT_EQ(sum(cast(x, f32), {axis}).values(), wanted) << to_string(shape) << axis;
      EXPECT_EQ(sum(cast(x, f64), {axis}).values(), wanted) << to_string(shape) << axis;
      const auto running = cumsum(x, axis);
      EXPECT_EQ(select(running, axis, -1).values(), wanted);
      EXPECT_EQ(cumsum(cast(x, f32), axis).values(), running.values());
      const Tensor largest = amax(x, {axis}, true);
      EXPECT_EQ(amax(cast(x, f32), {axis}, true).values(), largest.values());
      EXPECT_EQ(amin(-x, {axis}, true).values(), (-largest).values());
      EXPECT_EQ(count_nonzero(x >= largest, {axis}).values(), count_nonzero(x == largest, {axis}).values());
    }
  }
}

TEST(Reduce, SumsOfFloatsStayAccurate) {
  const Tensor x = full({1 << 20}, 0.1, f32);
  EXPECT_NEAR(sum(x).item(), 0.1 * (1 << 20), 0.1);
  EXPECT_NEAR(cumsum(x, 0).at({-1}), 0.1 * (1 << 20), 0.02);
}

TEST(Reduce, GivesTheSameBitsOnAnyNumberOfThreads) {
  Rng rng(3);
  const Tensor x = randn({600, 500}, f32, rng);
  const int before = num_threads();
  std::vector<std::vector<double>> seen;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    std::vector<double> all;
    for (const Tensor& t : {sum(x), sum(x, {0}), sum(x, {1}), stddev(x, {0}), norm(x), logsumexp(x), cumsum(x, 0)})
      for (const double v : t.values()) all.push_back(v);
    seen.push_back(all);
  }
  set_num_threads(before);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
}

TEST(Reduce, CountsAndTests) {
  const Tensor x = tensor({0, 1, kNan, 0, 0, 0}, {2, 3}, f64);
  EXPECT_THAT(count_nonzero(x, {1}).values(), ElementsAre(2, 0));
  EXPECT_THAT(any(x, {1}).values(), ElementsAre(1, 0));
  EXPECT_THAT(all(x, {0}).values(), ElementsAre(0, 0, 0));
  EXPECT_EQ(all(ones({3}, boolean)).item(), 1);
  EXPECT_EQ(any(zeros({0})).item(), 0);
  EXPECT_EQ(all(zeros({0})).item(), 1);
  EXPECT_EQ(sum(full({300}, 255, u8)).item(), 300 * 255);
  EXPECT_EQ(sum(x == 0, {0, 1}).dtype(), i64);
}

TEST(Reduce, OfNothing) {
  EXPECT_EQ(sum(zeros({0})).item(), 0);
  EXPECT_EQ(prod(zeros({0})).item(), 1);
  EXPECT_THAT(mean(zeros({0})).item(), IsNan());
  EXPECT_EQ(logsumexp(zeros({0})).item(), -kInf);
  EXPECT_EQ(norm(zeros({0})).item(), 0);
  EXPECT_THROW(amax(zeros({0})), ValueError);
  EXPECT_THROW(argmin(zeros({0, 2}), 0), ValueError);
  EXPECT_EQ(amax(zeros({0, 2}), {1}).shape(), Shape{0});
  const Tensor x = parameter(zeros({0, 3}));
  EXPECT_EQ(grad(sum(mean(x, {0})), x).shape(), (Shape{0, 3}));
}

TEST(Reduce, AScalarHasAxisZeroAsInNumPy) {
  const Tensor x = parameter(scalar(3, f64));
  for (const std::int64_t axis : {0, -1}) {
    const int one = static_cast<int>(axis);
    for (const bool keepdims : {false, true}) {
      for (const Tensor& y : {sum(x, {axis}, keepdims), mean(x, {axis}, keepdims), prod(x, {axis}, keepdims),
                              amax(x, {axis}, keepdims), amin(x, {axis}, keepdims), norm(x, 2, {axis}, keepdims),
                              logsumexp(x, {axis}, keepdims), max(x, one, keepdims).values}) {
        EXPECT_EQ(y.shape(), Shape{});
        EXPECT_EQ(y.item(), 3);
        EXPECT_EQ(grad(y, x).item(), 1);
      }
      EXPECT_EQ(argmax(x, one, keepdims).item(), 0);
      EXPECT_EQ(argmin(x, one, keepdims).shape(), Shape{});
      EXPECT_EQ(var(x, {axis}, keepdims, 0).item(), 0);
    }
  }
  EXPECT_THROW(sum(x, {1}), ValueError);
  EXPECT_THROW(sum(x, {-2}), ValueError);
  EXPECT_THROW(sum(x, {0, -1}), ValueError);
  EXPECT_THROW(argmax(x, 1), ValueError);
}

TEST(Reduce, PassesOverNaN) {
  const Tensor x = parameter(tensor({1, kNan, 3, kNan, kNan, kNan}, {2, 3}, f64));
  EXPECT_THAT(nansum(x, {1}).values(), ElementsAre(4, 0));
  EXPECT_THAT(nanmean(x, {1}).values(), ElementsAre(2, IsNan()));
  EXPECT_EQ(nanmean(x).item(), 2);
  EXPECT_THAT(grad(nansum(x), x).values(), ElementsAre(1, 0, 1, 0, 0, 0));
  EXPECT_THAT(grad(nanmean(x), x).values(), ElementsAre(0.5, 0, 0.5, 0, 0, 0));
  EXPECT_EQ(nansum(x, {0}, true).shape(), (Shape{1, 3}));
  EXPECT_EQ(nanmean(tensor({1, 2}, i64)).item(), 1.5);
  EXPECT_EQ(nansum(tensor({1, 1}, boolean)).dtype(), i64);
}

TEST(Scan, RunningExtremaAndTheirPlaces) {
  const Tensor x = parameter(tensor({1, 3, 3, 2, 5, 0, 4, 4}, {2, 4}, f64));
  const auto [values, indices] = cummax(x, 1);
  EXPECT_THAT(values.values(), ElementsAre(1, 3, 3, 3, 5, 5, 5, 5));
  EXPECT_THAT(indices.values(), ElementsAre(0, 1, 2, 2, 0, 0, 0, 0));
  EXPECT_THAT(grad(sum(values), x).values(), ElementsAre(1, 1, 2, 0, 4, 0, 0, 0));
  EXPECT_THAT(cummin(x, 0).values.values(), ElementsAre(1, 3, 3, 2, 1, 0, 3, 2));
  EXPECT_THAT(cummax(tensor({2, kNan, 3}, f64), 0).values.values(), ElementsAre(2, IsNan(), IsNan()));
  EXPECT_THAT(cummin(tensor({2, 1, 1}, u8), 0).values.values(), ElementsAre(2, 1, 1));
  EXPECT_EQ(cummax(zeros({0, 2}), 0).values.shape(), (Shape{0, 2}));
  expect_twins([](const Tensor& t) { return cummax(square(t), 1).values; },
               [](const Tensor& t) { return square(gather(t, 1, cummax(square(t), 1).indices)); }, x.detach(), 3);
}

TEST(Differences, OfNeighbours) {
  const Tensor x = parameter(tensor({1, 4, 9, 16, 25, 36}, {2, 3}, f64));
  EXPECT_THAT(diff(x).values(), ElementsAre(3, 5, 9, 11));
  EXPECT_THAT(diff(x, 2).values(), ElementsAre(2, 2));
  EXPECT_THAT(diff(x, 1, 0).values(), ElementsAre(15, 21, 27));
  EXPECT_EQ(diff(x, 0).values(), x.values());
  EXPECT_EQ(diff(x, 3).shape(), (Shape{2, 0}));
  EXPECT_EQ(diff(x, std::int64_t{1} << 60).shape(), (Shape{2, 0}));
  EXPECT_EQ(diff(zeros({2, 0})).shape(), (Shape{2, 0}));
  EXPECT_THAT(diff(tensor({1, 0, 0, 1}, boolean)).values(), ElementsAre(1, 0, 1));
  EXPECT_THAT(grad(sum(diff(x, 2)), x).values(), ElementsAre(1, -2, 1, 1, -2, 1));
  EXPECT_THROW(diff(x, -1), ValueError);
  EXPECT_THROW(diff(scalar(1)), ValueError);
}

TEST(Integrals, ByTrapezoids) {
  const Tensor y = parameter(tensor({1, 2, 3, 4, 5, 6}, {2, 3}, f64)), x = parameter(tensor({0, 1, 3}, f64));
  EXPECT_THAT(trapezoid(y).values(), ElementsAre(4, 10));
  EXPECT_THAT(trapezoid(y, 0, 2).values(), ElementsAre(5, 7, 9));
  EXPECT_THAT(trapezoid(y, x).values(), ElementsAre(6.5, 15.5));
  EXPECT_THAT(cumulative_trapezoid(y, x).values(), ElementsAre(1.5, 6.5, 4.5, 15.5));
  EXPECT_THAT(cumulative_trapezoid(y, -1, 0.5).values(), ElementsAre(0.75, 2, 2.25, 5));
  EXPECT_THAT(grad(sum(trapezoid(y, x)), y).values(), ElementsAre(0.5, 1.5, 1, 0.5, 1.5, 1));
  EXPECT_THAT(grad(sum(trapezoid(y, x)), x).values(), ElementsAre(-6, -2, 8));
  EXPECT_THAT(trapezoid(y, broadcast_to(x, {2, 3})).values(), ElementsAre(6.5, 15.5));
  EXPECT_EQ(trapezoid(tensor({1, 2}, i64)).item(), 1.5);
  EXPECT_EQ(trapezoid(full({2}, 3e38, f32)).item(), static_cast<double>(3e38f));
  EXPECT_THAT(trapezoid(zeros({2, 0})).values(), ElementsAre(0, 0));
  EXPECT_THROW(trapezoid(y, zeros({2})), ShapeError);
  EXPECT_THROW(trapezoid(y, zeros({3, 1})), ShapeError);
  EXPECT_THROW(trapezoid(y, x, 0), ShapeError);
}

TEST(Distances, AgreeWithTheNormOfDifferences) {
  Rng rng(6);
  const Tensor a = randn({2, 4, 3}, f64, rng), b = randn({5, 3}, f64, rng);
  for (const double p : {1.0, 2.0, 1.5, 3.0, kInf}) {
    const auto composed = [&](const Tensor& u, const Tensor& v) {
      return norm(unsqueeze(u, -2) - unsqueeze(v, -3), p, {-1});
    };
    expect_twins([&](const Tensor& t) { return cdist(t, b, p); }, [&](const Tensor& t) { return composed(t, b); }, a,
                 3);
    expect_twins([&](const Tensor& t) { return cdist(a, t, p); }, [&](const Tensor& t) { return composed(a, t); }, b,
                 3);
  }
  EXPECT_EQ(cdist(a, b).shape(), (Shape{2, 4, 5}));
  EXPECT_EQ(cdist(zeros({0, 3}), b).shape(), (Shape{0, 5}));
  EXPECT_THAT(cdist(tensor({3e30, 0}, {1, 2}), tensor({0, 4e30}, {1, 2})).item(), DoubleNear(5e30, 1e24));
  EXPECT_THROW(cdist(a, zeros({5, 2})), ShapeError);
  EXPECT_THROW(cdist(zeros({3}), b), ShapeError);
  EXPECT_THROW(cdist(a, b, -1), ValueError);

  const Tensor u = parameter(tensor({1, 2, 3, 4}, {2, 2}, f64)), v = tensor({1, 2}, f64);
  const Tensor apart = pairwise_distance(u, v, 1);
  EXPECT_THAT(apart.values(), ElementsAre(0, 4));
  EXPECT_THAT(grad(sum(apart), u).values(), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(grad(sum(pairwise_distance(u, v)), u).values()[0], 0);
  EXPECT_EQ(pairwise_distance(u, v, 2, true).shape(), (Shape{2, 1}));
}

TEST(Reduce, LogSumExpTakesInfinitiesAsLimits) {
  const Tensor nothing = parameter(full({3}, -kInf, f64));
  const Tensor y = logsumexp(nothing);
  EXPECT_EQ(y.item(), -kInf);
  EXPECT_THAT(grad(y, nothing).values(), Each(0));
  const Tensor huge = parameter(tensor({kInf, 0, kInf}, f64));
  EXPECT_EQ(logsumexp(huge).item(), kInf);
  EXPECT_THAT(grad(logsumexp(huge), huge).values(), ElementsAre(0.5, 0, 0.5));
  EXPECT_NEAR(logsumexp(tensor({1000, 1000}, f64)).item(), 1000 + std::log(2.0), 1e-12);
}

TEST(Reduce, ExtremaShareTiesAndFindTheFirst) {
  const Tensor x = parameter(tensor({3, 5, 5, 5}, {2, 2}, f64));
  EXPECT_THAT(grad(amax(x), x).values(),
              ElementsAre(0, DoubleNear(1. / 3, 1e-15), DoubleNear(1. / 3, 1e-15), DoubleNear(1. / 3, 1e-15)));
  EXPECT_EQ(argmax(x).item(), 1);
  const auto [values, indices] = max(x, 1);
  EXPECT_THAT(values.values(), ElementsAre(5, 5));
  EXPECT_THAT(indices.values(), ElementsAre(1, 0));
  const Tensor poisoned = parameter(tensor({9, kNan, 1}, f64));
  EXPECT_THAT(amax(poisoned).item(), IsNan());
  EXPECT_EQ(argmax(poisoned).item(), 1);
  EXPECT_EQ(argmin(poisoned).item(), 1);
  EXPECT_THAT(grad(amax(poisoned), poisoned).values(), ElementsAre(0, 1, 0));
  EXPECT_THAT(amax(tensor({1, kNan, 9, 2}, {2, 2}, f64), {0}).values(), ElementsAre(9, IsNan()));
  EXPECT_EQ(amax(tensor({1, 0}, boolean)).item(), 1);
}

TEST(Reduce, VarianceIsStableAndDefinedForFew) {
  // Spread 1e-3 around 1e6, which E[x²] - E[x]² cannot see in f64, and around 100 in f32.
  EXPECT_NEAR(var(tensor({1e6, 1e6 + 1e-3}, f64)).item(), 5e-7, 1e-11);
  const Tensor near = tensor({100, 100.001, 99.999, 100}, f32);
  EXPECT_NEAR(stddev(near).item(), 8.16e-4, 1e-5);
  const Tensor one = parameter(tensor({3}, f64));
  EXPECT_THAT(stddev(one).item(), IsNan());
  EXPECT_EQ(grad(stddev(one), one).shape(), Shape{1});
  EXPECT_EQ(stddev(one, {}, false, 0).item(), 0);
  EXPECT_THAT(grad(stddev(one, {}, false, 0), one).values(), Each(0));
  const Tensor constant = parameter(full({4}, 0.1, f64));
  const Tensor y = stddev(constant);
  EXPECT_EQ(y.item(), 0);
  const Tensor g = grad(y, constant, {.create_graph = true});
  EXPECT_THAT(g.values(), Each(0));
  EXPECT_THAT(grad(sum(g), constant).values(), Each(0));
}

TEST(Reduce, NormHasGradientZeroAtZeroAndDoesNotOverflow) {
  for (const double p : {0.5, 1., 1.5, 2., 3., kInf}) {
    const Tensor zero = parameter(zeros({3}, f64));
    const Tensor y = norm(zero, p);
    EXPECT_EQ(y.item(), 0) << p;
    const Tensor g = grad(y, zero, {.create_graph = true});
    EXPECT_THAT(g.values(), Each(0)) << p;
    if (g.requires_grad()) {
      EXPECT_THAT(grad(sum(g), zero).values(), Each(0)) << p;
    }
  }
  EXPECT_NEAR(norm(tensor({3e30, 4e30})).item(), 5e30, 1e24);
  EXPECT_DOUBLE_EQ(norm(tensor({3e200, 4e200}, f64)).item(), 5e200);
  EXPECT_DOUBLE_EQ(norm(tensor({3e-200, 4e-200}, f64)).item(), 5e-200);
  EXPECT_EQ(norm(tensor({1, -kInf}, f64)).item(), kInf);
  EXPECT_THAT(norm(tensor({1, kNan}, f64)).item(), IsNan());
}

TEST(Reduce, ProductsKeepTheirGradientAtZeros) {
  const Tensor x = parameter(tensor({0, 2, 3, 0, 5, 0}, {2, 3}, f64));
  EXPECT_THAT(grad(sum(prod(x, {1})), x).values(), ElementsAre(6, 0, 0, 0, 0, 0));
  const Tensor g = grad(sum(prod(x, {1})), x, {.create_graph = true});
  // d²(x₀x₁x₂): summed over each row's pairs.
  EXPECT_THAT(grad(sum(g), x).values(), ElementsAre(5, 3, 2, 5, 0, 5));
  EXPECT_EQ(prod(tensor({2, 3, 200}, u8)).item(), 1200);
}

TEST(Scan, ShiftsWithZeros) {
  const Tensor x = tensor({1, 2, 3}, f64);
  EXPECT_THAT(shift(x, 0, 1).values(), ElementsAre(0, 1, 2));
  EXPECT_THAT(shift(x, 0, -2).values(), ElementsAre(3, 0, 0));
  EXPECT_THAT(shift(x, 0, 5).values(), Each(0));
  EXPECT_THAT(shift(x, 0, 0).values(), ElementsAre(1, 2, 3));
}

TEST(Scan, AgreesWithItsCompositions) {
  Rng rng(4);
  const Tensor x = randn({2, 4}, f64, rng);
  expect_twins([](const Tensor& t) { return cumprod(exp(t), 1); }, [](const Tensor& t) { return exp(cumsum(t, 1)); }, x,
               3);
  expect_twins([](const Tensor& t) { return logcumsumexp(t, 1); },
               [](const Tensor& t) { return log(cumsum(exp(t), 1)); }, x, 3);
  expect_twins([](const Tensor& t) { return linear_scan(ones_like(t), t, 0); },
               [](const Tensor& t) { return cumsum(t, 0); }, x, 2);
  EXPECT_EQ(cumprod(x, 1, true).values()[0], 1);
}

TEST(Scan, LogCumSumExpTakesInfinitiesAsLimits) {
  const Tensor x = parameter(tensor({-kInf, -kInf, 1000, 1000, -kInf}, f64));
  const Tensor y = logcumsumexp(x, 0);
  EXPECT_THAT(y.values(), ElementsAre(-kInf, -kInf, 1000, 1000 + std::log(2.0), 1000 + std::log(2.0)));
  const BackwardOptions again{.retain_graph = true};
  EXPECT_THAT(grad(sum(slice(y, 0, 2)), x, again).values(),
              ElementsAre(0, 0, DoubleNear(2, 1e-12), DoubleNear(1, 1e-12), 0));
  EXPECT_THAT(grad(slice(y, 0, 0, 1), x).values(), Each(0));
}

}  // namespace
}  // namespace tapegrad::tests
