#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "../message_of.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(InPlace, OverwritesWhatIsNotRecorded) {
  Tensor x = tensor({1, 2, 3}, f64);
  const Tensor other = x;
  const std::uint32_t before = x.version();
  add_(x, 1);
  mul_(x, tensor({2, 3, 4}, f64));
  sub_(x, 1);
  div_(x, 2);
  EXPECT_THAT(x.values(), ElementsAre(1.5, 4, 7.5));
  EXPECT_THAT(other.values(), ElementsAre(1.5, 4, 7.5)) << "another handle sees the change";
  EXPECT_EQ(x.version(), before + 4);
  EXPECT_TRUE(x.same_as(other));
}

TEST(InPlace, OperatorsAreTheSame) {
  Tensor x = tensor({1, 2}, f64);
  x += 3;
  x *= x;
  x -= tensor({1}, f64);
  x /= 5;
  EXPECT_THAT(x.values(), ElementsAre(3, 4.8));
}

TEST(InPlace, WritesThroughAView) {
  const Tensor base = tensor({1, 2, 3, 4, 5, 6}, {2, 3}, f64);
  Tensor turned = transpose(base);
  add_(turned, tensor({10, 20, 30}, {3, 1}, f64));
  EXPECT_THAT(base.values(), ElementsAre(11, 22, 33, 14, 25, 36));
}

TEST(InPlace, TakesItsOwnTranspose) {
  Tensor x = tensor({1, 2, 3, 4}, {2, 2}, f64);
  add_(x, transpose(x));
  EXPECT_THAT(x.values(), ElementsAre(2, 5, 5, 8));
}

TEST(InPlace, KeepsDtypeAndZeroSize) {
  Tensor whole = tensor({1, 2}, i64);
  add_(whole, 1);
  EXPECT_EQ(whole.dtype(), i64);
  EXPECT_THAT(whole.values(), ElementsAre(2, 3));
  Tensor none = zeros({0, 3});
  EXPECT_EQ(mul_(none, 2).shape(), (Shape{0, 3}));
}

TEST(InPlace, KeepsItsPrecision) {
  const Tensor w = parameter(tensor({2}, f64));
  Tensor x = tensor({1}, f32);
  mul_(x, tensor({3}, f64));
  EXPECT_EQ(x.dtype(), f32);
  mul_(x, w);
  EXPECT_EQ(x.dtype(), f32);
  sum(x).backward();
  EXPECT_THAT(w.grad().values(), ElementsAre(3));
}

TEST(InPlace, UpdatesAParameterUnderNoGrad) {
  Tensor w = parameter(tensor({1, 2}, f64));
  sum(w * w).backward();
  {
    const NoGrad off;
    sub_(w, w.grad() * 0.5);
  }
  EXPECT_THAT(w.values(), ElementsAre(0, 0));
  EXPECT_TRUE(w.is_leaf() && w.requires_grad());
}

TEST(InPlace, RecordedChangesHaveRightGradients) {
  const Tensor w = parameter(tensor({2, 3}, f64));
  Tensor x = w * w;  // the product saves w
  const Tensor saved = exp(x);
  const Tensor old = x;
  mul_(x, w);
  add_(x, 1);
  div_(x, w);  // w² + 1 / w
  EXPECT_THAT(old.values(), ElementsAre(4, 9)) << "the old value stays with its other handles";
  sum(x + saved * 0).backward();
  EXPECT_DOUBLE_EQ(w.grad().at({0}), 4 - 1.0 / 4);
  EXPECT_DOUBLE_EQ(w.grad().at({1}), 6 - 1.0 / 9);
}

TEST(InPlace, AConstantBecomesARecordedResult) {
  const Tensor w = parameter(tensor({2, 3}, f64));
  Tensor total = zeros({2}, f64);
  for (int i = 1; i <= 3; ++i) total += w * i;
  EXPECT_THAT(total.values(), ElementsAre(12, 18));
  sum(total).backward();
  EXPECT_THAT(w.grad().values(), ElementsAre(6, 6));
}

TEST(InPlace, AGraphThatSavedTheOldValueRefuses) {
  const Tensor w = parameter(tensor({2, 3}, f64));
  Tensor x = tensor({4, 5}, f64);
  const Tensor loss = sum(w * x);
  add_(x, 1);
  EXPECT_THAT(message_of<GraphError>([&] { loss.backward(); }), HasSubstr("changed in place"));

  Tensor hidden = w * 2;
  const Tensor squares = sum(hidden * hidden);
  {
    const NoGrad off;
    mul_(hidden, 0);
  }
  EXPECT_THAT(message_of<GraphError>([&] { squares.backward(); }), HasSubstr("changed in place"));
}

TEST(InPlace, RefusesWhatCannotBe) {
  Tensor w = parameter(tensor({2, 3}, f64), "weight");
  EXPECT_THAT(message_of<GraphError>([&] { w += 1; }), HasSubstr("add_: f64 [2] 'weight' is a parameter"));
  Tensor row = tensor({1, 2}, f64);
  EXPECT_THAT(message_of<ShapeError>([&] {
                mul_(row, zeros({3, 2}, f64));
              }),
              HasSubstr("mul_: f64 [3, 2] does not broadcast to f64 [2]"));
  Tensor whole = tensor({1, 2}, i64);
  EXPECT_THAT(message_of<DTypeError>([&] { div_(whole, 2); }), HasSubstr("div_: the result is f32, and i64 [2]"));
  EXPECT_THAT(whole.values(), ElementsAre(1, 2));
  EXPECT_THAT(row.values(), ElementsAre(1, 2));
}

}  // namespace
}  // namespace tapegrad::tests
