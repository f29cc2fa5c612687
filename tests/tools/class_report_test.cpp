#include "class_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tapegrad::tools {
namespace {

TEST(ClassReport, CountsByHand) {
  const std::vector<std::int64_t> predicted{0, 0, 1, 1, 0};
  const std::vector<std::int32_t> labels{0, 1, 1, 1, 2};
  const ClassReport report = class_report(predicted, labels, {"a", "b", "c"});
  EXPECT_DOUBLE_EQ(report.accuracy, 3.0 / 5);
  EXPECT_DOUBLE_EQ(report.classes[0].precision, 1.0 / 3);
  EXPECT_DOUBLE_EQ(report.classes[0].recall, 1);
  EXPECT_DOUBLE_EQ(report.classes[0].f1, 0.5);
  EXPECT_DOUBLE_EQ(report.classes[1].precision, 1);
  EXPECT_DOUBLE_EQ(report.classes[1].recall, 2.0 / 3);
  EXPECT_EQ(report.classes[2].rows, 1);
  EXPECT_EQ(report.classes[2].f1, 0);
}

TEST(ClassReport, HasALineAClass) {
  const ClassReport report = class_report(std::vector<std::int64_t>{0}, std::vector<std::int32_t>{0}, {"the only one"});
  EXPECT_EQ(to_text(report),
            "class         samples  precision  recall      F1\n"
            "the only one        1     1.0000  1.0000  1.0000\n");
}

TEST(ClassReport, OfNothingIsZero) {
  const ClassReport report = class_report({}, {}, {"a"});
  EXPECT_EQ(report.accuracy, 0);
  EXPECT_EQ(report.classes[0].precision, 0);
}

}  // namespace
}  // namespace tapegrad::tools
