// The operation that CONTRIBUTING.md shows.

#include <gtest/gtest.h>

#include <tapegrad/op/op_list.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/op_check.hpp>

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
