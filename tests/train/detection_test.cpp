// Average precision against values by hand, as COCO's definition gives them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/train/detection.hpp>

namespace tapegrad::train {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Detections found(const std::vector<float>& boxes, const std::vector<float>& scores,
                 const std::vector<std::int64_t>& classes) {
  const auto count = std::ssize(scores);
  return {copy_of(boxes, Shape{count, 4}), copy_of(scores, Shape{count}), copy_of(classes, Shape{count})};
}
Tensor objects(const std::vector<float>& numbers) { return copy_of(numbers, Shape{std::ssize(numbers) / 5, 5}); }

TEST(AveragePrecision, OfOneClassByHand) {
  // By falling score: right, wrong, right, of three objects. Recall 1/3 at precision 1, 2/3 at 2/3; the third object
  // is never found. Of the recalls 0 to 1, 34 are at most 1/3 and 33 more at most 2/3.
  AveragePrecision precision(1);
  precision.add(found({0, 0, 10, 10, 50, 50, 60, 60}, {0.9F, 0.8F}, {0, 0}), objects({0, 0, 10, 10, 0}));
  precision.add(found({20, 20, 30, 30}, {0.5F}, {0}), objects({20, 20, 30, 30, 0, 70, 70, 90, 90, 0}));
  const double expected = (34 + 33 * 2.0 / 3) / 101;
  EXPECT_NEAR(precision.at_half(), expected, 1e-12);
  EXPECT_NEAR(precision.mean(), expected, 1e-12) << "the boxes are exact, so that all overlaps agree";
  EXPECT_EQ(precision.objects(0), 3);
}

TEST(AveragePrecision, AsksForOverlap) {
  // 8 of 10 wide: an overlap of 0.8, which counts at 0.5 to 0.8.
  AveragePrecision precision(1);
  precision.add(found({0, 0, 8, 10}, {0.9F}, {0}), objects({0, 0, 10, 10, 0}));
  EXPECT_THAT(precision.of_class(0), ElementsAre(1, 1, 1, 1, 1, 1, 1, 0, 0, 0));
  EXPECT_DOUBLE_EQ(precision.at_half(), 1);
  EXPECT_DOUBLE_EQ(precision.mean(), 0.7);
}

TEST(AveragePrecision, TakesEachObjectOnce) {
  // The second one finds what is taken, and is wrong; the third takes the object that it overlaps most of those left.
  AveragePrecision precision(1);
  precision.add(found({0, 0, 10, 10, 0, 0, 10, 10, 0, 0, 10, 9}, {0.9F, 0.8F, 0.7F}, {0, 0, 0}),
                objects({0, 0, 10, 10, 0, 0, 0, 10, 7, 0}));
  // Of the second detection, 0.7 of the other object's box is enough up to 0.7; then the third finds none.
  EXPECT_THAT(precision.of_class(0)[0], DoubleNear(1, 1e-12));
  // At 0.75 the second is wrong, and the third, 7 / 9 of it, right: precision 1, then 2 / 3 for recalls above a half.
  EXPECT_THAT(precision.of_class(0)[5], DoubleNear((51 + 50 * 2.0 / 3) / 101, 1e-12));
}

TEST(AveragePrecision, IsAMeanOverClassesThatOccur) {
  AveragePrecision precision(3);
  // Class 1 is found; class 0 is taken for class 1, and class 2 does not occur, though it is found once.
  precision.add(found({0, 0, 4, 4, 8, 8, 9, 9, 20, 20, 30, 30}, {0.9F, 0.3F, 0.2F}, {1, 1, 2}),
                objects({0, 0, 4, 4, 1, 8, 8, 9, 9, 0}));
  EXPECT_EQ(precision.of_class(0)[0], 0);
  EXPECT_EQ(precision.of_class(1)[0], 1);
  EXPECT_TRUE(std::isnan(precision.of_class(2)[0]));
  EXPECT_EQ(precision.at_half(), 0.5);
  EXPECT_TRUE(std::isnan(AveragePrecision(2).mean()));
}

TEST(AveragePrecision, SaysWhatIsWrong) {
  AveragePrecision precision(2);
  EXPECT_THAT(
      [&] {
        precision.add(found({}, {}, {}), zeros({1, 4}));
      },
      ThrowsMessage<ShapeError>(HasSubstr("objects are [1, 4]; expected [n, 5]")));
  EXPECT_THAT(
      [&] {
        precision.add(found({}, {}, {}), objects({0, 0, 1, 1, 2}));
      },
      ThrowsMessage<IndexError>(HasSubstr("class 2; there are 2")));
  EXPECT_THROW(AveragePrecision(0), ValueError);
}

}  // namespace
}  // namespace tapegrad::train
