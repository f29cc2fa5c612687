// The library's own functions against long double, over all binades, denormals, zeros, infinities and NaN; slopes of
// the functions that level off against values from elsewhere.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <vector>

#include "range.hpp"

namespace tapegrad::tests {
namespace {

using Reference = long double (*)(long double);

struct Function {
  const char* name;
  Tensor (*op)(const Tensor&);
  Reference reference;
  double f32_ulps, f64_ulps;
};

/// Bit patterns spread over all of T, its special values and their neighbours among them.
template <class T>
std::vector<T> all_over(std::size_t count) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::vector<T> values;
  const Bits step = std::numeric_limits<Bits>::max() / static_cast<Bits>(count);
  Bits bits = 0, noise = 1;
  for (std::size_t i = 0; i < count; ++i, bits += step) {
    noise = noise * static_cast<Bits>(6364136223846793005u) + 1442695041u;
    values.push_back(std::bit_cast<T>(static_cast<Bits>(bits + noise % step)));
  }
  // Most of an exponential function happens between these.
  for (std::size_t i = 0; i < count; ++i)
    for (const double reach : {0.7, 3.0, 30.0, 800.0}) {
      noise = noise * static_cast<Bits>(6364136223846793005u) + 1442695041u;
      values.push_back(static_cast<T>(reach * (static_cast<double>(noise >> (sizeof(T) * 8 - 31)) * 0x1p-30 - 1)));
    }
  using L = std::numeric_limits<T>;
  for (const T v : {T{0}, L::denorm_min(), L::min(), L::max(), L::infinity(), L::quiet_NaN(), T{1}, T{0.5}, T{2},
                    std::nextafter(T{1}, T{0}), std::nextafter(T{1}, T{2}), L::epsilon()})
    values.insert(values.end(), {v, -v});
  return values;
}

template <class T>
void expect_precise(const Function& function, double allowed) {
  const std::vector<T> inputs = all_over<T>(20000);
  const Tensor results = function.op(copy_of(inputs));
  const auto values = results.data<T>();
  double worst = 0;
  T worst_at = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const T x = inputs[i];
    const long double exact = function.reference(x);
    const T rounded = static_cast<T>(exact);
    if (std::isnan(exact)) {
      EXPECT_TRUE(std::isnan(values[i])) << function.name << "(" << x << ") is " << values[i] << ", not NaN";
      continue;
    }
    EXPECT_TRUE(x != 0 || std::signbit(values[i]) == std::signbit(rounded)) << function.name << " of a signed zero";
    if (values[i] == rounded) continue;
    ASSERT_FALSE(std::isnan(values[i])) << function.name << "(" << x << ") is NaN, not " << exact;
    // An overflow a few ulps early or late is as good as the error it stands for.
    const long double top = std::numeric_limits<T>::max();
    const long double got = std::isinf(values[i]) ? std::copysign(top + ulp<T>(top), values[i]) : values[i];
    const auto error = static_cast<double>(std::fabs(got - exact) / ulp<T>(exact));
    if (error > worst) worst = error, worst_at = x;
  }
  EXPECT_LE(worst, allowed) << function.name << " at " << worst_at;
  ::testing::Test::RecordProperty(sizeof(T) == 4 ? "f32_ulps" : "f64_ulps", std::to_string(worst));
}

class Accuracy : public ::testing::TestWithParam<Function> {};

TEST_P(Accuracy, F32) { expect_precise<float>(GetParam(), GetParam().f32_ulps); }
TEST_P(Accuracy, F64) { expect_precise<double>(GetParam(), GetParam().f64_ulps); }

const Function kFunctions[] = {
    {"exp", exp, [](long double x) { return std::exp(x); }, 1.1, 1.1},
    {"exp2", exp2, [](long double x) { return std::exp2(x); }, 1.2, 1.2},
    {"expm1", expm1, [](long double x) { return std::expm1(x); }, 1.5, 2.5},
    {"log", log, [](long double x) { return std::log(x); }, 1, 1},
    {"log1p", log1p, [](long double x) { return std::log1p(x); }, 2, 2},
    {"log2", log2, [](long double x) { return std::log2(x); }, 0.51, 1},
    {"log10", log10, [](long double x) { return std::log10(x); }, 0.51, 2},
    {"cbrt", cbrt, [](long double x) { return std::cbrt(x); }, 0.51, 4},
    {"sin", sin, [](long double x) { return std::sin(x); }, 0.51, 1.5},
    {"cos", cos, [](long double x) { return std::cos(x); }, 0.51, 1.5},
    {"tan", tan, [](long double x) { return std::tan(x); }, 0.51, 3},
    {"asin", asin, [](long double x) { return std::asin(x); }, 0.51, 1},
    {"acos", acos, [](long double x) { return std::acos(x); }, 0.51, 1},
    {"atan", atan, [](long double x) { return std::atan(x); }, 0.51, 1},
    {"sinh", sinh, [](long double x) { return std::sinh(x); }, 0.51, 2},
    {"cosh", cosh, [](long double x) { return std::cosh(x); }, 0.51, 2},
    {"tanh", tanh, [](long double x) { return std::tanh(x); }, 2, 2},
    {"asinh", asinh, [](long double x) { return std::asinh(x); }, 0.51, 2},
    {"acosh", acosh, [](long double x) { return std::acosh(x); }, 0.51, 2},
    {"atanh", atanh, [](long double x) { return std::atanh(x); }, 0.51, 2},
    {"sigmoid", sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }, 2.2, 2.4},
    {"erf", erf, [](long double x) { return std::erf(x); }, 2.5, 2},
    {"erfc", erfc, [](long double x) { return std::erfc(x); }, 6, 6},
};

INSTANTIATE_TEST_SUITE_P(All, Accuracy, ::testing::ValuesIn(kFunctions),
                         [](const auto& one) { return std::string(one.param.name); });

// ---- slopes in the tails --------------------------------------------------------------------------------------------

struct Slope {
  const char* op;
  double x, slope;  // of 900 digits, rounded
};

class Tails : public ::testing::TestWithParam<Slope> {};

template <class T>
void expect_slope(const Slope& wanted, DType dtype) {
  if (std::abs(wanted.slope) < std::numeric_limits<T>::min()) return;
  const Tensor x = parameter(scalar(wanted.x, dtype));
  for (const bool recorded : {false, true}) {
    const double got = grad(find_op(wanted.op).call({&x, 1}, {})[0], x, {.create_graph = recorded}).item();
    // The condition number of these is at most a few times x² in the tails.
    const double allowed = 4 * std::numeric_limits<T>::epsilon() * std::max(1.0, 4 * wanted.x * wanted.x);
    EXPECT_NEAR(got, wanted.slope, std::abs(wanted.slope) * std::min(allowed, 1e-3))
        << (recorded ? "recorded" : "plain");
  }
}

TEST_P(Tails, KeepTheirDigits) {
  expect_slope<float>(GetParam(), f32);
  expect_slope<double>(GetParam(), f64);
}

// Differences of values in 80 to 900 digits (mpmath).
const Slope kSlopes[] = {
    {"expm1", -5, 0.0067379469990854671},
    {"expm1", -12, 6.1442123533282098e-6},
    {"expm1", -30, 9.3576229688401746e-14},
    {"expm1", -40, 4.248354255291589e-18},
    {"expm1", -700, 9.8596765437597708e-305},
    {"tanh", 5, 0.00018158323094380668},
    {"tanh", 10, 8.2446144557673974e-9},
    {"tanh", -20, 1.6993417021166356e-17},
    {"tanh", 40, 7.2194055513816607e-35},
    {"tanh", -300, 1.0601586212017243e-260},
    {"sigmoid", 20, 2.0611536139418493e-9},
    {"sigmoid", 40, 4.248354255291589e-18},
    {"sigmoid", -60, 8.7565107626965203e-27},
    {"sigmoid", 300, 5.1482002224120138e-131},
    {"log_sigmoid", 20, 2.0611536181902036e-9},
    {"log_sigmoid", 60, 8.7565107626965203e-27},
    {"softplus", -60, 8.7565107626965203e-27},
    {"silu", -20, -3.9161918660646783e-8},
    {"silu", -80, -1.425832596397878e-33},
    {"silu", -700, -6.8919139040880798e-302},
    {"gelu", -5, -7.1469460017922946e-6},
    {"gelu", -12, -2.5578956616748956e-31},
    {"gelu", -37.5, -6.4762711430558126e-305},
    {"gelu_tanh", -5, -1.5463619875325946e-6},
    {"gelu_tanh", -10, -2.7576380638540316e-36},
    {"gelu_tanh", -20, -2.9424328724945029e-259},
    {"mish", -20, -3.9161918743489691e-8},
    {"mish", -80, -1.425832596397878e-33},
    {"mish", -700, -6.8919139040880798e-302},
    {"softsign", 100000.0, 9.99980000299996e-11},
    {"softsign", -2000000000.0, 2.4999999975e-19},
    {"atan", 100000.0, 9.999999999e-11},
    {"atan", -2000000000.0, 2.5e-19},
    {"erf", 3, 0.00013925305194674785},
    {"erf", 8, 1.8097067968559843e-28},
    {"erf", -26, 2.9470349932662695e-294},
    {"erfc", -3, -0.00013925305194674785},
    {"erfc", 8, -1.8097067968559843e-28},
    {"erfc", 26, -2.9470349932662695e-294},
    {"normal_cdf", 5, 1.4867195147342977e-6},
    {"normal_cdf", -12, 2.1463837356630603e-32},
    {"normal_cdf", -37, 2.1200065515246056e-298},
    {"normal_density", 9, -9.2517962145020233e-18},
    {"normal_density", -38, 4.1694399976288532e-313},
    {"exp2", -20.5, 4.6742350743701324e-7},
};

INSTANTIATE_TEST_SUITE_P(All, Tails, ::testing::ValuesIn(kSlopes),
                         [](const auto& one) { return std::string(one.param.op) + "_" + std::to_string(one.index); });

}  // namespace
}  // namespace tapegrad::tests
