#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor six() { return tensor({1, 2, 3, 4, 5, 6}, {2, 3}, f64); }

TEST(Elements, WriteToMemoryThatIsNotRecorded) {
  Tensor x = six();
  const Tensor other = x, view = transpose(x);
  elements(x, 0) = 7;
  elements(x, 1, Slice{1, 3}) = tensor({8, 9}, f64);
  EXPECT_THAT(other.values(), ElementsAre(7, 7, 7, 4, 8, 9));
  EXPECT_THAT(view.contiguous().values(), ElementsAre(7, 4, 7, 8, 7, 9));
  elements(x, x > 7) += 1;
  elements(x, tensor({1, 0}, i64), tensor({0, 2}, i64)) = tensor({-1, -2}, f64);
  EXPECT_THAT(other.values(), ElementsAre(7, 7, -2, -1, 9, 10));
  elements(x, ellipsis, -1) *= 2;
  elements(x, 0) -= 1;
  elements(x, 1) /= 2;
  EXPECT_THAT(other.values(), ElementsAre(6, 6, -5, -0.5, 4.5, 10));
  elements(x, 0) = elements(x, 1);
  EXPECT_THAT(other.values(), ElementsAre(-0.5, 4.5, 10, -0.5, 4.5, 10));
  elements(x, x < -1e9) = 3;  // none
}

TEST(Elements, OfARecordedTensorMakeItANewValue) {
  const Tensor w = parameter(six(), "w");
  Tensor x = w * 2;
  const Tensor before = x;
  const Tensor y = parameter(tensor({10, 20, 30}, f64), "y");
  elements(x, 0) = y;
  elements(x, 1, 1) = 0;
  EXPECT_THAT(before.values(), ElementsAre(2, 4, 6, 8, 10, 12)) << "other handles keep the old value";
  EXPECT_THAT(x.values(), ElementsAre(10, 20, 30, 8, 0, 12));
  sum(x * x).backward();
  EXPECT_THAT(w.grad().values(), ElementsAre(0, 0, 0, 32, 0, 48));
  EXPECT_THAT(y.grad().values(), ElementsAre(20, 40, 60));
}

TEST(Elements, OfAConstantTakeARecordedValue) {
  const Tensor y = parameter(scalar(3, f64), "y");
  Tensor x = zeros({4}, f64);
  elements(x, Slice{1, 3}) = y;
  elements(x, 0) += y * 2;
  EXPECT_THAT(x.values(), ElementsAre(6, 3, 3, 0));
  sum(x).backward();
  EXPECT_THAT(y.grad().item(), 4);
}

TEST(Elements, NamedTwiceKeepTheLastValue) {
  const Tensor y = parameter(tensor({1, 2, 3}, f64), "y");
  for (const bool recorded : {false, true}) {
    Tensor x = zeros({2}, f64);
    elements(x, tensor({1, 0, 1}, i64)) = recorded ? y : y.detach();
    EXPECT_THAT(x.values(), ElementsAre(2, 3));
    if (recorded) sum(x).backward();
  }
  EXPECT_THAT(y.grad().values(), ElementsAre(0, 1, 1));
}

TEST(Elements, RefuseWhatCannotBe) {
  Tensor w = parameter(six(), "w");
  EXPECT_THAT(message_of<GraphError>([&] { elements(w, 0) = 1; }), HasSubstr("f64 [2, 3] 'w' is a parameter"));
  {
    const NoGrad off;
    elements(w, 0) = 0;
  }
  EXPECT_THAT(w.values(), ElementsAre(0, 0, 0, 4, 5, 6));
  EXPECT_TRUE(w.is_leaf() && w.requires_grad());
  Tensor x = six(), whole = tensor({1, 2}, i64);
  EXPECT_THAT(message_of<ShapeError>([&] { elements(x, 0) = zeros({2}, f64); }),
              HasSubstr("f64 [2] does not broadcast to [3], the elements of f64 [2, 3]"));
  EXPECT_THROW(elements(x, 2) = 0, IndexError);
  EXPECT_THAT(message_of<DTypeError>([&] { elements(whole, 0) = 0.5; }), HasSubstr("i64 [2] cannot hold it"));
  EXPECT_THROW(elements(whole, 0) /= 2, DTypeError);
  elements(whole, 0) = 5;
  EXPECT_THAT(whole.values(), ElementsAre(5, 2));
}

// What has a namesake in <cmath> takes a tensor at least: numbers alone stay numbers.
template <class... X>
concept TakenByPow = requires(X... x) {
  tapegrad::pow(x...);
};
template <class... X>
concept TakenByHypot = requires(X... x) {
  tapegrad::hypot(x...);
};
template <class... X>
concept TakenByAtan2 = requires(X... x) {
  tapegrad::atan2(x...);
};
template <class... X>
concept TakenByFmod = requires(X... x) {
  tapegrad::fmod(x...);
};
template <class... X>
concept TakenByRemainder = requires(X... x) {
  tapegrad::remainder(x...);
};
template <class... X>
concept TakenByLerp = requires(X... x) {
  tapegrad::lerp(x...);
};

TEST(Numbers, AloneAreNotMadeTensors) {
  static_assert(!TakenByPow<double, double> && !TakenByPow<int, float>);
  static_assert(TakenByPow<Tensor, double> && TakenByPow<int, Tensor> && TakenByPow<Tensor, Tensor>);
  static_assert(!TakenByHypot<double, double> && TakenByHypot<int, Tensor>);
  static_assert(!TakenByAtan2<double, double> && TakenByAtan2<int, Tensor>);
  static_assert(!TakenByFmod<double, double> && TakenByFmod<int, Tensor>);
  static_assert(!TakenByRemainder<double, double> && TakenByRemainder<int, Tensor>);
  static_assert(!TakenByLerp<double, double, double> && TakenByLerp<int, Tensor, int> && TakenByLerp<int, int, Tensor>);
  static_assert(TakenByPow<nn::Parameter, double> && TakenByPow<nn::Parameter, nn::Parameter>);
  EXPECT_EQ(pow(2, tensor({3}, f64)).item(), 8);
}

}  // namespace
}  // namespace tapegrad
