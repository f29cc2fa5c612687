#include <gmock/gmock.h>

#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/optim/metric.hpp>

namespace tapegrad::optim {
namespace {

std::optional<double> value_of(const std::shared_ptr<const Metric>& metric, const Tensor& outputs,
                               const Tensor& targets) {
  const auto fresh = metric->fresh();
  fresh->update(outputs, targets);
  return fresh->value();
}

TEST(Metric, AccuracyCountsTheLargestOutput) {
  const Tensor outputs = tensor({3, 1, 2, /**/ 0, 5, 5, /**/ 9, 8, 7}, {3, 3});
  EXPECT_EQ(value_of(accuracy(), outputs, tensor({0, 1, 2}, i64)), 2.0 / 3);
  EXPECT_EQ(value_of(accuracy(), outputs, tensor({0, 2, 2}, i32)), 1.0 / 3) << "ties go to the first";
  EXPECT_EQ(value_of(top_k_accuracy(2), outputs, tensor({2, 2, 2}, i64)), 2.0 / 3);
  EXPECT_EQ(value_of(accuracy(), outputs, tensor({0, -100, 2}, i64)), 0.5) << "ignored samples do not count";
  EXPECT_EQ(value_of(accuracy(), outputs, tensor({0.9, 0.1, 0, 0, 1, 0, 0, 0, 1}, {3, 3})), 2.0 / 3);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(value_of(accuracy(), tensor({nan, 1}, {1, 2}), tensor({1}, i64)), 0);
  EXPECT_EQ(value_of(accuracy(), tensor({nan, 1}, {1, 2}), tensor({0}, i64)), 0);
  EXPECT_EQ(value_of(accuracy(), tensor({1, 2}, {2, 1}), tensor({1, 2}, {2})), std::nullopt) << "no classes";
  EXPECT_THROW(top_k_accuracy(0), ValueError);
}

TEST(Metric, OfNumbers) {
  EXPECT_EQ(value_of(rmse(), tensor({1, 5}), tensor({1, 1})), std::sqrt(8.0));
  EXPECT_EQ(value_of(binary_accuracy(), tensor({-1, 2, 3}), tensor({0, 1, 0})), 2.0 / 3);
  EXPECT_EQ(rmse()->value(), std::nullopt);
}

TEST(Metric, GathersOverBatches) {
  const auto metric = accuracy()->fresh();
  metric->update(tensor({1, 0}, {1, 2}), tensor({0}, i64));
  metric->update(tensor({1, 0, 0, 1, 1, 0}, {3, 2}), tensor({1, 0, 0}, i64));
  EXPECT_EQ(metric->value(), 0.5);
  EXPECT_EQ(metric->fresh()->value(), std::nullopt);
}

}  // namespace
}  // namespace tapegrad::optim
