// What user code gives back in a backward pass is checked where it enters; hooks may run passes of their own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Hook, OfAnotherShapeOrDtypeIsRefused) {
  Tensor x = parameter(zeros({4}), "x");
  const std::size_t id = x.register_hook([](const Tensor&) { return ones({1 << 12}); });
  EXPECT_THAT(message_of<ShapeError>([&] { sum(x).backward(); }),
              AllOf(HasSubstr("hook 0 gave f32 [4096]"), HasSubstr("gradient of f32 [4] 'x'")));
  EXPECT_FALSE(x.grad().defined());
  x.remove_hook(id);
  x.register_hook([](const Tensor& g) { return cast(g, f64); });
  EXPECT_THAT(message_of<DTypeError>([&] { sum(x).backward(); }), HasSubstr("hook 1 gave f64 [4]"));
}

TEST(Hook, OfAComputedTensorIsCheckedToo) {
  const Tensor x = parameter(ones({2, 3}), "x");
  const Scope scope("body");
  Tensor y = x * 2;
  y.register_hook([](const Tensor& g) { return transpose(g); });
  EXPECT_THAT(message_of<ShapeError>([&] { sum(y).backward(); }),
              HasSubstr("f32 [3, 2] as the gradient of f32 [2, 3] in scope body"));
}

TEST(Hook, OfTheRightShapeReplaces) {
  Tensor x = parameter(ones({2}), "x");
  x.register_hook([](const Tensor& g) { return g * 3; });
  x.register_hook([](const Tensor&) { return Tensor(); });
  sum(x).backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(3, 3));
}

TEST(SetGrad, RefusesAnotherDtype) {
  Tensor x = parameter(zeros({2}), "x");
  EXPECT_THAT(message_of<DTypeError>([&] { x.set_grad(zeros({2}, f64)); }), HasSubstr("dtype f64 for f32 [2] 'x'"));
  x.set_grad(Tensor());
  EXPECT_FALSE(x.grad().defined());
}

// An implicit layer: z = tanh(w z + x) is found without recording; one recorded step gives it its gradient, and a hook
// solves for the cotangent by differentiating that step, which closes over w, a leaf that the running pass has claimed.
TEST(Hook, MayDifferentiateAFunctionOfLeavesThatArePassedThrough) {
  const Tensor w = parameter(scalar(0.5, f64), "w"), x = parameter(scalar(0.3, f64), "x");
  const auto step = [&](const Tensor& z) { return tanh(w * z + x); };
  Tensor fixed = scalar(0, f64);
  {
    const NoGrad off;
    for (int i = 0; i < 100; ++i) fixed = step(fixed);
  }
  Tensor z = step(fixed);
  z.register_hook([&](const Tensor& g) {
    const GradMode on(true);
    const Tensor at = parameter(fixed);
    const Tensor once = step(at);
    Tensor u = g;
    for (int i = 0; i < 200; ++i) u = g + grad({&once, 1}, {&at, 1}, {&u, 1}, {.retain_graph = true})[0];
    return u;
  });
  z.backward();
  const double value = fixed.item(), slope = 1 - value * value;
  EXPECT_NEAR(w.grad().item(), slope * value / (1 - 0.5 * slope), 1e-12);
  EXPECT_NEAR(x.grad().item(), slope / (1 - 0.5 * slope), 1e-12);
}

TEST(Hook, MayNotDifferentiateThroughItsOwnLeaf) {
  Tensor x = parameter(ones({2}), "x");
  x.register_hook([&](const Tensor& g) {
    const GradMode on(true);
    return g + grad(sum(x * x), x);
  });
  EXPECT_THAT(message_of<GraphError>([&] { sum(x).backward(); }), HasSubstr("is being differentiated"));
  x.remove_hook(0);
  sum(x * x).backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(2, 2)) << "the leaf is free again";
}

TEST(Hook, APassOfItsOwnThatFailsGivesBackWhatItBorrowed) {
  const Tensor w = parameter(ones({2}, f64), "w");
  Tensor y = w * 3;
  y.register_hook([&](const Tensor&) {
    const GradMode on(true);
    EXPECT_THROW((w * w).backward(ones({3}, f64)), ShapeError);
    (w * w).backward(ones({2}, f64));
    return Tensor();
  });
  sum(y + w).backward();
  EXPECT_THAT(w.grad().values(), ElementsAre(6, 6)) << "2 from within the hook, 3 + 1 from the pass";
}

TEST(Grad, RefusesWhatWasNeverRecorded) {
  const Tensor x = parameter(tensor({2}, f64), "x");
  const auto unrecorded = [&] {
    const NoGrad off;
    return x * x;
  };
  const Tensor through_item = scalar(x.item() * 2, f64);
  for (const Tensor& y : {unrecorded(), (x * x).detach(), through_item})
    EXPECT_THAT(message_of<GraphError>([&] { grad(y, x); }), HasSubstr("grad: f64"));
  Tensor z = x * 1;
  z.register_hook([&](const Tensor& g) {
    EXPECT_THROW(grad(x * x, x), GraphError) << "a hook records nothing unless it says so";
    return g;
  });
  z.backward();
  const Tensor other = parameter(tensor({1}, f64));
  EXPECT_EQ(grad(x * x, other).item(), 0) << "recorded, and does not depend on it";
}

TEST(Grad, TakesManyOutputsAndTheSameOneTwice) {
  const Tensor x = parameter(tensor({1, 2, 3}, f64));
  const Tensor y = x * x;
  std::vector<Tensor> outputs, cotangents;
  for (int i = 0; i < 5000; ++i) {
    outputs.push_back(i % 2 ? y : x * i);
    cotangents.push_back(ones({3}, f64));
  }
  const std::vector<Tensor> found = grad(outputs, {&x, 1}, cotangents);
  EXPECT_DOUBLE_EQ(found[0].values()[1], 2500.0 * 4 + 2500.0 * 2499);
}

TEST(Grad, GoesThroughAnOpOfMoreInputsThanSixteenBitsCount) {
  constexpr std::size_t kCount = 70'000;
  const Tensor x = parameter(tensor({2}, f64)), y = parameter(tensor({3}, f64));
  std::vector<Tensor> parts(kCount, tensor({1}, f64));
  parts.front() = x;
  parts.back() = y;
  const Tensor joined = concat(parts, 0);
  sum(joined * joined).backward();
  EXPECT_EQ(x.grad().item(), 4);
  EXPECT_EQ(y.grad().item(), 6);
}

}  // namespace
}  // namespace tapegrad
