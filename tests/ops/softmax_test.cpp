#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

Tensor composed_softmax(const Tensor& x, int axis) {
  const Tensor e = exp(x);
  return e / sum(e, {axis}, true);
}

TEST(Glu, GatesTheFirstHalfByTheSecond) {
  const Tensor x = parameter(tensor({1, 2, 0, 0, 3, 4, 0, 0}, {2, 4}, f64));
  EXPECT_THAT(glu(x).values(), ElementsAre(0.5, 1, 1.5, 2));
  EXPECT_THAT(grad(sum(glu(x)), x).values(), ElementsAre(0.5, 0.5, 0.25, 0.5, 0.5, 0.5, 0.75, 1));
  EXPECT_EQ(glu(x, 0).shape(), (Shape{1, 4}));
  EXPECT_THROW(glu(zeros({3})), ShapeError);
  EXPECT_THROW(glu(scalar(1)), ValueError);
}

TEST(Softmax, AgreesWithItsCompositionToTheThirdOrder) {
  Rng rng(3);
  for (const int axis : {0, 1, 2}) {
    const Tensor x = randn({2, 3, 2}, f64, rng);
    expect_twins([&](const Tensor& t) { return softmax(t, axis); },
                 [&](const Tensor& t) { return composed_softmax(t, axis); }, x, 3);
    expect_twins([&](const Tensor& t) { return log_softmax(t, axis); },
                 [&](const Tensor& t) { return log(composed_softmax(t, axis)); }, x, 3);
  }
}

TEST(Softmax, CoversManyRowsColumnsAndLongLanes) {
  Rng rng(4);
  for (const Shape& shape : {Shape{300, 7}, Shape{2, 5000}, Shape{3, 9, 300}, Shape{2, 700, 5}, Shape{1, 1}})
    for (const DType dtype : {f32, f64}) {
      const Tensor x = randn(shape, dtype, rng) * 3;
      const int axis = shape.rank() == 3 ? 1 : -1;
      const double bound = dtype == f32 ? 2e-6 : 1e-14;
      const auto fused = softmax(x, axis).values(), wanted = composed_softmax(cast(x, f64), axis).values();
      const auto logs = log_softmax(x, axis).values();
      for (std::size_t i = 0; i < fused.size(); ++i) {
        ASSERT_NEAR(fused[i], wanted[i], bound) << to_string(shape) << " element " << i;
        ASSERT_NEAR(logs[i], std::log(wanted[i]), 10 * bound) << to_string(shape) << " element " << i;
      }
    }
}

TEST(Softmax, TakesInfinitiesAsLimits) {
  const double cases[][2] = {{-kInf, -kInf}, {kInf, 0}, {kInf, kInf}, {-kInf, 0}, {1e4, -1e4}};
  const double wanted[][2] = {{0, 0}, {1, 0}, {0.5, 0.5}, {0, 1}, {1, 0}};
  for (int i = 0; i < 5; ++i) {
    for (const Shape& shape : {Shape{1, 2}, Shape{2, 1}}) {
      const Tensor x = parameter(tensor({cases[i][0], cases[i][1]}, shape, f64));
      const Tensor y = softmax(x, shape[0] == 1 ? 1 : 0);
      EXPECT_THAT(y.values(), ElementsAre(wanted[i][0], wanted[i][1])) << i;
      EXPECT_THAT(grad(sum(y * y), x).values(), Each(0)) << i;
    }
  }
  EXPECT_THAT(log_softmax(tensor({kInf, 0}, f64)).values(), ElementsAre(0, -kInf));
  EXPECT_THAT(log_softmax(tensor({-kInf, -kInf}, f64)).values(), Each(-kInf));
  EXPECT_THAT(log_softmax(tensor({1e4, -1e4}, f64)).values(), ElementsAre(0, -2e4));
  EXPECT_THAT(softmax(tensor({0, kNan, -kInf}, f64)).values(), Each(::testing::IsNan()));
}

TEST(Softmax, HasTheSameBitsOnAnyNumberOfThreads) {
  Rng rng(5);
  const Tensor x = parameter(randn({1000, 100}, f32, rng));
  const Tensor targets = randint(0, 100, {1000}, rng);
  const int before = num_threads();
  std::vector<std::vector<double>> values;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    values.push_back(softmax(x).values());
    values.push_back(grad(cross_entropy(x, targets), x).values());
  }
  set_num_threads(before);
  for (std::size_t i = 2; i < values.size(); ++i) EXPECT_EQ(values[i], values[i % 2]);
}

TEST(Softmax, KeepsItsDigitsWhereOneShareIsNearlyOne) {
  const double rest = 4.248354255291589e-18;  // exp(-40)
  for (const DType dtype : {f32, f64})
    for (const int axis : {0, 1}) {
      const Shape shape = axis == 1 ? Shape{1, 3} : Shape{3, 1};
      const Tensor x = parameter(reshape(tensor({-800, 40, 0}, dtype), shape));
      const auto expect = [&](const Tensor& y, std::int64_t element, double value, double slope, double other) {
        const double got = y.values()[static_cast<std::size_t>(element)];
        if (value != 0) {
          EXPECT_NEAR(got, value, 1e-5 * std::abs(value));
        }
        Tensor one = zeros(y.shape(), dtype);
        dispatch_floating(dtype, [&]<class T>() { one.mutable_data<T>()[static_cast<std::size_t>(element)] = 1; });
        const std::vector<double> slopes = grad({&y, 1}, {&x, 1}, {&one, 1})[0].values();
        EXPECT_NEAR(slopes[1], slope, 1e-5 * std::abs(slope));
        EXPECT_NEAR(slopes[2], other, 1e-5 * std::abs(other));
      };
      expect(softmax(x, axis), 1, 1, rest, -rest);
      expect(log_softmax(x, axis), 1, -rest, rest, -rest);
      expect(logsumexp(x - 40, {axis}), 0, rest, 1, rest);
    }
}

TEST(CrossEntropy, KeepsItsDigitsWhereItIsNearlyCertain) {
  const double rest = 4.248354255291589e-18;
  for (const DType dtype : {f32, f64}) {
    const Tensor x = parameter(tensor({40, 0, 0, 40}, {2, 2}, dtype));
    const Tensor loss = cross_entropy(x, tensor({0, 1}, i64), {.reduction = Reduce::sum});
    EXPECT_NEAR(loss.item(), 2 * rest, 1e-5 * rest);
    const std::vector<double> slopes = grad(loss, x).values();
    for (const int i : {0, 3}) EXPECT_NEAR(slopes[static_cast<std::size_t>(i)], -rest, 1e-5 * rest);
    for (const int i : {1, 2}) EXPECT_NEAR(slopes[static_cast<std::size_t>(i)], rest, 1e-5 * rest);
  }
}

}  // namespace
}  // namespace tapegrad::tests
