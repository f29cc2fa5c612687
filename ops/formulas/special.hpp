#pragma once
// The error function, the normal distribution, the gamma function, sums of exponentials. Each operation's declaration,
// value and derivatives, which tensors (ops/special.cpp) and scalars (scalar/) read alike.

#include <tapegrad/core/op.hpp>
#include <tapegrad/op/formula/vocabulary.hpp>

namespace tapegrad::ops {

using namespace formula;

struct Erf {
  static constexpr OpInfo info{
      .name = "erf", .formula = "y = 2/√π ∫₀ˣ exp(-t²) dt", .doc = "Error function.", .inputs = {"x"}, .flops = 20};
  static auto value(const auto& x) { return erf(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * exp(-x * x) * constant<decltype(x)>(1.128379167095512573896158903L);
  }
};

struct Erfc {
  static constexpr OpInfo info{
      .name = "erfc", .formula = "y = 1 - erf(x)", .doc = "Precise in the tail.", .inputs = {"x"}, .flops = 20};
  static auto value(const auto& x) { return erfc(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * exp(-x * x) * constant<decltype(x)>(-1.128379167095512573896158903L);
  }
};

struct Erfinv {
  static constexpr OpInfo info{.name = "erfinv",
                               .formula = "erf(y) = x",
                               .doc = "±inf at ±1, NaN beyond.",
                               .inputs = {"x"},
                               .flops = 80,
                               .saves = kSavesOutput,
                               .domain = {{-0.9, 0.9}}};
  static auto value(const auto& x) { return erfinv(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) {
    return g * exp(y * y) * constant<decltype(y)>(0.886226925452758013649083741671L);
  }
};

struct NormalCdf {
  static constexpr OpInfo info{.name = "normal_cdf",
                               .formula = "y = erfc(-x / √2) / 2",
                               .doc = "The probability that a standard normal variable is below x.",
                               .inputs = {"x"},
                               .flops = 20};
  static auto value(const auto& x) { return normal_cdf(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * normal_density(x); }
};

struct NormalDensity {
  static constexpr OpInfo info{
      .name = "normal_density", .formula = "y = exp(-x² / 2) / √(2π)", .inputs = {"x"}, .flops = 8};
  static auto value(const auto& x) { return normal_density(x); }
  // Bounded where the density is 0: the product vanishes at infinity.
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return -g * exp_times(x * x / -2, clamp(x, -40, 40) * constant<decltype(x)>(0.3989422804014326779399461L));
  }
};

struct Lgamma {
  static constexpr OpInfo info{.name = "lgamma",
                               .formula = "y = ln |Γ(x)|",
                               .doc = "+inf at 0 and the negative whole numbers.",
                               .inputs = {"x"},
                               .flops = 100,
                               .domain = {{0.4, 4}}};
  static auto value(const auto& x) { return lgamma(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * digamma(x); }
};

struct Digamma {
  static constexpr OpInfo info{.name = "digamma",
                               .formula = "y = Γ'(x) / Γ(x)",
                               .doc = "∓inf at ±0, NaN at the negative whole numbers.",
                               .inputs = {"x"},
                               .flops = 100,
                               .domain = {{0.4, 4}}};
  static auto value(const auto& x) { return digamma(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * polygamma(1, x); }
};

/// Polygamma but for its attributes: what it and its gradient are at an order.
struct PolygammaRule {
  static auto value(const auto& x, int order) { return polygamma(order, x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, int order) {
    // Beyond the largest order it is NaN, as the value is.
    return g * polygamma((order > kMaxPolygammaOrder ? kMaxPolygammaOrder + 1 : order) + 1, x);
  }
};

struct Logaddexp {
  static constexpr OpInfo info{.name = "logaddexp",
                               .formula = "y = ln(eᵃ + eᵇ)",
                               .doc = "Without overflow; -inf with gradient 0 where both are -inf.",
                               .inputs = {"a", "b"},
                               .flops = 20};
  static auto value(const auto& a, const auto& b) { return maximum(a, b) + log1p(exp(-abs(where(a == b, 0, a - b)))); }
  /// The part of exp(a) in the sum: a half each of equal infinities, though their difference is NaN.
  static auto share(const auto& a, const auto& b) {
    const auto infinity = constant<decltype(b)>(kInfinity<double>);
    const auto part = logistic(where(a == b && b == infinity, 0, a - b));
    return where(a == -infinity && b == -infinity, 0, part);
  }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) { return g * share(a, b); }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) { return g * share(b, a); }
};

struct Xlogy {
  static constexpr OpInfo info{.name = "xlogy",
                               .formula = "y = a ln b",
                               .doc = "0 where a is 0, even where b is too; the gradients at (0, 0) are 0.",
                               .inputs = {"a", "b"},
                               .flops = 10,
                               .domain = {{-2, 2}, {0.3, 3}}};
  static auto value(const auto& a, const auto& b) { return where(a == 0 && b == b, 0, a * log(b)); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    // g inside the choice: between two numbers, were b one, `where` would choose in f32.
    return where(a == 0 && b <= 0, 0, g * log(b));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return g * valid(a == 0 || b >= 0, b) * where(a == 0 && b == 0, 0, a / b);
  }
};

struct Xlog1py {
  static constexpr OpInfo info{.name = "xlog1py",
                               .formula = "y = a ln(1 + b)",
                               .doc = "0 where a is 0, even where b is -1; the gradients at (0, -1) are 0.",
                               .inputs = {"a", "b"},
                               .flops = 12,
                               .domain = {{-2, 2}, {-0.7, 3}}};
  static auto value(const auto& a, const auto& b) { return where(a == 0 && b == b, 0, a * log1p(b)); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(a == 0 && b <= -1, 0, g * log1p(b));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return g * valid(a == 0 || b >= -1, b) * where(a == 0 && b == -1, 0, a / (1 + b));
  }
};

struct Entr {
  static constexpr OpInfo info{.name = "entr",
                               .formula = "y = -x ln x",
                               .doc = "What a probability contributes to entropy: 0 at 0, -inf below.",
                               .inputs = {"x"},
                               .flops = 12,
                               .domain = {{0.05, 2}}};
  static auto value(const auto& x) {
    return where(x == 0, 0, where(x < 0, constant<decltype(x)>(-kInfinity<double>), -x * log(x)));
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return -g * (log(x) + 1); }
};

}  // namespace tapegrad::ops
