#include <tapegrad/train/observers.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tapegrad::train {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(LineChart, EscapesNamesAndSkipsGaps) {
  const std::string svg = line_chart_svg("a <b> & c", "epoch", {{"loss", {{"train", {3, NAN, 1}}}}});
  EXPECT_THAT(svg, HasSubstr("a &lt;b> &amp; c"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, HasSubstr("<polyline"));
  EXPECT_THAT(svg, HasSubstr("<title>epoch 3: train 1</title>"));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme:dark"));
}

TEST(LineChart, DrawsConstantsSinglePointsAndNothing) {
  for (const std::vector<double>& values : {std::vector<double>{}, {5}, {2, 2, 2}, {INFINITY}}) {
    const std::string svg = line_chart_svg("t", "x", {{"p", {{"s", values}}}});
    EXPECT_THAT(svg, Not(HasSubstr("nan"))) << values.size();
    EXPECT_THAT(svg, Not(HasSubstr("inf"))) << values.size();
  }
}

}  // namespace
}  // namespace tapegrad::train
