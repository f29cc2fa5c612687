#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/train/calibration.hpp>

#include "../message_of.hpp"

namespace tapegrad::train {
namespace {

using ::testing::HasSubstr;

/// Logits of these probabilities of class 1.
Tensor logits_of(const std::vector<double>& probabilities) {
  std::vector<double> logits;
  for (const double p : probabilities) logits.insert(logits.end(), {std::log(1 - p), std::log(p)});
  return reshape(copy_of(logits), {std::ssize(probabilities), 2});
}

TEST(Calibration, ErrorIsTheMeanDistanceOfTheBins) {
  // In the bin of 0.9: four answers, of which three are right. In that of 0.6: two, of which none is; one answers 0.
  const Tensor logits = logits_of({0.9, 0.9, 0.9, 0.9, 0.6, 0.4}), classes = tensor({1, 1, 0, 1, 0, 1}, i64);
  const auto metric = calibration_error(10)->fresh();
  metric->update(logits, classes);
  EXPECT_NEAR(metric->value().value(), (4 * std::abs(0.75 - 0.9) + 2 * 0.6) / 6, 1e-12);
  EXPECT_FALSE(metric->higher_is_better());
  metric->update(logits_of({0.5}), tensor({-1}, i64));
  EXPECT_NEAR(metric->value().value(), 1.8 / 6, 1e-12) << "a negative class does not count";

  const auto one = calibration_error(1)->fresh(), restored = calibration_error(10)->fresh();
  one->update(logits, classes);
  EXPECT_NEAR(one->value().value(), std::abs(3 - 4.8) / 6, 1e-12);
  restored->restore(metric->state());
  EXPECT_EQ(restored->value(), metric->value());
  EXPECT_THROW(restored->restore(one->state()), ValueError);
  EXPECT_EQ(calibration_error()->fresh()->value(), std::nullopt);
  EXPECT_THROW(calibration_error(0), ValueError);
  one->update(tensor({1, 2}), tensor({1, 2}));
  EXPECT_EQ(one->value(), std::nullopt) << "of no classes";
  metric->update(logits * std::numeric_limits<double>::quiet_NaN(), classes);
  EXPECT_TRUE(std::isnan(metric->value().value()));
}

/// `count` answers with a margin of 3, of which `right` are right.
double temperature(int count, int right, double factor = 1) {
  std::vector<double> logits;
  std::vector<std::int64_t> classes;
  for (int i = 0; i < count; ++i) {
    logits.insert(logits.end(), {0, 3 * factor});
    classes.push_back(i < right);
  }
  return fit_temperature(reshape(copy_of(logits), {count, 2}), copy_of(classes));
}

TEST(Calibration, TemperatureIsTheLikeliest) {
  // What the answers' negative log-likelihood and the prior come to.
  const auto cost = [](double count, double right, double t) {
    const double sure = 1 / (1 + std::exp(-3 / t)), prior = std::log(t) / std::log(2.0);
    return -right * std::log(sure) - (count - right) * std::log(1 - sure) + prior * prior / 2;
  };
  for (const auto& [count, right] : {std::pair{10, 8}, {10, 10}, {3, 0}, {1000, 999}}) {
    const double t = temperature(count, right);
    EXPECT_LT(cost(count, right, t), cost(count, right, t * 1.001)) << count << ' ' << right;
    EXPECT_LT(cost(count, right, t), cost(count, right, t / 1.001)) << count << ' ' << right;
  }
  EXPECT_NEAR(temperature(20'000, 16'000), 3 / std::log(4.0), 1e-3) << "many samples outweigh the prior";
  EXPECT_NEAR(temperature(20'000, 16'000, 7), 21 / std::log(4.0), 2e-2);
  EXPECT_GT(temperature(10, 10), 0.7) << "ten right answers make nobody sure";
}

TEST(Calibration, SaysWhatIsWrong) {
  EXPECT_THAT(message_of([] { fit_temperature(zeros({2, 2}), zeros({2})); }), HasSubstr("classes [N]"));
  EXPECT_THAT(message_of([] { fit_temperature(zeros({1, 2}), tensor({-1}, i64)); }), HasSubstr("no samples"));
  EXPECT_THAT(message_of([] { fit_temperature(tensor({NAN, 0}, {1, 2}), tensor({0}, i64)); }), HasSubstr("not finite"));
}

}  // namespace
}  // namespace tapegrad::train
