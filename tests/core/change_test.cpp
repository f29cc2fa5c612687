// Writing to elements, under a graph and a trace.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cmath>
#include <tapegrad/core/eigen.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/tapegrad.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Change, OfARecordedValueIsRefusedWhileRecording) {
  const Tensor x = parameter(tensor({1, 2}), "x");
  Tensor y = x * 2;
  const auto refused = [&](auto change) {
    EXPECT_THAT(message_of<GraphError>(change),
                AllOf(HasSubstr("f32 [2], a result of mul, is recorded"), HasSubstr("NoGrad")));
  };
  refused([&] { y.fill(3); });
  refused([&] { y.copy_from(zeros({2})); });
  refused([&] { y.mutable_data<float>(); });
  refused([&] { as_mutable_eigen<float>(y); });
  EXPECT_THROW(y[0].copy_from(scalar(3)), GraphError) << "through a view";
  EXPECT_THROW(transpose(reshape(y, {1, 2})).fill(3), GraphError);
  EXPECT_THAT(y.values(), ElementsAre(2, 4));
  {
    const NoGrad off;
    y.fill(3);
  }
  EXPECT_THAT(y.values(), ElementsAre(3, 3));
}

TEST(Change, OfLeavesAndConstantsIsNot) {
  Tensor w = parameter(tensor({1, 2}), "w");
  w.fill(3);
  w.copy_from(tensor({4, 5}));
  w.mutable_data<float>()[0] = 6;
  EXPECT_THAT(w.values(), ElementsAre(6, 5));
  EXPECT_TRUE(w.is_leaf() && w.requires_grad());
  Tensor plain = zeros({2});
  plain.copy_from(w);
  EXPECT_FALSE(plain.requires_grad());
}

TEST(Trace, LeavesLeavesWhatTheyAre) {
  const Tensor x = parameter(tensor({3}, f64), "x");
  const Trace trace;
  Tensor d = (x * 2).detach();
  EXPECT_TRUE(d.is_leaf());
  d.set_requires_grad();
  EXPECT_TRUE(d.is_leaf() && d.requires_grad());
  (d * d).backward();
  EXPECT_THAT(d.grad().values(), ElementsAre(12));
  EXPECT_FALSE(x.grad().defined()) << "no gradient goes through";
  Tensor off;
  {
    const NoGrad none;
    off = x * 5;
  }
  EXPECT_TRUE(off.is_leaf());
  EXPECT_FALSE(off.requires_grad());
  off.set_requires_grad();
  off.fill(1);
  sum(off * x).backward();
  EXPECT_THAT(off.grad().values(), ElementsAre(3));
  EXPECT_DOUBLE_EQ(jvp([](const Tensor& t) { return sin(t); }, d, ones({1}, f64)).tangent.item(), std::cos(6.0));
  const auto block = [](const Tensor& t) { return exp(t) * t; };
  sum(checkpoint(block, x)).backward();
  EXPECT_NEAR(x.grad().item(), 1 + std::exp(3.0) * 4, 1e-12) << "1 from off * x";
}

}  // namespace
}  // namespace tapegrad
