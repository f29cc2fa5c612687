// Every function of <cmath> to the third order, in each way of nesting the types, against central differences of
// derivatives in long double, the lowest of which is of the function itself.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <tapegrad/scalar/scalar.hpp>
#include <vector>

namespace tapegrad::scalars {
namespace {

template <class T>
using Function = std::function<T(const T&)>;

/// A function of one argument, read on each type, and points in its domain.
struct Case {
  const char* name;
  std::vector<double> points;
  Function<long double> reference;
  Function<Dual<Dual<Dual<double>>>> forward;
  Function<Dual<Dual<Dual<Dual<long double>>>>> exact;
  Function<Active<Dual<Dual<double>>>> forward_over_reverse;
  Function<Active<Active<Active<double>>>> reverse;
  bool composed = false;
};

template <class F>
Case make_case(const char* name, std::vector<double> points, F f) {
  return {name,
          std::move(points),
          [f](const auto& x) { return f(x); },
          [f](const auto& x) { return decltype(x + 0)(f(x)); },
          [f](const auto& x) { return decltype(x + 0)(f(x)); },
          [f](const auto& x) { return std::remove_cvref_t<decltype(x)>(f(x)); },
          [f](const auto& x) { return std::remove_cvref_t<decltype(x)>(f(x)); }};
}

/// Derivatives of order 0 to 3.
using Derivatives = std::vector<double>;

/// By Richardson's extrapolation of central differences; about nine digits at the third order.
Derivatives by_differences(const Function<long double>& f, long double x) {
  const auto difference = [&](auto&& g, long double h) { return (g(x + h) - g(x - h)) / (2 * h); };
  const auto first = [&](long double h) { return difference(f, h); };
  const auto second = [&](long double h) { return (f(x + h) - 2 * f(x) + f(x - h)) / (h * h); };
  const auto third = [&](long double h) {
    return (f(x + 2 * h) - 2 * f(x + h) + 2 * f(x - h) - f(x - 2 * h)) / (2 * h * h * h);
  };
  const auto extrapolated = [](auto&& d, long double h) {
    long double t[5][5];
    for (int i = 0; i < 5; ++i) {
      t[i][0] = d(h / std::pow(2.0L, i));
      long double factor = 4;
      for (int k = 1; k <= i; ++k, factor *= 4) t[i][k] = t[i][k - 1] + (t[i][k - 1] - t[i - 1][k - 1]) / (factor - 1);
    }
    return static_cast<double>(t[4][4]);
  };
  const long double h = 0.02L;
  return {static_cast<double>(f(x)), extrapolated(first, h), extrapolated(second, h), extrapolated(third, 2 * h)};
}

Derivatives forward(const Case& c, double x) {
  using One = Dual<double>;
  using Two = Dual<One>;
  const auto y = c.forward(Dual<Two>(Two(One(x, 0), 0), 0));
  return {y.value().value().value(), y.tangent().value().value(), y.tangent().tangent().value(),
          y.tangent().tangent().tangent()};
}

Derivatives forward_over_reverse(const Case& c, double x) {
  using Two = Dual<Dual<double>>;
  Recording<Two> recording;
  const Active<Two> in = recording.input(Two(Dual<double>(x, 0), 0));
  const Active<Two> y = c.forward_over_reverse(in);
  recording.backward(y);
  const Two slope = recording.grad(in);
  return {y.value().value().value(), slope.value().value(), slope.tangent().value(), slope.tangent().tangent()};
}

Derivatives reverse(const Case& c, double x) {
  using One = Active<double>;
  using Two = Active<One>;
  Recording<double> inner;
  Recording<One> middle;
  Recording<Two> outer;
  const One x1 = inner.input(x);
  const Two x2 = middle.input(x1);
  const Active<Two> x3 = outer.input(x2);
  const Active<Two> y = c.reverse(x3);
  outer.backward(y);
  const Two first = outer.grad(x3);
  middle.backward(first);
  const One second = middle.grad(x2);
  inner.backward(second);
  return {number(y), number(first), number(second), inner.grad(x1)};
}

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const char* name, std::vector<double> points, auto f) {
    all.push_back(make_case(name, std::move(points), f));
  };
  const auto add_composed = [&](const char* name, std::vector<double> points, auto f) {
    add(name, std::move(points), f);
    all.back().composed = true;
  };
  const std::vector<double> wide = {-2.3, -0.7, 0.4, 1.9}, positive = {0.3, 1, 2.6}, inside = {-0.6, 0.1, 0.7};
  add("exp", wide, [](const auto& x) {
    using std::exp;
    return exp(x);
  });
  add("exp2", wide, [](const auto& x) {
    using std::exp2;
    return exp2(x);
  });
  add("expm1", wide, [](const auto& x) {
    using std::expm1;
    return expm1(x);
  });
  add("log", positive, [](const auto& x) {
    using std::log;
    return log(x);
  });
  add("log2", positive, [](const auto& x) {
    using std::log2;
    return log2(x);
  });
  add("log10", positive, [](const auto& x) {
    using std::log10;
    return log10(x);
  });
  add("log1p", positive, [](const auto& x) {
    using std::log1p;
    return log1p(x);
  });
  add("sqrt", positive, [](const auto& x) {
    using std::sqrt;
    return sqrt(x);
  });
  add("cbrt", positive, [](const auto& x) {
    using std::cbrt;
    return cbrt(x);
  });
  add("cbrt of negative", {-1.3}, [](const auto& x) {
    using std::cbrt;
    return cbrt(x);
  });
  add("pow(x, 2.5)", positive, [](const auto& x) {
    using std::pow;
    return pow(x, 2.5);
  });
  add("pow(x, 3)", wide, [](const auto& x) {
    using std::pow;
    return pow(x, 3);
  });
  add("pow(2.5, x)", wide, [](const auto& x) {
    using std::pow;
    return pow(2.5, x);
  });
  add_composed("pow(x, x)", positive, [](const auto& x) {
    using std::pow;
    return pow(x, x);
  });
  add_composed("hypot", wide, [](const auto& x) {
    using std::hypot;
    return hypot(x, 1 + x * x);
  });
  add("sin", wide, [](const auto& x) {
    using std::sin;
    return sin(x);
  });
  add("cos", wide, [](const auto& x) {
    using std::cos;
    return cos(x);
  });
  add("tan", inside, [](const auto& x) {
    using std::tan;
    return tan(x);
  });
  add("asin", inside, [](const auto& x) {
    using std::asin;
    return asin(x);
  });
  add("acos", inside, [](const auto& x) {
    using std::acos;
    return acos(x);
  });
  add("atan", wide, [](const auto& x) {
    using std::atan;
    return atan(x);
  });
  add_composed("atan2", wide, [](const auto& x) {
    using std::atan2;
    return atan2(x, 2 + x);
  });
  add("sinh", wide, [](const auto& x) {
    using std::sinh;
    return sinh(x);
  });
  add("cosh", wide, [](const auto& x) {
    using std::cosh;
    return cosh(x);
  });
  add("tanh", wide, [](const auto& x) {
    using std::tanh;
    return tanh(x);
  });
  add("asinh", wide, [](const auto& x) {
    using std::asinh;
    return asinh(x);
  });
  add("acosh", {1.4, 2, 3.5}, [](const auto& x) {
    using std::acosh;
    return acosh(x);
  });
  add("atanh", inside, [](const auto& x) {
    using std::atanh;
    return atanh(x);
  });
  add("erf", wide, [](const auto& x) {
    using std::erf;
    return erf(x);
  });
  add("erfc", wide, [](const auto& x) {
    using std::erfc;
    return erfc(x);
  });
  add("tgamma", {0.6, 1.5, 2.6}, [](const auto& x) {
    using std::tgamma;
    return tgamma(x);
  });
  add("lgamma", {0.6, 1.5, 2.6}, [](const auto& x) {
    using std::lgamma;
    return lgamma(x);
  });
  add_composed("fabs", wide, [](const auto& x) {
    using std::fabs;
    return x * fabs(x);
  });
  add_composed("fmod", {2.3, -2.3}, [](const auto& x) {
    using std::fmod;
    return x * fmod(x, 1.5);
  });
  add_composed("fma", wide, [](const auto& x) {
    using std::fma;
    return fma(x, x * x, x);
  });
  add_composed("fmax", {-0.5, 0.5}, [](const auto& x) {
    using std::fmax;
    return fmax(x * x * x, x);
  });
  add_composed("fmin", {-0.5, 0.5}, [](const auto& x) {
    using std::fmin;
    return fmin(x * x * x, x);
  });
  add_composed("copysign", wide, [](const auto& x) {
    using std::copysign;
    return copysign(x * x * x, x);
  });
  add_composed("floor", wide, [](const auto& x) {
    using std::floor;
    return floor(x) * x * x;
  });
  add_composed("ldexp", wide, [](const auto& x) {
    using std::ldexp;
    return ldexp(x, 3) * x * x;
  });
  add("hypot(x, 3)", wide, [](const auto& x) {
    using std::hypot;
    return hypot(x, 3);
  });
  add("atan2(x, 3)", wide, [](const auto& x) {
    using std::atan2;
    return atan2(x, 3);
  });
  add("atan2(3, x)", wide, [](const auto& x) {
    using std::atan2;
    return atan2(3, x);
  });
  add("copysign(x, -1)", wide, [](const auto& x) {
    using std::copysign;
    return copysign(x, -1);
  });
  add("fmax(x, 0.25)", wide, [](const auto& x) {
    using std::fmax;
    return fmax(x, 0.25);
  });
  add("fmin(x, 0.25)", wide, [](const auto& x) {
    using std::fmin;
    return fmin(x, 0.25);
  });
  add_composed("quotient", positive, [](const auto& x) { return (1 - x * x) / (x + 3) - 2 / x; });
  return all;
}

TEST(Functions, HaveThreeDerivativesInEveryMode) {
  for (const Case& c : cases())
    for (const double x : c.points) {
      const Derivatives expected = by_differences(c.reference, x);
      const Derivatives found[] = {forward(c, x), forward_over_reverse(c, x), reverse(c, x)};
      const double digits[] = {1e-15, 1e-12, 1e-10, 1e-7};
      for (const Derivatives& d : found)
        for (std::size_t order = 0; order < 4; ++order)
          EXPECT_NEAR(d[order], expected[order], digits[order] * 4 * std::max(1.0, std::abs(expected[order])))
              << c.name << " at " << x << ", order " << order;
    }
}

/// Points from the smallest numbers to the largest, and on both sides of 1.
std::vector<double> whole_range() {
  std::vector<double> points;
  for (double exponent = -300; exponent <= 300; exponent += 7.3) points.push_back(std::pow(10, exponent));
  for (double x = 0.013; x < 1000; x *= 1.37) points.push_back(x);
  const std::size_t positive = points.size();
  for (std::size_t i = 0; i < positive; ++i) points.push_back(-points[i]);
  return points;
}

// Against the same formulas in long double, whose range is wider. In compositions terms may cancel.
TEST(Functions, KeepTheirDigitsOverTheWholeRange) {
  using One = Dual<long double>;
  using Two = Dual<One>;
  using Three = Dual<Two>;
  for (const Case& c : cases()) {
    if (c.composed) continue;
    for (const double x : whole_range()) {
      const Dual<Three> y = c.exact(Dual<Three>(Three(Two(One(x, 0), 0), 0), 0));
      const long double expected[] = {y.value().value().value().value(), y.tangent().value().value().value(),
                                      y.tangent().tangent().value().value(), y.tangent().tangent().tangent().value(),
                                      y.tangent().tangent().tangent().tangent()};
      const Derivatives found = forward(c, x);
      for (std::size_t order = 0; order < 4; ++order) {
        const long double want = expected[order];
        if (!std::isfinite(want) || std::abs(want) > std::numeric_limits<double>::max()) break;
        const long double condition = want == 0 ? 0 : std::abs(x * expected[order + 1] / want);
        if (!std::isfinite(condition)) continue;
        const long double most = 8 * (1 + condition) *
                                 std::max(std::abs(want) * std::numeric_limits<double>::epsilon(),
                                          static_cast<long double>(std::numeric_limits<double>::denorm_min()));
        EXPECT_LE(std::abs(found[order] - want), most)
            << c.name << " at " << x << ", order " << order << ": " << found[order] << ", not " << want;
      }
    }
  }
}

TEST(Functions, ShareTheDecisionsOfTensorsAtCorners) {
  Recording recording;
  const auto slope = [&](double at, auto f) {
    const Real x = recording.input(at), y = f(x);
    recording.backward(y);
    return recording.grad(x);
  };
  EXPECT_EQ(slope(0, [](const Real& x) { return abs(x); }), 0);
  EXPECT_EQ(slope(2, [](const Real& x) { return max(x, 2); }), 0.5);
  EXPECT_EQ(slope(2, [](const Real& x) { return min(2, x); }), 0.5);
  EXPECT_EQ(slope(0, [](const Real& x) { return sqrt(x); }), std::numeric_limits<double>::infinity());
  EXPECT_EQ(slope(0, [](const Real& x) { return pow(x, 0); }), 0);
  EXPECT_EQ(slope(0, [](const Real& x) { return hypot(x, 0 * x); }), 0);
  EXPECT_TRUE(std::isnan(slope(-1, [](const Real& x) { return log(x); })));
  // Whole-number rounding has no slope, and gives a constant.
  EXPECT_TRUE(floor(recording.input(2.5)).is_constant());
  EXPECT_EQ(round(recording.input(2.5)).value(), 3);
  EXPECT_EQ(rint(recording.input(2.5)).value(), 2);
}

TEST(Functions, LeaveNoNanOfABranchThatIsNotUsed) {
  Recording recording;
  const Real x = recording.input(0);
  const Real root = sqrt(x), y = 0 * root + x;
  recording.backward(y);
  EXPECT_EQ(recording.grad(x), 1);
  const Real in_one_statement = 0 * sqrt(x) + x;
  recording.backward(in_one_statement);
  EXPECT_EQ(recording.grad(x), 1);
}

TEST(Functions, KeepTheirPrecisionFarOut) {
  Recording recording;
  for (const double at : {1e9, -3e15, 7e22}) {
    const Real x = recording.input(at), y = sin(x);
    recording.backward(y);
    EXPECT_NEAR(y.value(), static_cast<double>(std::sin(static_cast<long double>(at))), 1e-15);
    EXPECT_NEAR(recording.grad(x), static_cast<double>(std::cos(static_cast<long double>(at))), 1e-15);
  }
  const Real x = recording.input(20), y = tanh(x);
  recording.backward(y);
  EXPECT_NEAR(recording.grad(x) / 1.6993417021166355e-17, 1, 1e-14);
}

TEST(Functions, ReadPartsOfNumbers) {
  Recording recording;
  const Real x = recording.input(-6.5);
  EXPECT_TRUE(isfinite(x) && !isnan(x) && !isinf(x) && isnormal(x) && signbit(x));
  EXPECT_EQ(fpclassify(x), FP_NORMAL);
  EXPECT_EQ(ilogb(x), 2);
  EXPECT_EQ(lround(x), -7);
  int exponent = 0;
  const Real fraction = frexp(x, &exponent);
  EXPECT_EQ(fraction.value(), -0.8125);
  EXPECT_EQ(exponent, 3);
  recording.backward(fraction);
  EXPECT_EQ(recording.grad(x), 0.125);
  Real whole;
  EXPECT_EQ(modf(x, &whole).value(), -0.5);
  EXPECT_EQ(whole.value(), -6);
  EXPECT_EQ(static_cast<int>(x), -6);
}

}  // namespace
}  // namespace tapegrad::scalars
