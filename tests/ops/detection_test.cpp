// Boxes, their overlaps, suppression and focal loss, against values by hand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/detection.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad::tests {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::ThrowsMessage;

TEST(Boxes, OverlapByHand) {
  // Two squares of 4 that share a quarter each: 1 / 7. Around both: 9, of which 2 are covered by neither.
  const Tensor a = tensor({0, 0, 2, 2}, {1, 4}, f64), b = tensor({1, 1, 3, 3}, {1, 4}, f64);
  EXPECT_DOUBLE_EQ(box_iou(a, b).item(), 1.0 / 7);
  EXPECT_DOUBLE_EQ(generalized_box_iou(a, b).item(), 1.0 / 7 - 2.0 / 9);
  EXPECT_DOUBLE_EQ(giou_loss(a, b).item(), 1 - 1.0 / 7 + 2.0 / 9);
  // Apart by 1: a strip of 5, of which 4 are covered; farther apart is worse.
  const Tensor strip = tensor({0, 0, 2, 1}, f64), beyond = tensor({3, 0, 5, 1}, f64);
  EXPECT_EQ(box_iou(strip, beyond).item(), 0);
  EXPECT_DOUBLE_EQ(generalized_box_iou(strip, beyond).item(), -0.2);
  EXPECT_EQ(box_iou(a, a).item(), 1);
  EXPECT_EQ(generalized_box_iou(a, a).item(), 1);
  // One within the other, one without an area, and two of them in one place.
  EXPECT_EQ(box_iou(a, tensor({0, 0, 1, 1}, {1, 4}, f64)).item(), 0.25);
  EXPECT_EQ(box_iou(a, tensor({1, 1, 0, 2}, {1, 4}, f64)).item(), 0);
  EXPECT_EQ(generalized_box_iou(zeros({4}, f64), zeros({4}, f64)).item(), 0);
}

TEST(Boxes, PairsBroadcast) {
  const Tensor a = tensor({{0, 0, 2, 2}, {0, 0, 1, 1}}), b = tensor({{0, 0, 2, 2}, {1, 1, 3, 3}, {5, 5, 6, 6}});
  const Tensor all = box_iou(unsqueeze(a, 1), b);
  EXPECT_EQ(all.shape(), (Shape{2, 3}));
  EXPECT_THAT(all.values(), Pointwise(DoubleNear(1e-7), {1.0, 1.0 / 7, 0.0, 0.25, 0.0, 0.0}));
}

TEST(Boxes, HaveCorrectGradients) {
  const Tensor a = tensor({{0.1, 0.2, 2.3, 2.2}, {0, 0, 1, 1}, {3, 1, 4.5, 2}}, f64);
  const Tensor b = tensor({{1, 1.1, 3, 2.9}, {2.5, 0.3, 4, 1.4}, {3.1, 1.2, 4.1, 1.9}}, f64);
  EXPECT_THAT(box_iou, HasCorrectGradients({a, b}));
  EXPECT_THAT(generalized_box_iou, HasCorrectGradients({a, b}));
  // Two empty boxes: no gradient, not NaN.
  const Tensor nothing = parameter(zeros({1, 4}, f64));
  EXPECT_THAT(grad(giou_loss(nothing, zeros({1, 4}, f64)), nothing).values(), ElementsAre(0, 0, 0, 0));
}

TEST(FocalLoss, ByHand) {
  // p = 0.8: of a target of 1, 0.2² · -ln 0.8; of 0, 0.8² · -ln 0.2; of 0.6, 0.2² · (-0.6 ln 0.8 - 0.4 ln 0.2).
  const Tensor logits = full({3}, std::log(4), f64), targets = tensor({1, 0, 0.6}, f64);
  const double good = -std::log(0.8), bad = -std::log(0.2);
  EXPECT_THAT(focal_loss(logits, targets, {.reduction = Reduce::none}).values(),
              Pointwise(DoubleNear(1e-12), {0.04 * good, 0.64 * bad, 0.04 * (0.6 * good + 0.4 * bad)}));
  EXPECT_THAT(focal_loss(logits, targets, {.gamma = 0, .alpha = 0.25, .reduction = Reduce::none}).values(),
              Pointwise(DoubleNear(1e-12), {0.25 * good, 0.75 * bad, 0.45 * (0.6 * good + 0.4 * bad)}));
  EXPECT_THAT(focal_loss(logits, targets, {.gamma = 1, .reduction = Reduce::none}).values(),
              Pointwise(DoubleNear(1e-12), {0.2 * good, 0.8 * bad, 0.2 * (0.6 * good + 0.4 * bad)}));
}

TEST(FocalLoss, HasCorrectGradients) {
  Rng rng(3);
  const Tensor logits = randn({2, 3}, f64, rng), targets = rand({2, 3}, 0.1, 0.9, f64, rng);
  for (const double gamma : {0.0, 1.5, 2.0})
    EXPECT_THAT(([&](const Tensor& x) { return focal_loss(x, targets, {.gamma = gamma, .alpha = 0.3}); }),
                HasCorrectGradients({logits}, {.order = 2}));
  // Nothing is lost, nor NaN, where a logit is large.
  EXPECT_EQ(focal_loss(full({1}, 200.0), ones({1})).item(), 0);
  EXPECT_EQ(focal_loss(full({1}, -200.0), ones({1})).item(), 200);
}

TEST(NonMaximumSuppression, KeepsTheHighestOfThoseThatOverlap) {
  // 1 overlaps 0 by 0.6, and 2 by 1 / 3; 2 and 0 by 1 / 7.
  const Tensor boxes = tensor({{0, 0, 4, 4}, {1, 0, 5, 4}, {3, 0, 7, 4}, {20, 20, 24, 24}});
  const Tensor scores = tensor({0.8, 0.9, 0.7, 0.1});
  EXPECT_THAT(non_maximum_suppression(boxes, scores, 0.5).values(), ElementsAre(1, 2, 3));
  EXPECT_THAT(non_maximum_suppression(boxes, scores, 0.3).values(), ElementsAre(1, 3));
  // 0 is suppressed by nobody once 1 is gone, and suppresses 2 at 0.1.
  EXPECT_THAT(non_maximum_suppression(boxes, tensor({0.9, 0.8, 0.7, 0.1}), 0.5).values(), ElementsAre(0, 2, 3));
  EXPECT_THAT(non_maximum_suppression(boxes, scores, 0.5, tensor({0, 1, 0, 0}, i64)).values(), ElementsAre(1, 0, 2, 3));
  EXPECT_THAT(non_maximum_suppression(boxes, scores, 1).values(), ElementsAre(1, 0, 2, 3));
  // Of equal ones the first.
  EXPECT_THAT(non_maximum_suppression(tensor({{0, 0, 1, 1}, {0, 0, 1, 1}}), ones({2}), 0.5).values(), ElementsAre(0));
  EXPECT_EQ(non_maximum_suppression(zeros({0, 4}), zeros({0}), 0.5).shape(), (Shape{0}));
}

TEST(Boxes, SayWhatIsWrong) {
  EXPECT_THAT(
      [] {
        box_iou(zeros({2, 4}), zeros({2, 5}));
      },
      ThrowsMessage<ShapeError>(HasSubstr("box_iou: b is [2, 5]; boxes are [..., 4]: left, top, right, bottom")));
  EXPECT_THAT(
      [] {
        giou_loss(zeros({2, 4}), zeros({4}));
      },
      ThrowsMessage<ShapeError>(HasSubstr("giou_loss: the prediction is [2, 4], the target [4]")));
  EXPECT_THAT([] { focal_loss(zeros({2}), zeros({2}), {.alpha = 2}); },
              ThrowsMessage<ValueError>(HasSubstr("focal_loss: alpha is 2.0")));
  EXPECT_THAT([] { focal_loss(zeros({2}), zeros({2}), {.gamma = -1}); }, ThrowsMessage<ValueError>(HasSubstr("gamma")));
  EXPECT_THAT([] { focal_loss(zeros({2}), zeros({3})); }, ThrowsMessage<ShapeError>(HasSubstr("[3]")));
  EXPECT_THAT(
      [] {
        non_maximum_suppression(zeros({2, 4}), zeros({3}), 0.5);
      },
      ThrowsMessage<ShapeError>(HasSubstr("scores are [3]; expected [2], one a box")));
  EXPECT_THAT(
      [] {
        non_maximum_suppression(zeros({2, 4}), tensor({0, std::nan("")}), 0.5);
      },
      ThrowsMessage<ValueError>(HasSubstr("row 1 has a NaN")));
}

}  // namespace
}  // namespace tapegrad::tests
