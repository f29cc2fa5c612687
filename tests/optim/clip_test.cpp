#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/optim/clip.hpp>

namespace tapegrad::optim {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;

struct Clip : ::testing::Test {
  Tensor a = parameter(zeros({2}, f64), "a"), b = parameter(zeros({4, 1}, f64), "b"), c = parameter(zeros({3}), "c");
  NamedTensors all{{"a", a}, {"b", b}, {"c", c}};
  void SetUp() override {
    a.set_grad(tensor({3, 0}, f64));
    // Row 2 occurs twice: 1 + 3 = 4.
    b.set_grad(make_row_sparse({4, 1}, copy_of(std::vector<std::int64_t>{2, 0, 2}), tensor({1, 0, 3}, {3, 1}, f64)));
  }
};

TEST_F(Clip, ByNormScalesAllGradientsAlike) {
  EXPECT_DOUBLE_EQ(grad_norm(all), 5);
  const Tensor before = a.grad();
  EXPECT_DOUBLE_EQ(clip_grad_norm(all, 2.5), 5);
  EXPECT_THAT(a.grad().values(), ElementsAre(1.5, 0));
  EXPECT_TRUE(b.grad().row_sparse());
  EXPECT_THAT(b.grad().to_dense().values(), ElementsAre(0, 0, 2, 0));
  EXPECT_FALSE(c.grad().defined());
  EXPECT_THAT(before.values(), ElementsAre(3, 0)) << "a gradient that others hold was changed";
  EXPECT_DOUBLE_EQ(clip_grad_norm(all, 10), 2.5);
  EXPECT_THAT(a.grad().values(), ElementsAre(1.5, 0));
}

TEST_F(Clip, ByValueLimitsEachElement) {
  a.set_grad(tensor({-3, 0.5}, f64));
  clip_grad_value(all, 2);
  EXPECT_THAT(a.grad().values(), ElementsAre(-2, 0.5));
  EXPECT_THAT(b.grad().to_dense().values(), ElementsAre(0, 0, 2, 0));
}

TEST_F(Clip, LeavesNonFiniteGradientsToTheCaller) {
  a.set_grad(tensor({std::numeric_limits<double>::infinity(), 1}, f64));
  EXPECT_TRUE(std::isinf(clip_grad_norm(all, 1)));
  EXPECT_EQ(a.grad().at({1}), 1);
  EXPECT_THROW(clip_grad_norm(all, 0), ValueError);
  EXPECT_THROW(clip_grad_value(all, std::nan("")), ValueError);
}

TEST_F(Clip, MeasuresAndScalesOverTheWholeRange) {
  const NamedTensors doubles{{"a", a}};
  a.set_grad(tensor({3e200, 4e200}, f64));
  EXPECT_DOUBLE_EQ(clip_grad_norm(doubles, 1), 5e200);
  EXPECT_THAT(a.grad().values(), ElementsAre(DoubleEq(0.6), DoubleEq(0.8)));
  a.set_grad(tensor({3e-200, 4e-200}, f64));
  EXPECT_DOUBLE_EQ(grad_norm(doubles), 5e-200);
  a.set_grad(tensor({0, 1e308}, f64));
  clip_grad_norm(doubles, 1e-10);
  EXPECT_THAT(a.grad().values(), ElementsAre(0, DoubleEq(1e-10)));

  // One factor would be subnormal in f32, and lose its digits.
  const NamedTensors singles{{"c", c}};
  c.set_grad(tensor({3e38, 0, 2e38}));
  clip_grad_norm(singles, 0.5);
  EXPECT_THAT(c.grad().values(),
              ElementsAre(DoubleNear(1.5 / std::sqrt(13), 1e-7), 0, DoubleNear(1 / std::sqrt(13), 1e-7)));
}

}  // namespace
}  // namespace tapegrad::optim
