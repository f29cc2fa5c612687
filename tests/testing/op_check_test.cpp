#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/testing/gradient_check.hpp>
#include <tapegrad/testing/internal/op_kinks.hpp>

#include "wrong_ops.hpp"

namespace tapegrad::tests {
namespace {

using testing::check_op;
using ::testing::HasSubstr;
using testing::OpCheckResult;

const OpEntry& entry(std::string_view name) {
  for (const OpEntry& e : UserOps::entries)
    if (e.info().name == name) return e;
  throw ValueError("no such op");
}

TEST(OpCheck, ProvesAUsersOwnOp) {
  const OpCheckResult result = check_op(entry("cube"), 3);
  EXPECT_TRUE(result.ok()) << result.failures[0];
  EXPECT_EQ(result.op, "cube");
  EXPECT_EQ(result.orders, 3);
  EXPECT_TRUE(result.forward);
  EXPECT_EQ(result.strided, result.samples);
  EXPECT_GE(result.zero_size, 1);
  EXPECT_GE(result.scalars, 1);
  EXPECT_GT(result.compared, 50u);
  EXPECT_LT(result.worst, 1);
  EXPECT_THAT(result.worst_where, HasSubstr("order "));
}

TEST(OpCheck, FindsTheRuleThatIsOff) {
  const OpCheckResult result = check_op(entry("cube_off"), 1);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.orders, 0);
  EXPECT_FALSE(result.forward);
  EXPECT_GT(result.worst, 100);
  EXPECT_THAT(result.failures[0], HasSubstr("sample 0"));
  EXPECT_THAT(result.failures[0], HasSubstr("gradients of cube_off"));
}

TEST(OpCheck, FindsTheRuleThatIsWrongOnlyAtOrderTwo) {
  EXPECT_EQ(check_op(entry("cube_forgetful"), 1).orders, 1);
  EXPECT_FALSE(check_op(entry("cube_forgetful"), 2).ok());
}

TEST(OpCheck, ComparesSinglePrecisionWithDouble) {
  const OpCheckResult result = check_op(entry("cube"), 1, f32);
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.orders, 0) << "nothing is proven by rounding to f32";
}

TEST(OpCheck, GivesTheSameForTheSameSeed) {
  EXPECT_EQ(check_op(find_op("matmul"), 2, f64, 7).worst, check_op(find_op("matmul"), 2, f64, 7).worst);
  EXPECT_NE(check_op(find_op("matmul"), 2, f64, 7).worst, check_op(find_op("matmul"), 2, f64, 8).worst);
}

TEST(OpCheck, HoldsOpsToWhatWasDecidedAtKinks) {
  EXPECT_GE(check_op(find_op("relu"), 1).kinks, 4);
  EXPECT_EQ(check_op(entry("cube"), 1).kinks, 0) << "the table is of the library's ops";
  testing::OpKink other = testing::op_kinks().front().kinks.front();
  EXPECT_THAT(testing::check_kink(other), ::testing::IsEmpty());
  other.gradients = {{0.25}};
  const auto differences = testing::check_kink(other);
  ASSERT_EQ(differences.size(), 4u) << "plain and recorded, in f64 and f32";
  EXPECT_EQ(differences[0], "relu(0) in f64, plain: gradient 0 is [0], not [0.25]");
}

TEST(OpCheck, PassesOpsWithoutAGradient) {
  const OpCheckResult result = check_op(find_op("less"));
  EXPECT_TRUE(result.ok());
  EXPECT_FALSE(result.differentiable);
  EXPECT_EQ(result.orders, 0);
}

}  // namespace
}  // namespace tapegrad::tests
