#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
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

TEST(Calibration, TemperatureIsOfMaximumLikelihood) {
  // Ten answers of logit 3, eight of them right: sigmoid(3 / T) is the mean target, each of which is 11/12 or 1/12.
  std::vector<double> logits;
  std::vector<std::int64_t> classes;
  for (int i = 0; i < 10; ++i) {
    logits.insert(logits.end(), {0, 3});
    classes.push_back(i < 8);
  }
  const double share = (8 * 11. + 2) / 120;
  const Tensor all = reshape(copy_of(logits), {10, 2}), targets = copy_of(classes);
  EXPECT_NEAR(fit_temperature(all, targets), 3 / std::log(share / (1 - share)), 1e-9);
  EXPECT_NEAR(fit_temperature(all * 7, targets), 21 / std::log(share / (1 - share)), 1e-8);
  EXPECT_NEAR(fit_temperature(all, ones({10}, i64)), 3 / std::log(11.), 1e-9) << "all right, but not sure for that";
}

TEST(Calibration, SaysWhatIsWrong) {
  EXPECT_THAT(message_of([] { fit_temperature(zeros({2, 2}), zeros({2})); }), HasSubstr("classes [N]"));
  EXPECT_THAT(message_of([] { fit_temperature(zeros({1, 2}), tensor({-1}, i64)); }), HasSubstr("no samples"));
  EXPECT_THAT(message_of([] { fit_temperature(tensor({NAN, 0}, {1, 2}), tensor({0}, i64)); }), HasSubstr("not finite"));
}

}  // namespace
}  // namespace tapegrad::train
