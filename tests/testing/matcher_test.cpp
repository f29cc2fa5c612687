// As a user writes it: the umbrella header, `using namespace tapegrad`, and GoogleTest's own `testing` beside ours.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradients.hpp>

using namespace tapegrad;

namespace {

Tensor my_loss(const Tensor& x, const Tensor& w) { return mean(square(matmul(x, w) - 1)); }

TEST(Matcher, AcceptsFunctionsAndLambdas) {
  EXPECT_THAT(my_loss, HasCorrectGradients({randn({4, 3}), randn({3})}));
  EXPECT_THAT(my_loss, tapegrad::testing::HasCorrectGradients({randn({4, 3}), randn({3})}, {.order = 2}));
  EXPECT_THAT(&my_loss, HasCorrectGradients({randn({4, 3}), randn({3})}));
  EXPECT_THAT([](const Tensor& x) { return tanh(x); }, HasCorrectGradients({randn({5})}, {.order = 3}));
  const auto three = [](std::span<const Tensor> t) { return t[0] * t[1] * t[2]; };
  EXPECT_THAT(three, HasCorrectGradients({randn({2}), randn({2}), randn({})}));
}

TEST(Matcher, ExplainsAFailure) {
  const auto wrong = [](const Tensor& x) { return x * x.detach(); };
  EXPECT_THAT(wrong, ::testing::Not(HasCorrectGradients({tensor({1, 2})})));
  ::testing::StringMatchResultListener listener;
  EXPECT_FALSE(
      ::testing::ExplainMatchResult(HasCorrectGradients({tensor({1, 2})}, {.name = "wrong"}), wrong, &listener));
  EXPECT_THAT(listener.str(), ::testing::HasSubstr("gradients of wrong: WRONG"));
  EXPECT_THAT(listener.str(), ::testing::HasSubstr("analytic"));
  EXPECT_EQ(::testing::DescribeMatcher<decltype(wrong)>(HasCorrectGradients({tensor({1, 2})}, {.order = 2})),
            "has correct gradients to order 2 at f32 [2]");
}

}  // namespace

namespace tapegrad {
namespace {

TEST(MatcherInTheLibrarysNamespace, IsFoundInTesting) {
  EXPECT_THAT(my_loss, testing::HasCorrectGradients({randn({4, 3}), randn({3})}));
}

}  // namespace
}  // namespace tapegrad
