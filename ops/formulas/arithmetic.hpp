#pragma once
// Sums, products, powers, the larger and the smaller. Each operation's declaration, value and derivatives, which
// tensors (ops/arithmetic.cpp) and scalars (scalar/) read alike.

#include <tapegrad/core/op.hpp>
#include <tapegrad/op/formula/vocabulary.hpp>

namespace tapegrad::ops {

using namespace formula;

struct Add {
  static constexpr OpInfo info{.name = "add",
                               .formula = "y = a + b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric,
                               .passes = {0, 1}};
  static auto value(const auto& a, const auto& b) { return a + b; }
};

struct Sub {
  static constexpr OpInfo info{.name = "sub",
                               .formula = "y = a - b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric,
                               .passes = {0}};
  static auto value(const auto& a, const auto& b) { return a - b; }
  static auto vjp(wrt<1>, const auto& g, const auto&, const auto&, const auto&) { return -g; }
};

struct Mul {
  static constexpr OpInfo info{
      .name = "mul", .formula = "y = a b", .inputs = {"a", "b"}, .saves = kSavesOthers, .kind = Kind::numeric};
  static auto value(const auto& a, const auto& b) { return a * b; }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& b, const auto&) { return g * b; }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto&, const auto&) { return g * a; }
};

struct Div {
  static constexpr OpInfo info{
      .name = "div", .formula = "y = a / b", .inputs = {"a", "b"}, .flops = 2, .domain = {{-2, 2}, {0.5, 2}}};
  static auto value(const auto& a, const auto& b) { return a / b; }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& b, const auto&) { return g / b; }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) { return -g * over_square(a, b); }
};

struct Neg {
  static constexpr OpInfo info{
      .name = "neg", .formula = "y = -x", .inputs = {"x"}, .saves = kSavesNothing, .kind = Kind::numeric};
  static auto value(const auto& x) { return -x; }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&) { return -g; }
};

struct Abs {
  static constexpr OpInfo info{.name = "abs",
                               .formula = "y = |x|",
                               .doc = "Absolute value; gradient 0 at 0, NaN at NaN.",
                               .inputs = {"x"},
                               .kind = Kind::numeric};
  static auto value(const auto& x) { return abs(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * sign(x); }
};

struct Sign {
  static constexpr OpInfo info{.name = "sign",
                               .formula = "y = -1, 0 or 1",
                               .doc = "Gradient 0 everywhere.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric};
  static auto value(const auto& x) { return sign(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&) { return zeros_like(g); }
};

struct Reciprocal {
  static constexpr OpInfo info{.name = "reciprocal",
                               .formula = "y = 1 / x",
                               .inputs = {"x"},
                               .flops = 2,
                               .saves = kSavesOutput,
                               .domain = {{0.5, 2}}};
  static auto value(const auto& x) { return reciprocal(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return -g * y * y; }
};

struct Square {
  static constexpr OpInfo info{.name = "square", .formula = "y = x²", .inputs = {"x"}, .kind = Kind::numeric};
  static auto value(const auto& x) { return x * x; }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * x * 2; }
};

struct Sqrt {
  static constexpr OpInfo info{.name = "sqrt",
                               .formula = "y = √x",
                               .doc = "Gradient +inf at 0.",
                               .inputs = {"x"},
                               .flops = 2,
                               .saves = kSavesOutput,
                               .domain = {{0.2, 3}}};
  static auto value(const auto& x) { return sqrt(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g / (y * 2); }
};

struct Rsqrt {
  static constexpr OpInfo info{.name = "rsqrt",
                               .formula = "y = 1 / √x",
                               .inputs = {"x"},
                               .flops = 3,
                               .saves = kSavesOutput,
                               .domain = {{0.2, 3}}};
  static auto value(const auto& x) { return rsqrt(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g * (y / -2) * y * y; }
};

struct Cbrt {
  static constexpr OpInfo info{.name = "cbrt",
                               .formula = "y = ∛x",
                               .doc = "Of negative numbers too; gradient +inf at 0.",
                               .inputs = {"x"},
                               .flops = 20,
                               .saves = kSavesOutput,
                               .domain = {{0.2, 3}}};
  static auto value(const auto& x) { return cbrt(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g / (y * y * 3); }
};

struct Pow {
  static constexpr OpInfo info{
      .name = "pow",
      .formula = "y = aᵇ",
      .doc = "0⁰ is 1. The gradient for a is 0 where b is 0; that for b is 0 where a is 0 and b is not negative.",
      .inputs = {"a", "b"},
      .flops = 12,
      .domain = {{0.3, 2}, {-2, 2}}};
  static auto value(const auto& a, const auto& b) { return pow(a, b); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(a == 0 && b == 0, 0, g * power_slope(a, b));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(a == 0 && b >= 0, 0, g * power_log(a, b));
  }
};

struct Maximum {
  static constexpr OpInfo info{.name = "maximum",
                               .formula = "y = max(a, b)",
                               .doc = "NaN when either is. Equal arguments share the gradient evenly.",
                               .inputs = {"a", "b"},
                               .kind = Kind::numeric};
  static auto value(const auto& a, const auto& b) { return maximum(a, b); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(a > b || a != a, g, where(a == b, g / 2, 0));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(b > a || b != b, g, where(a == b, g / 2, 0));
  }
};

struct Minimum {
  static constexpr OpInfo info{.name = "minimum",
                               .formula = "y = min(a, b)",
                               .doc = "NaN when either is. Equal arguments share the gradient evenly.",
                               .inputs = {"a", "b"},
                               .kind = Kind::numeric};
  static auto value(const auto& a, const auto& b) { return minimum(a, b); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(a < b || a != a, g, where(a == b, g / 2, 0));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(b < a || b != b, g, where(a == b, g / 2, 0));
  }
};

struct Hypot {
  static constexpr OpInfo info{.name = "hypot",
                               .formula = "y = √(a² + b²)",
                               .doc = "Without overflow; gradient 0 where both are 0.",
                               .inputs = {"a", "b"},
                               .flops = 6,
                               .domain = {{0.3, 2}, {-2, 2}}};
  static auto value(const auto& a, const auto& b) { return hypot(a, b); }
  /// x / √(x² + o²), by the ratio of the two: where both are large, the length overflows.
  static auto slope(const auto& x, const auto& o) {
    const auto larger = abs(x) >= abs(o);
    const auto ratio = where(larger, o / x, x / o);
    const auto along = where(larger, sign(x), ratio * sign(o)) * rsqrt(1 + ratio * ratio);
    return where(isinf(x), sign(x), where(x == 0 && o == 0, 0, along));
  }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) { return g * slope(a, b); }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) { return g * slope(b, a); }
};

struct Lerp {
  static constexpr OpInfo info{.name = "lerp",
                               .formula = "y = a + t (b - a)",
                               .doc = "Exactly a at t = 0 and b at t = 1.",
                               .inputs = {"a", "b", "t"},
                               .flops = 3,
                               .domain = {{-2, 2}, {-2, 2}, {-1, 2}}};
  static auto value(const auto& a, const auto& b, const auto& t) {
    // The difference of large opposites overflows.
    return where((b - a) - (b - a) == 0, where(t < constant<decltype(t)>(0.5), a + t * (b - a), b - (1 - t) * (b - a)),
                 (1 - t) * a + t * b);
  }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&, const auto& t, const auto&) { return g * (1 - t); }
  static auto vjp(wrt<1>, const auto& g, const auto&, const auto&, const auto& t, const auto&) { return g * t; }
  static auto vjp(wrt<2>, const auto& g, const auto& a, const auto& b, const auto&, const auto&) { return g * (b - a); }
};

}  // namespace tapegrad::ops
