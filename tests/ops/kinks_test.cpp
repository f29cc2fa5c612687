// What pointwise ops give where mathematics leaves a choice: at ties, zeros, the edges of domains, infinities and NaN.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/cast.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/registry.hpp>
#include <tapegrad/ops/special.hpp>

namespace tapegrad::tests {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

struct Kink {
  const char* op;
  std::vector<double> inputs;
  double value;
  std::vector<double> gradients;  ///< one an input
  NamedValues attributes = {};
};

std::vector<Kink> kinks() {
  return {
      // Rectifiers and bounds: the flat side.
      {"relu", {0}, 0, {0}},
      {"relu", {kInf}, kInf, {1}},
      {"relu", {-kInf}, 0, {0}},
      {"relu", {kNaN}, kNaN, {1}},
      {"relu6", {0}, 0, {0}},
      {"relu6", {6}, 6, {0}},
      {"relu6", {kInf}, 6, {0}},
      {"leaky_relu", {0}, 0, {0.01}},
      {"leaky_relu", {-kInf}, -kInf, {0.01}},
      {"elu", {0}, 0, {1}},
      {"elu", {-kInf}, -1, {0}},
      {"elu", {kInf}, kInf, {1}},
      {"selu", {0}, 0, {1.7580993408473768599}},
      {"selu", {kInf}, kInf, {1.0507009873554804934}},
      {"celu", {0}, 0, {1}},
      {"celu", {-kInf}, -1, {0}},
      {"hardtanh", {-1}, -1, {0}},
      {"hardtanh", {1}, 1, {0}},
      {"hardtanh", {kNaN}, kNaN, {1}},
      {"hardsigmoid", {-3}, 0, {0}},
      {"hardsigmoid", {3}, 1, {0}},
      {"hardsigmoid", {kInf}, 1, {0}},
      {"hardswish", {-3}, 0, {0}},
      {"hardswish", {3}, 3, {1}},
      {"hardswish", {-kInf}, 0, {0}},
      {"hardswish", {kInf}, kInf, {1}},
      {"clamp", {-1}, -1, {0}, {{"min", "-1"}, {"max", "1"}}},
      {"clamp", {1}, 1, {0}, {{"min", "-1"}, {"max", "1"}}},
      {"clamp", {-kInf}, -1, {0}, {{"min", "-1"}}},
      {"clamp", {kNaN}, kNaN, {1}, {{"min", "-1"}}},
      {"abs", {0}, 0, {0}},
      {"abs", {-kInf}, kInf, {-1}},
      {"abs", {kNaN}, kNaN, {kNaN}},
      {"sign", {0}, 0, {0}},
      {"sign", {kNaN}, kNaN, {0}},
      {"floor", {1}, 1, {0}},
      {"floor", {kInf}, kInf, {0}},
      {"ceil", {1}, 1, {0}},
      {"round", {0.5}, 0, {0}},
      {"round", {1.5}, 2, {0}},
      {"trunc", {-0.5}, 0, {0}},
      {"nan_to_num", {kNaN}, 0, {0}},

      // Ties share.
      {"maximum", {2, 2}, 2, {0.5, 0.5}},
      {"minimum", {2, 2}, 2, {0.5, 0.5}},
      {"maximum", {kInf, kInf}, kInf, {0.5, 0.5}},
      {"maximum", {kNaN, 1}, kNaN, {1, 0}},
      {"minimum", {1, kNaN}, kNaN, {0, 1}},

      // Infinite slopes stay infinite.
      {"sqrt", {0}, 0, {kInf}},
      {"rsqrt", {0}, kInf, {-kInf}},
      {"cbrt", {0}, 0, {kInf}},
      {"reciprocal", {0}, kInf, {-kInf}},
      {"reciprocal", {kInf}, 0, {0}},
      {"log", {0}, -kInf, {kInf}},
      {"log2", {0}, -kInf, {kInf}},
      {"log10", {0}, -kInf, {kInf}},
      {"log1p", {-1}, -kInf, {kInf}},
      {"log", {kInf}, kInf, {0}},
      {"asin", {1}, 1.5707963267948966192, {kInf}},
      {"acos", {-1}, 3.1415926535897932385, {-kInf}},
      {"acosh", {1}, 0, {kInf}},
      {"atanh", {1}, kInf, {kInf}},
      {"atanh", {-1}, -kInf, {kInf}},
      {"erfinv", {1}, kInf, {kInf}},
      {"erfinv", {-1}, -kInf, {kInf}},

      // Outside the domain, value and gradient are NaN.
      {"sqrt", {-1}, kNaN, {kNaN}},
      {"rsqrt", {-1}, kNaN, {kNaN}},
      {"log", {-1}, kNaN, {kNaN}},
      {"log2", {-1}, kNaN, {kNaN}},
      {"log10", {-1}, kNaN, {kNaN}},
      {"log1p", {-2}, kNaN, {kNaN}},
      {"asin", {2}, kNaN, {kNaN}},
      {"acos", {-2}, kNaN, {kNaN}},
      {"acosh", {0}, kNaN, {kNaN}},
      {"acosh", {-3}, kNaN, {kNaN}},
      {"atanh", {2}, kNaN, {kNaN}},
      {"erfinv", {2}, kNaN, {kNaN}},
      {"sin", {kInf}, kNaN, {kNaN}},
      {"cos", {-kInf}, kNaN, {kNaN}},
      {"tan", {kInf}, kNaN, {kNaN}},

      // Powers and quotients at zero.
      {"pow", {0, 0}, 1, {0, 0}},
      {"pow", {3, 0}, 1, {0, 1.0986122886681098}},
      {"pow", {0, 1}, 0, {1, 0}},
      {"pow", {0, 2}, 0, {0, 0}},
      {"pow", {0, 0.5}, 0, {kInf, 0}},
      {"pow", {0, -1}, kInf, {-kInf, -kInf}},
      {"pow", {-2, 2}, 4, {-4, kNaN}},
      {"pow", {-2, 3}, -8, {12, kNaN}},
      {"pow", {-2, 0.5}, kNaN, {kNaN, kNaN}},
      {"pow", {-1, kInf}, 1, {kInf, kNaN}},
      {"div", {1, 0}, kInf, {kInf, -kInf}},
      {"div", {0, 0}, kNaN, {kInf, kNaN}},
      {"div", {1, kInf}, 0, {0, 0}},
      {"fmod", {1, 0}, kNaN, {1, kNaN}},
      {"remainder", {-1, kInf}, kInf, {1, kNaN}},
      {"remainder", {-4, 2}, 0, {1, 2}},
      {"xlogy", {0, 0}, 0, {0, 0}},
      {"xlogy", {0, 2}, 0, {0.69314718055994530942, 0}},
      {"xlogy", {0, kNaN}, kNaN, {kNaN, kNaN}},
      {"xlogy", {2, 0}, -kInf, {-kInf, kInf}},
      {"xlogy", {2, -1}, kNaN, {kNaN, kNaN}},

      // Lengths and angles at the origin and at infinity.
      {"hypot", {0, 0}, 0, {0, 0}},
      {"hypot", {1e-200, 0}, 1e-200, {1, 0}},
      {"hypot", {3e200, 4e200}, 5e200, {0.6, 0.8}},
      {"hypot", {kInf, 1}, kInf, {1, 0}},
      {"hypot", {-kInf, kNaN}, kInf, {-1, kNaN}},
      {"atan2", {0, 0}, 0, {0, 0}},
      {"atan2", {0, -1}, 3.1415926535897932385, {-1, 0}},
      {"atan2", {1, kInf}, 0, {0, 0}},
      {"atan2", {kInf, kInf}, 0.78539816339744830962, {0, 0}},

      // Sums of exponentials without mass.
      {"logaddexp", {-kInf, -kInf}, -kInf, {0, 0}},
      {"logaddexp", {-kInf, 1}, 1, {0, 1}},
      {"logaddexp", {kInf, kInf}, kInf, {0.5, 0.5}},
      {"logaddexp", {kInf, 1}, kInf, {1, 0}},
      {"logaddexp", {1000, 1000}, 1000.6931471805599453, {0.5, 0.5}},

      // Far out, the smooth steps are exactly 0 or 1 and their gates vanish or pass.
      {"exp", {-kInf}, 0, {0}},
      {"exp", {kInf}, kInf, {kInf}},
      {"expm1", {-kInf}, -1, {0}},
      {"sigmoid", {kInf}, 1, {0}},
      {"sigmoid", {-kInf}, 0, {0}},
      {"log_sigmoid", {-kInf}, -kInf, {1}},
      {"log_sigmoid", {kInf}, 0, {0}},
      {"softplus", {kInf}, kInf, {1}},
      {"softplus", {-kInf}, 0, {0}},
      {"softsign", {0}, 0, {1}},
      {"softsign", {kInf}, 1, {0}},
      {"softsign", {-kInf}, -1, {0}},
      {"tanh", {kInf}, 1, {0}},
      {"atan", {kInf}, 1.5707963267948966192, {0}},
      {"asinh", {-kInf}, -kInf, {0}},
      {"acosh", {kInf}, kInf, {0}},
      {"erf", {-kInf}, -1, {0}},
      {"erfc", {kInf}, 0, {0}},
      {"normal_cdf", {-kInf}, 0, {0}},
      {"gelu", {kInf}, kInf, {1}},
      {"gelu", {-kInf}, 0, {0}},
      {"gelu_tanh", {kInf}, kInf, {1}},
      {"gelu_tanh", {-kInf}, 0, {0}},
      {"silu", {kInf}, kInf, {1}},
      {"silu", {-kInf}, 0, {0}},
      {"mish", {kInf}, kInf, {1}},
      {"mish", {-kInf}, 0, {0}},

      // Poles and zeros of the gamma function.
      {"lgamma", {1}, 0, {-0.57721566490153286061}},
      {"lgamma", {2}, 0, {0.42278433509846713939}},
      {"lgamma", {0}, kInf, {-kInf}},
      {"lgamma", {-1}, kInf, {kNaN}},
      {"lgamma", {kInf}, kInf, {kInf}},
      {"digamma", {0}, -kInf, {kInf}},
      {"digamma", {-2}, kNaN, {kInf}},
      {"polygamma", {kInf}, 0, {0}},

      // Interpolation is exact at its ends.
      {"lerp", {0.1, 0.7, 1}, 0.7, {0, 1, 0.6}},
      {"lerp", {0.1, 0.7, 0}, 0.1, {1, 0, 0.6}},
  };
}

void expect_same(double got, double wanted, double tolerance, const std::string& what) {
  if (std::isnan(wanted))
    EXPECT_TRUE(std::isnan(got)) << what << " is " << got << ", not NaN";
  else if (std::isinf(wanted))
    EXPECT_EQ(got, wanted) << what;
  else
    EXPECT_NEAR(got, wanted, tolerance * std::max(1.0, std::abs(wanted))) << what;
}

std::string described(const Kink& kink) {
  std::string text = std::string(kink.op) + "(";
  for (std::size_t i = 0; i < kink.inputs.size(); ++i) text += (i ? ", " : "") + std::to_string(kink.inputs[i]);
  return text + ")";
}

class Kinks : public ::testing::TestWithParam<Kink> {};

void expect_kink(const Kink& kink, DType dtype, bool create_graph, double tolerance) {
  const std::string what =
      described(kink) + " in " + std::string(name_of(dtype)) + (create_graph ? ", recorded" : ", plain");
  for (const double x : kink.inputs)
    if (dtype == f32 && std::isfinite(x) && x != 0 && !(std::abs(x) < 1e30 && std::abs(x) > 1e-30)) return;
  std::vector<Tensor> inputs;
  for (const double x : kink.inputs) inputs.push_back(parameter(scalar(x, dtype)));
  const Tensor value = find_op(kink.op).call(inputs, kink.attributes);
  expect_same(value.item(), kink.value, tolerance, what);
  const std::vector<Tensor> gradients = grad({&value, 1}, inputs, {}, {.create_graph = create_graph});
  for (std::size_t i = 0; i < inputs.size(); ++i)
    expect_same(gradients[i].item(), kink.gradients[i], tolerance, what + ", gradient " + std::to_string(i));
}

TEST_P(Kinks, AreAsDecided) {
  for (const bool create_graph : {false, true}) {
    expect_kink(GetParam(), f64, create_graph, 1e-12);
    expect_kink(GetParam(), f32, create_graph, 2e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Kinks, ::testing::ValuesIn(kinks()),
                         [](const auto& one) { return one.param.op + ("_" + std::to_string(one.index)); });

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

double mixed_derivative(Tensor (*f)(const Operand&, const Operand&), double a, double b) {
  const Tensor x = parameter(scalar(a, f64)), y = parameter(scalar(b, f64));
  return grad(grad(f(x, y), x, {.create_graph = true}), y).item();
}

TEST(HigherOrders, PassThroughSpecialPoints) {
  EXPECT_NEAR(mixed_derivative(pow, 4, 0), 0.25, 1e-15) << "d²/dadb aᵇ = 1/a at b = 0";
  EXPECT_NEAR(mixed_derivative(logaddexp, 3, 3), -0.25, 1e-15) << "not lost where a = b";
  EXPECT_NEAR(mixed_derivative(xlogy, 0, 4), 0.25, 1e-15) << "1/b at a = 0";
  EXPECT_EQ(mixed_derivative(logaddexp, -kInf, -kInf), 0);
  EXPECT_EQ(mixed_derivative(hypot, 0, 0), 0);

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
