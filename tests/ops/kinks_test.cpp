// What ops give where mathematics leaves a choice: the table of testing/internal/op_kinks.hpp, and what does not fit
// into it.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/internal/op_kinks.hpp>

namespace tapegrad::tests {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

class Kinks : public ::testing::TestWithParam<testing::OpKink> {};

TEST_P(Kinks, AreAsDecided) {
  for (const std::string& difference : testing::check_kink(GetParam())) ADD_FAILURE() << difference;
}

std::vector<testing::OpKink> all_kinks() {
  std::vector<testing::OpKink> all;
  for (const testing::KinkGroup& group : testing::op_kinks())
    all.insert(all.end(), group.kinks.begin(), group.kinks.end());
  return all;
}
INSTANTIATE_TEST_SUITE_P(All, Kinks, ::testing::ValuesIn(all_kinks()),
                         [](const auto& one) { return std::string(one.param.op) + "_" + std::to_string(one.index); });

// ---- branches that are not taken ------------------------------------------------------------------------------------

Tensor slope_of(const std::function<Tensor(const Tensor&)>& f, double at, bool create_graph) {
  const Tensor x = parameter(scalar(at, f64));
  return grad(f(x), x, {.create_graph = create_graph});
}

TEST(UnusedBranch, LeavesNoNan) {
  struct Case {
    const char* what;
    std::function<Tensor(const Tensor&)> function;
    double at, slope;
  };
  const Case cases[] = {
      {"sqrt below 0", [](const Tensor& x) { return where(x > 0, sqrt(x), x); }, -1, 1},
      {"sqrt at 0", [](const Tensor& x) { return where(x > 0, sqrt(x), 0 * x); }, 0, 0},
      {"log below 0", [](const Tensor& x) { return where(x > 0, log(x), x); }, -1, 1},
      {"exp that overflows", [](const Tensor& x) { return where(x < 1, exp(x), x); }, 1e4, 1},
      {"a product with what overflowed", [](const Tensor& x) { return where(x < 1, x * exp(x), x); }, 1e4, 1},
      {"quotient by 0", [](const Tensor& x) { return where(x == 0, x, sin(x) / x); }, 0, 1},
      {"power of a negative", [](const Tensor& x) { return where(x > 0, pow(x, 0.5), x); }, -1, 1},
      {"tanh of NaN", [](const Tensor& x) { return where(x > 0, tanh(sqrt(x)), x); }, -1, 1},
      {"sigmoid of NaN", [](const Tensor& x) { return where(x > 0, sigmoid(log(x)), x); }, -1, 1},
      {"sine of infinity", [](const Tensor& x) { return where(x > 0, sin(1 / x), x); }, 0, 1},
      {"gelu of NaN", [](const Tensor& x) { return where(x > 0, erf(sqrt(x)), x); }, -1, 1},
      {"arcsine outside", [](const Tensor& x) { return where(abs(x) < 1, asin(x), x); }, 2, 1},
      {"two unused branches", [](const Tensor& x) { return where(x > 0, log(x), where(x > -1, sqrt(x), x)); }, -2, 1},
  };
  for (const Case& one : cases)
    for (const bool create_graph : {false, true})
      EXPECT_EQ(slope_of(one.function, one.at, create_graph).item(), one.slope) << one.what;
}

TEST(UnusedBranch, LeavesNoNanInSecondDerivatives) {
  const Tensor x = parameter(scalar(-1, f64));
  const Tensor first = grad(where(x > 0, sqrt(x), x * x), x, {.create_graph = true});
  EXPECT_EQ(grad(first, x).item(), 2);
}

// ---- higher orders through ties -------------------------------------------------------------------------------------

using TwoTensors = Tensor (*)(const Tensor&, const Tensor&);

double mixed_derivative(TwoTensors f, double a, double b) {
  const Tensor x = parameter(scalar(a, f64)), y = parameter(scalar(b, f64));
  return grad(grad(f(x, y), x, {.create_graph = true}), y).item();
}

TEST(HigherOrders, PassThroughSpecialPoints) {
  const TwoTensors power = [](const Tensor& a, const Tensor& b) { return pow(a, b); };
  const TwoTensors log_add = [](const Tensor& a, const Tensor& b) { return logaddexp(a, b); };
  const TwoTensors times_log = [](const Tensor& a, const Tensor& b) { return xlogy(a, b); };
  const TwoTensors length = [](const Tensor& a, const Tensor& b) { return hypot(a, b); };
  EXPECT_NEAR(mixed_derivative(power, 4, 0), 0.25, 1e-15) << "d²/dadb aᵇ = 1/a at b = 0";
  EXPECT_NEAR(mixed_derivative(log_add, 3, 3), -0.25, 1e-15) << "not lost where a = b";
  EXPECT_NEAR(mixed_derivative(times_log, 0, 4), 0.25, 1e-15) << "1/b at a = 0";
  EXPECT_EQ(mixed_derivative(log_add, -kInf, -kInf), 0);
  EXPECT_EQ(mixed_derivative(length, 0, 0), 0);

  const Tensor x = parameter(scalar(0, f64));
  const Tensor first = grad(pow(x, 2), x, {.create_graph = true});
  EXPECT_EQ(first.item(), 0);
  const Tensor second = grad(first, x, {.create_graph = true});
  EXPECT_EQ(second.item(), 2);
  EXPECT_EQ(grad(second, x).item(), 0);
}

TEST(HigherOrders, PolygammaEndsWithAnError) {
  const Tensor x = parameter(scalar(1.5, f64));
  EXPECT_THROW(polygamma(31, x), ValueError);
  EXPECT_THROW(polygamma(-1, x), ValueError);
  EXPECT_TRUE(std::isfinite(grad(polygamma(30, x), x).item()));
}

}  // namespace
}  // namespace tapegrad::tests
