// The operation and the layer that CONTRIBUTING.md shows.

#include <gtest/gtest.h>

#include <tapegrad/op/op_list.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>

namespace tapegrad::tests {
namespace {

using namespace formula;

struct Softplus {
  static constexpr OpInfo info{.name = "softplus", .formula = "y = ln(1 + eˣ)", .inputs = {"x"}, .flops = 14};
  static auto value(const auto& x) { return maximum(x, 0) + log1p(exp(-abs(x))); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto& /*y: not saved*/) { return g * logistic(x); }
};

TEST(Contributing, ShowsAnOpThatIsRight) {
  const testing::OpCheckResult result = testing::check_op(OpList<Softplus>::entries[0], 3);
  EXPECT_EQ(result.orders, 3) << result.failures[0];
}

}  // namespace
}  // namespace tapegrad::tests

namespace tapegrad::nn {
namespace {

struct Scale : Layer<Scale> {
  Scale(Owner owner, const MemberName& name, std::int64_t width, DType dtype = f32)
      : Layer(owner, name), weight(*this, "weight", ones({width}, dtype)) {}
  explicit Scale(std::int64_t width, DType dtype = f32) : Scale(kNoOwner, "", width, dtype) {}

  Tensor forward(const Tensor& x) const { return x * weight; }

  Parameter weight;  ///< [width]
};

TEST(Contributing, ShowsALayerWithAnOwnerOrNone) {
  struct Model : Module {
    Scale first{*this, "first", 3}, second{*this, "second", 3};
  };
  Model model;
  EXPECT_EQ(model.second.weight.name(), "second.weight");
  EXPECT_EQ(Scale(3)(model.first(full({2, 3}, 4))).values(), std::vector<double>(6, 4));
}

}  // namespace
}  // namespace tapegrad::nn
