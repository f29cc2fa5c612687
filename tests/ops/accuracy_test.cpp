// The library's own functions against long double, over all binades, denormals, zeros, infinities and NaN.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/special.hpp>
#include <vector>

namespace tapegrad::tests {
namespace {

using Reference = long double (*)(long double);

struct Function {
  const char* name;
  Tensor (*op)(const Tensor&);
  Reference reference;
  double f32_ulps, f64_ulps;
};

/// The distance between neighbours around `value`, in T.
template <class T>
long double ulp(long double value) {
  const long double size = std::fabs(value);
  if (!(size >= std::numeric_limits<T>::min())) return std::numeric_limits<T>::denorm_min();
  return std::ldexp(1.0L, std::ilogb(size) - (std::numeric_limits<T>::digits - 1));
}

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

}  // namespace
}  // namespace tapegrad::tests
