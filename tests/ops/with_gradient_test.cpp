// Functions with gradients of their own.

#include <gmock/gmock.h>

#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WithGradient, TakesTheRulesWord) {
  const auto rounded =
      with_gradient([](const Tensor& x) { return round(x); }, [](const Tensor& g, const Tensor&) { return 3 * g; });
  const Tensor x = parameter(tensor({0.4, 1.7}));
  const Tensor y = rounded(x);
  EXPECT_THAT(y.values(), ElementsAre(0, 2));
  EXPECT_THAT(grad(sum(y), x).values(), ElementsAre(3, 3));
  EXPECT_FALSE(rounded(tensor({1.2})).requires_grad());
}

TEST(WithGradient, HandsTheResultToARuleThatAsks) {
  const auto root = with_gradient([](const Tensor& x) { return sqrt(x); },
                                  [](const Tensor& g, const Tensor&, const Tensor& y) { return g / (2 * y); });
  const Tensor x = parameter(tensor({4, 9}, f64));
  EXPECT_THAT(grad(sum(root(x)), x).values(), ElementsAre(0.25, 1.0 / 6));
}

TEST(WithGradient, IsDifferentiatedAsOftenAsItsRule) {
  const auto product = with_gradient([](const Tensor& a, const Tensor& b) { return a * exp(b); },
                                     [](const Tensor& g, const Tensor& a, const Tensor& b) {
                                       return std::vector<Tensor>{g * exp(b), g * a * exp(b)};
                                     });
  const auto f = [&](const Tensor& a, const Tensor& b) { return sum(product(a, b) * b); };
  EXPECT_THAT(f, HasCorrectGradients({tensor({0.3, -1}, f64), tensor({0.5, 0.2}, f64)}, {.order = 3}));
}

TEST(WithGradient, TakesAnyNumberOfInputs) {
  const auto total = with_gradient([](std::span<const Tensor> x) { return x[0] + x[1] + x[2]; },
                                   [](std::span<const Tensor> given) { return std::vector<Tensor>(3, given[0] * 2); });
  const std::vector<Tensor> x(3, parameter(tensor({1.0})));
  EXPECT_EQ(grad(sum(total(x)), x)[0].item(), 6);
}

TEST(WithGradient, RefusesWhatTheRuleCannotKnow) {
  const Tensor w = parameter(ones({2}), "w"), x = parameter(ones({2}));
  const auto pass = [](const Tensor& g, const Tensor&) { return g; };
  const auto closes_over = with_gradient([&](const Tensor& t) { return t * w; }, pass);
  EXPECT_THAT(message_of<ValueError>([&] { closes_over(x); }), AllOf(HasSubstr("'w'"), HasSubstr("as an input")));
  EXPECT_THAT(message_of<ValueError>([&] { closes_over(ones({2})); }), HasSubstr("'w'"));
  const auto two =
      with_gradient([](const Tensor& a, const Tensor& b) { return a + b; }, [](const Tensor& g) { return g; });
  EXPECT_THAT(message_of<ValueError>([&] { two(x, x); }), HasSubstr("a rule of 3 tensors"));
  const auto one_for_two = with_gradient([](const Tensor& a, const Tensor& b) { return a + b; },
                                         [](const Tensor& g, const Tensor&, const Tensor&) { return g; });
  EXPECT_THAT(message_of<ValueError>([&] { sum(one_for_two(x, x)).backward(); }), HasSubstr("1 gradients for 2"));
  const auto of_another_shape =
      with_gradient([](const Tensor& a) { return a * 1; }, [](const Tensor&, const Tensor&) { return ones({3}); });
  EXPECT_THAT(message_of<ShapeError>([&] { sum(of_another_shape(x)).backward(); }), HasSubstr("with_gradient"));
}

}  // namespace
}  // namespace tapegrad
