// Programs: recorded once, replayed at other inputs, with the numbers of recording anew.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/scalar/program.hpp>

#include "../message_of.hpp"

namespace tapegrad::scalars {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class X>
using NumberOf = std::remove_cvref_t<decltype(std::declval<X>()[0])>;

const auto rosenbrock = [](const auto& x) {
  NumberOf<decltype(x)> sum = 0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const NumberOf<decltype(x)> a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
    sum += 100 * a * a + b * b;
  }
  return sum;
};
const auto call_price = [](const auto& x) {  // F. Black and M. Scholes, 1973
  using T = NumberOf<decltype(x)>;
  const T spread = x[2] * sqrt(x[4]);
  const T d1 = (log(x[0] / x[1]) + (x[3] + 0.5 * x[2] * x[2]) * x[4]) / spread, d2 = d1 - spread;
  return T(x[0] * 0.5 * erfc(-d1 * std::sqrt(0.5)) - x[1] * exp(-x[3] * x[4]) * 0.5 * erfc(-d2 * std::sqrt(0.5)));
};
const auto of_everything = [](const auto& x) {
  using T = NumberOf<decltype(x)>;
  const T a = maximum(x[0], x[1]) * tanh(x[2]) + pow(x[3], x[4]) + hypot(x[0], x[2]) + fma(x[1], x[2], x[3]);
  const T b = lgamma(x[3]) + digamma(x[4]) - log1p(x[3]) / cbrt(x[4]) + sin(1e7 * x[0]) + atan2(x[1], x[4]);
  return T(a * b + abs(x[0] - x[1]) + logistic(a) + polygamma(2, x[3]));
};

std::vector<double> draw(std::size_t n, double low, double high) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> from(low, high);
  std::vector<double> x(n);
  for (double& v : x) v = from(random);
  return x;
}

/// Replays at 37 samples what was recorded at the first one.
template <class F>
void expect_as_recorded_anew(const char* name, const F& f, std::size_t inputs) {
  constexpr std::size_t kSamples = 37;
  const std::vector<double> x = draw(inputs * kSamples, 0.5, 1.5);
  const auto sample = [&](std::size_t s) {
    const auto first = x.begin() + static_cast<std::ptrdiff_t>(s * inputs);
    return std::vector<double>(first, first + static_cast<std::ptrdiff_t>(inputs));
  };
  const Program program(f, sample(0));
  const std::vector<double> all = program(x);
  for (std::size_t s = 0; s < kSamples; ++s) {
    const std::vector<double> anew = detail::results_of(f(sample(s)));
    ASSERT_EQ(anew.size(), program.outputs());
    for (std::size_t i = 0; i < anew.size(); ++i)
      EXPECT_EQ(all[s * anew.size() + i], anew[i]) << name << ", sample " << s << ", output " << i;
  }
  EXPECT_EQ(program(sample(3)), detail::results_of(f(sample(3)))) << name;
}

TEST(Program, GivesTheNumbersOfRecordingAnew) {
  const auto check = [](const char* name, const auto& f, std::size_t inputs) {
    expect_as_recorded_anew(
        name, [&](const auto& x) { return gradient(f, x); }, inputs);
    expect_as_recorded_anew(
        name, [&](const auto& x) { return hessian(f, x).elements; }, inputs);
  };
  check("rosenbrock", rosenbrock, 9);
  check("call price", call_price, 5);
  expect_as_recorded_anew("value", rosenbrock, 30);
  expect_as_recorded_anew(
      "of everything", [](const auto& x) { return gradient(of_everything, x); }, 5);
}

TEST(Program, CarriesOutWhatIsNeededOnly) {
  const Program program(
      [](const auto& x) {
        const auto unused = exp(x[0]) * 2;
        (void)unused;
        return x[0] * x[1] + 3;
      },
      {2, 3});
  EXPECT_EQ(program.instructions(), 2u);
  EXPECT_EQ(program.comparisons(), 0u);
  EXPECT_THAT(program({5, 7, 1, 1}), ElementsAre(38, 4));
  const Program constant([](const auto& x) { return std::vector{x[0], NumberOf<decltype(x)>(4)}; }, {1});
  EXPECT_THAT(constant({6}), ElementsAre(6, 4));
}

TEST(Program, RefusesWhatGoesAnotherWay) {
  const auto branches = [](const auto& x) { return x[0] < x[1] ? x[0] * 2 : x[1] * 3; };
  const Program program([&](const auto& x) { return NumberOf<decltype(x)>(branches(x)); }, {1, 2});
  EXPECT_EQ(program.comparisons(), 1u);
  EXPECT_THAT(program({4, 5}), ElementsAre(8));
  EXPECT_THAT(message_of<ValueError>([&] {
                program({4, 5, 5, 4, 2, 2});
              }),
              HasSubstr("in sample 1 (of 3, 2 of them) a comparison goes another way than recorded: number 0, 1 < 2"));
  std::vector<double> y(3);
  EXPECT_THAT(program.replay(std::vector<double>{4, 5, 5, 4, 2, 3}, y), ElementsAre(1));
  EXPECT_EQ(y[0], 8);
  EXPECT_TRUE(std::isnan(y[1]));
  EXPECT_EQ(y[2], 4);
  // A NaN is neither less nor more.
  EXPECT_THAT(program.replay(std::vector<double>{NAN, 5}, std::span(y).first(1)), ElementsAre(0));
  // In the gradient, one level up.
  const Program slope(
      [&](const auto& x) { return gradient([&](const auto& v) { return NumberOf<decltype(v)>(branches(v)); }, x); },
      {1, 2});
  EXPECT_THAT(slope({4, 5}), ElementsAre(2, 0));
  EXPECT_THROW(slope({5, 4}), ValueError);
}

TEST(Program, RefusesWhereANumberThatWasReadIsAnother) {
  const Program program([](const auto& x) { return NumberOf<decltype(x)>(x[1] * floor(x[0])); }, {2.5, 3});
  EXPECT_THAT(program({2.5, 4}), ElementsAre(8));
  EXPECT_THROW(program({3.5, 4}), ValueError);
  const Program counted([](const auto& x) { return NumberOf<decltype(x)>(x[1] * static_cast<int>(x[0])); }, {2, 3});
  EXPECT_THROW(counted({3, 4}), ValueError);
}

TEST(Program, IsTheSameOnAnyNumberOfThreads) {
  const Program program([](const auto& x) { return gradient(call_price, x); }, {1, 1, 0.5, 0.5, 1});
  const std::vector<double> x = draw(5 * 20001, 0.5, 1.5);
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<double> one = program(x);
  set_num_threads(3);
  EXPECT_EQ(program(x), one);
  set_num_threads(before);
}

TEST(Program, RefusesNumbersOfAnother) {
  Traced kept;
  const Program program([&](const auto& x) { return kept = x[0] * 2; }, {1});
  EXPECT_THAT(message_of<GraphError>([&] { kept* kept; }), HasSubstr("whose recording has ended"));
  EXPECT_THROW(Program([&](const auto& x) { return x[0] * kept; }, {1}), GraphError);
  EXPECT_THAT(message_of<ValueError>([] {
                Program([](const auto& x) { return x[0] + x[1]; }, {1, 2})({1, 2, 3});
              }),
              HasSubstr("3 inputs are no whole number of samples of 2"));
}

}  // namespace
}  // namespace tapegrad::scalars
