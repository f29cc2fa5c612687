// Norms, moments and normalisations over the whole exponent range, against formulas in long double, in which no square
// of an f64 leaves the range: value and gradient, plain and recorded, wherever the true number is in range.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/normalization.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

using Real = long double;
using Reals = std::vector<Real>;

/// What is computed of a row of six numbers; the gradient is for the cotangent 1, 2, 3, ….
struct Case {
  std::string name;
  std::function<Tensor(const Tensor& x)> f;
  std::function<Reals(const Reals&)> value, gradient;
  std::function<Reals(const Reals&)> terms = {};  ///< what the gradient is the difference of, if that may be smaller
};

Real sum_of(const Reals& x) {
  Real sum = 0;
  for (const Real v : x) sum += v;
  return sum;
}
template <class F>
Reals each(const Reals& x, const F& f) {
  Reals y;
  for (std::size_t i = 0; i < x.size(); ++i) y.push_back(f(x[i], i));
  return y;
}
Real mean_of(const Reals& x) { return sum_of(x) / static_cast<Real>(x.size()); }
Real length_of(const Reals& x) {
  return std::sqrt(sum_of(each(x, [](Real v, std::size_t) { return v * v; })));
}

Case p_norm(double p) {
  const auto value = [p](const Reals& x) {
    return Reals{
        std::pow(sum_of(each(x, [p](Real v, std::size_t) { return std::pow(std::abs(v), Real{p}); })), 1 / Real{p})};
  };
  return {"norm " + std::to_string(p), [p](const Tensor& x) { return norm(x, p); }, value,
          [p, value](const Reals& x) {
            const Real y = value(x)[0];
            return each(x, [&](Real v, std::size_t) {
              return v == 0 ? 0 : std::copysign(std::pow(std::abs(v) / y, Real{p} - 1), v);
            });
          }};
}

Case deviation(double correction, bool root) {
  const auto squares = [](const Reals& x) {
    const Real mean = mean_of(x);
    return sum_of(each(x, [=](Real v, std::size_t) { return (v - mean) * (v - mean); }));
  };
  return {root ? "std" : "var",
          [=](const Tensor& x) { return root ? stddev(x, {}, false, correction) : var(x, {}, false, correction); },
          [=](const Reals& x) {
            const Real variance = squares(x) / (static_cast<Real>(x.size()) - correction);
            return Reals{root ? std::sqrt(variance) : variance};
          },
          [=](const Reals& x) {
            const Real mean = mean_of(x), degrees = static_cast<Real>(x.size()) - correction;
            const Real std = std::sqrt(squares(x) / degrees);
            return each(x, [=](Real v, std::size_t) { return (root ? 1 / std : 2) * (v - mean) / degrees; });
          }};
}

/// `along`: the elements that share their moments are those at distance 6 / along.
Case normalized(const std::string& name, double eps, bool centered, const std::function<Tensor(const Tensor&)>& f) {
  struct Standard {
    Reals values;
    Real scale;
  };
  const auto standard = [=](const Reals& x) {
    const Real mean = centered ? mean_of(x) : 0;
    const Reals deviations = each(x, [=](Real v, std::size_t) { return v - mean; });
    const Real length = length_of(deviations),
               scale = 1 / std::sqrt(length * length / static_cast<Real>(x.size()) + eps);
    return Standard{each(deviations, [=](Real v, std::size_t) { return v * scale; }), scale};
  };
  return {name, f, [=](const Reals& x) { return standard(x).values; },
          [=](const Reals& x) {
            const auto [values, scale] = standard(x);
            const Reals g = each(x, [](Real, std::size_t i) { return static_cast<Real>(i + 1); });
            const Real mean = centered ? mean_of(g) : 0;
            const Real slope = mean_of(each(values, [&](Real v, std::size_t i) { return v * g[i]; }));
            return each(values,
                        [&, factor = scale](Real v, std::size_t i) { return (g[i] - mean - v * slope) * factor; });
          }};
}

/// Of the first three numbers and the last three.
Case cosine() {
  constexpr double kEpsilon = 1e-30;
  struct Parts {
    Reals a, b;
    Real length_a, length_b, c;
  };
  const auto parts = [](const Reals& x) {
    Parts p{{x.begin(), x.begin() + 3}, {x.begin() + 3, x.end()}, 0, 0, 0};
    p.length_a = std::max<Real>(length_of(p.a), kEpsilon);
    p.length_b = std::max<Real>(length_of(p.b), kEpsilon);
    p.c = sum_of(each(p.a, [&](Real v, std::size_t i) { return v * p.b[i]; })) / p.length_a / p.length_b;
    return p;
  };
  const auto f = [=](const Tensor& x) { return cosine_similarity(slice(x, 0, 0, 3), slice(x, 0, 3), -1, kEpsilon); };
  const auto gradient = [=](const Reals& x) {
    const Parts p = parts(x);
    return each(x, [&](Real, std::size_t i) {
      const Real u = i < 3 ? p.a[i] : p.b[i - 3], v = i < 3 ? p.b[i] : p.a[i - 3];
      const Real own = i < 3 ? p.length_a : p.length_b, other = i < 3 ? p.length_b : p.length_a;
      return (v / other - (own > kEpsilon ? p.c * u / own : 0)) / own;
    });
  };
  return {"cosine_similarity", f, [=](const Reals& x) { return Reals{parts(x).c}; }, gradient,
          [=](const Reals& x) {
            const Parts p = parts(x);
            return each(x, [&](Real, std::size_t i) { return 1 / (i < 3 ? p.length_a : p.length_b); });
          }};
}

std::vector<Case> cases(bool single) {
  // With an eps that is never seen, and the usual one.
  const double none = single ? 1e-44 : 1e-320;
  std::vector<Case> all{p_norm(2),    p_norm(1),           p_norm(3),          p_norm(1.5),
                        p_norm(0.75), deviation(1, false), deviation(1, true), cosine()};
  for (const double eps : {none, 1e-5}) {
    const std::string with = ", eps " + std::to_string(eps);
    all.push_back(
        normalized("layer_norm" + with, eps, true, [=](const Tensor& x) { return layer_norm(x, {6}, {.eps = eps}); }));
    all.push_back(
        normalized("rms_norm" + with, eps, false, [=](const Tensor& x) { return rms_norm(x, {6}, {.eps = eps}); }));
    all.push_back(normalized("batch_norm" + with, eps, true, [=](const Tensor& x) {
      return reshape(batch_norm(reshape(x, {6, 1}), {.eps = eps}), {6});
    }));
    all.push_back(normalized("batch_norm of images" + with, eps, true, [=](const Tensor& x) {
      return reshape(batch_norm(reshape(x, {2, 1, 3}), {.eps = eps}), {6});
    }));
    all.push_back(normalized("group_norm" + with, eps, true, [=](const Tensor& x) {
      return reshape(group_norm(reshape(x, {1, 2, 3}), 1, {.eps = eps}), {6});
    }));
    all.push_back(normalized("instance_norm" + with, eps, true, [=](const Tensor& x) {
      return reshape(instance_norm(reshape(x, {1, 1, 6}), {.eps = eps}), {6});
    }));
  }
  return all;
}

/// From the least subnormal to the largest power of two.
template <class T>
std::vector<int> exponents(int step) {
  std::vector<int> all;
  using Limits = std::numeric_limits<T>;
  for (int e = Limits::min_exponent - Limits::digits; e < Limits::max_exponent; e += step) all.push_back(e);
  return all;
}

template <class T>
class Scales : public ::testing::Test {
 public:
  using Limits = std::numeric_limits<T>;
  static constexpr Real kEps = Limits::epsilon();

  /// Four units in the last place, or as much as four roundings of the input change the result.
  static void expect_near(const std::vector<double>& got, const std::function<Reals(const Reals&)>& f, const Reals& x,
                          const std::string& what, const std::function<Reals(const Reals&)>& terms = {}) {
    const Reals wanted = f(x);
    Reals change(wanted.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      constexpr Real kStep = 0x1p-26L;
      Reals moved = x;
      moved[i] *= 1 + kStep;
      const Reals there = f(moved);
      for (std::size_t j = 0; j < wanted.size(); ++j) change[j] += std::abs(there[j] - wanted[j]) / kStep;
    }
    ASSERT_EQ(got.size(), wanted.size()) << what;
    for (std::size_t j = 0; j < wanted.size(); ++j) {
      if (!(std::abs(wanted[j]) <= Limits::max())) continue;
      const Real size = std::abs(wanted[j]) + change[j] + (terms ? terms(x)[j] : 0);
      const Real tolerance = 4 * (kEps * size + Limits::denorm_min());
      EXPECT_LE(std::abs(static_cast<Real>(got[j]) - wanted[j]), tolerance)
          << what << ", element " << j << ": " << got[j] << ", not " << static_cast<double>(wanted[j]);
    }
  }
};
using Floats = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Scales, Floats);

TYPED_TEST(Scales, OverTheWholeRange) {
  constexpr bool kSingle = sizeof(TypeParam) == 4;
  const std::vector<std::vector<double>> shapes{{0.7, -1.3, 0.2, 1.1, -0.4, 1.9},
                                                {3, 3.25, 3.5, 2.75, 3.125, 2.5},
                                                {1, 0x1p-40, -0x1p-60, 0.5, -0x1p-20, 0},
                                                {0.7, -1.3, 0.2, 0x1.1p-90, -0x1.3p-90, 0x1.7p-89}};
  for (const Case& c : cases(kSingle))
    for (const int e : exponents<TypeParam>(kSingle ? 7 : 41))
      for (std::size_t s = 0; s < shapes.size(); ++s) {
        std::vector<TypeParam> values;
        Reals x;
        for (const double v : shapes[s]) {
          values.push_back(std::ldexp(static_cast<TypeParam>(v), e));
          x.push_back(values.back());
        }
        if (std::ranges::any_of(x, [](Real v) { return std::isinf(v); })) continue;
        if (std::ranges::all_of(x, [](Real v) { return v == 0; })) continue;
        const std::string what = c.name + ", shape " + std::to_string(s) + ", 2^" + std::to_string(e);
        const Tensor p = parameter(copy_of(values));
        const Tensor y = c.f(p);
        this->expect_near(y.values(), c.value, x, what);
        const Tensor cotangent =
            reshape(cast(arange(1, static_cast<double>(y.numel()) + 0.5, 1, f64), p.dtype()), y.shape());
        for (const bool recorded : {false, true}) {
          const Tensor g = grad({{y}}, {{p}}, {{cotangent}}, {.retain_graph = true, .create_graph = recorded})[0];
          this->expect_near(g.values(), c.gradient, x, what + (recorded ? ", recorded gradient" : ", gradient"),
                            c.terms);
        }
      }
}

TYPED_TEST(Scales, OfRunningStatistics) {
  constexpr bool kSingle = sizeof(TypeParam) == 4;
  const Case variance = deviation(1, false);
  for (const int e : exponents<TypeParam>(kSingle ? 5 : 37)) {
    std::vector<TypeParam> values;
    for (const double v : {0.7, -1.3, 0.2, 1.1, -0.4, 0.9}) values.push_back(std::ldexp(static_cast<TypeParam>(v), e));
    const Reals x(values.begin(), values.end());
    const BatchMoments m = batch_moments(reshape(copy_of(values), {6, 1}));
    this->expect_near(m.var.values(), variance.value, x, "variance, 2^" + std::to_string(e));
    this->expect_near(
        m.mean.values(), [](const Reals& v) { return Reals{mean_of(v)}; }, x, "mean");
  }
}

// ---- what does not fit the frame ------------------------------------------------------------------------------------

TEST(Scale, UnitVectorsHaveTheirGradientAtAnySize) {
  for (const double size : {1e-30, 1e-20, 1., 1e20, 1e30}) {
    const Tensor x = parameter(tensor({0.75 * size, size}));
    cosine_similarity(x, ones({2}), -1, 1e-37).backward();
    EXPECT_NEAR(x.grad().values()[0] * size, 0.0905097, 1e-6);
    EXPECT_NEAR(x.grad().values()[1] * size, -0.0678823, 1e-6);
  }
}

TEST(Scale, CosinesDoNotLeaveTheirBounds) {
  Rng rng({.seed = 3});
  for (const DType dtype : {f32, f64})
    for (int i = 0; i < 500; ++i) {
      const Tensor a = randn({84}, dtype, rng);
      ASSERT_LE(cosine_similarity(a, a * 3).item(), 1);
      ASSERT_GE(cosine_similarity(a, a * -3).item(), -1);
    }
}

TEST(Scale, CosinesBroadcastAlongTheAxisToo) {
  const Tensor a = parameter(tensor({2}, {1, 1}, f64)), b = tensor({1, 2, 2}, {1, 3}, f64);
  const Tensor c = cosine_similarity(a, b);
  EXPECT_NEAR(c.item(), 5 / (3 * std::sqrt(3.)), 1e-15);  // [2, 2, 2] and [1, 2, 2]
  EXPECT_NEAR(grad(c, a).item(), 0, 1e-15);
}

TEST(Scale, CosinesHaveASecondDerivativeWhereTheyAreOne) {
  const Tensor a = parameter(tensor({3, 4}, f64));
  const Tensor g = grad(cosine_similarity(a, tensor({3, 4}, f64)), a, {.create_graph = true});
  EXPECT_NEAR(grad(g[0], a).values()[0], -0.64 / 25, 1e-15);
}

TEST(Scale, MeansOfSquaresThatLeaveTheRange) {
  std::vector<float> values(1000, 0);
  values[7] = 3e19F;
  const Tensor x = parameter(copy_of(values));
  const Tensor loss = mse_loss(x, zeros({1000}));
  EXPECT_NEAR(loss.item() / 9e35, 1, 1e-6);
  EXPECT_NEAR(grad(loss, x).values()[7] / 6e16, 1, 1e-6);
}

TEST(Scale, TooFewElementsHaveNoVariance) {
  for (const double correction : {2., 3.5}) {
    const Tensor x = parameter(tensor({1, 5}, f64));
    for (const Tensor& y : {var(x, {}, false, correction), stddev(x, {}, false, correction)}) {
      EXPECT_TRUE(std::isnan(y.item()));
      EXPECT_THAT(grad(y, x).values(), ::testing::Each(::testing::IsNan()));
    }
  }
  for (const double correction : {0., 1.}) {
    const Tensor nothing = zeros({2, 0}, f64);
    EXPECT_THAT(var(nothing, {1}, false, correction).values(), ::testing::Each(::testing::IsNan()));
    EXPECT_THAT(stddev(nothing, {1}, false, correction).values(), ::testing::Each(::testing::IsNan()));
  }
  EXPECT_TRUE(std::isnan(stddev(tensor({1, NAN, 2}, f64)).item()));
}

}  // namespace
}  // namespace tapegrad
