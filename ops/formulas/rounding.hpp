#pragma once
// Whole numbers, rests, and the functions of <cmath> that choose. Each operation's declaration, value and derivatives,
// which tensors (ops/rounding.cpp) and scalars (scalar/) read alike.

#include <tapegrad/core/op.hpp>
#include <tapegrad/op/formula/vocabulary.hpp>

namespace tapegrad::ops {

using namespace formula;

struct Floor {
  static constexpr OpInfo info{.name = "floor",
                               .formula = "y = ⌊x⌋",
                               .doc = "Gradient 0 everywhere.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric};
  static auto value(const auto& x) { return floor(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&) { return zeros_like(g); }
};

struct Ceil {
  static constexpr OpInfo info{.name = "ceil",
                               .formula = "y = ⌈x⌉",
                               .doc = "Gradient 0 everywhere.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric};
  static auto value(const auto& x) { return ceil(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&) { return zeros_like(g); }
};

struct Round {
  static constexpr OpInfo info{.name = "round",
                               .formula = "y = the whole number nearest to x",
                               .doc = "The even one of two. Gradient 0 everywhere.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric};
  static auto value(const auto& x) { return round(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&) { return zeros_like(g); }
};

struct Trunc {
  static constexpr OpInfo info{.name = "trunc",
                               .formula = "y = x rounded towards 0",
                               .doc = "Gradient 0 everywhere.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric};
  static auto value(const auto& x) { return trunc(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&) { return zeros_like(g); }
};

// In the slope for b, the quotient is had from the rest, so that both have rounded a / b the same way.
struct Fmod {
  static constexpr OpInfo info{.name = "fmod",
                               .formula = "y = a - b trunc(a / b)",
                               .doc = "Has the sign of a.",
                               .inputs = {"a", "b"},
                               .flops = 20,
                               .saves = kSavesAll,
                               .domain = {{2.7, 2.9}, {1.05, 1.3}},
                               .kind = Kind::numeric,
                               .passes = {0}};
  static auto value(const auto& a, const auto& b) { return fmod(a, b); }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto& y) {
    return g * round(y / b - a / b);
  }
};

struct Remainder {
  static constexpr OpInfo info{.name = "remainder",
                               .formula = "y = a - b ⌊a / b⌋",
                               .doc = "Has the sign of b.",
                               .inputs = {"a", "b"},
                               .flops = 20,
                               .saves = kSavesAll,
                               .domain = {{-2.9, -2.7}, {1.05, 1.3}},
                               .kind = Kind::numeric,
                               .passes = {0}};
  static auto value(const auto& a, const auto& b) { return remainder(a, b); }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto& y) {
    return g * round(y / b - a / b);
  }
};

struct Fmax {
  static constexpr OpInfo info{.name = "fmax",
                               .formula = "y = max(a, b)",
                               .doc = "Of a NaN and a number, the number. Equal arguments share the gradient evenly.",
                               .inputs = {"a", "b"},
                               .kind = Kind::numeric};
  static auto value(const auto& a, const auto& b) { return where(b != b || a > b, a, where(a != a || b > a, b, a)); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(b != b || a > b, g, where(a == b, g / 2, 0));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where((a != a && b == b) || b > a, g, where(a == b, g / 2, 0));
  }
};

struct Fmin {
  static constexpr OpInfo info{.name = "fmin",
                               .formula = "y = min(a, b)",
                               .doc = "Of a NaN and a number, the number. Equal arguments share the gradient evenly.",
                               .inputs = {"a", "b"},
                               .kind = Kind::numeric};
  static auto value(const auto& a, const auto& b) { return where(b != b || a < b, a, where(a != a || b < a, b, a)); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(b != b || a < b, g, where(a == b, g / 2, 0));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where((a != a && b == b) || b < a, g, where(a == b, g / 2, 0));
  }
};

struct Copysign {
  static constexpr OpInfo info{.name = "copysign",
                               .formula = "y = |a| with the sign of b",
                               .doc = "Reads the sign of zeros and NaNs. No gradient for b; 0 where a is 0.",
                               .inputs = {"a", "b"},
                               .saves = {.inputs = {0}, .output = true}};
  static auto value(const auto& a, const auto& b) {
    using std::copysign;
    return copysign(a, b);
  }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto&, const auto& y) {
    return where(a == 0, 0, g * sign(a) * sign(y));
  }
  static auto vjp(wrt<1>, const auto& g, const auto&, const auto&, const auto&) { return zeros_like(g); }
};

}  // namespace tapegrad::ops
