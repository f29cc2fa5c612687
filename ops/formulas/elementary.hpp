#pragma once
// Exponentials, logarithms, trigonometric and hyperbolic functions. Each operation's declaration, value and
// derivatives, which tensors (ops/elementary.cpp) and scalars (scalar/) read alike.

#include <tapegrad/core/op.hpp>
#include <tapegrad/op/formula/vocabulary.hpp>

namespace tapegrad::ops {

using namespace formula;

// ---- exponentials and logarithms ------------------------------------------------------------------------------------

struct Exp {
  static constexpr OpInfo info{.name = "exp", .formula = "y = eˣ", .inputs = {"x"}, .flops = 4, .saves = kSavesOutput};
  static auto value(const auto& x) { return exp(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g * y; }
};

struct Exp2 {
  static constexpr OpInfo info{.name = "exp2", .formula = "y = 2ˣ", .inputs = {"x"}, .flops = 4};
  static auto value(const auto& x) { return exp2(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * exp2(x - 1) * constant<decltype(x)>(1.3862943611198906188344642L);  // where y overflows, this may not
  }
};

struct Expm1 {
  static constexpr OpInfo info{.name = "expm1", .formula = "y = eˣ - 1", .inputs = {"x"}, .flops = 6};
  static auto value(const auto& x) { return expm1(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * exp(x); }
};

struct Log {
  static constexpr OpInfo info{.name = "log",
                               .formula = "y = ln x",
                               .doc = "NaN below 0; gradient +inf at 0.",
                               .inputs = {"x"},
                               .flops = 8,
                               .domain = {{0.2, 3}}};
  static auto value(const auto& x) { return log(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * valid(x >= 0, x) / x; }
};

struct Log2 {
  static constexpr OpInfo info{.name = "log2",
                               .formula = "y = ln x / ln 2",
                               .doc = "NaN below 0; gradient +inf at 0.",
                               .inputs = {"x"},
                               .flops = 12,
                               .domain = {{0.2, 3}}};
  static auto value(const auto& x) { return log2(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * valid(x >= 0, x) * constant<decltype(x)>(1.4426950408889634073599247L) / x;
  }
};

struct Log10 {
  static constexpr OpInfo info{.name = "log10",
                               .formula = "y = ln x / ln 10",
                               .doc = "NaN below 0; gradient +inf at 0.",
                               .inputs = {"x"},
                               .flops = 12,
                               .domain = {{0.2, 3}}};
  static auto value(const auto& x) { return log10(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * valid(x >= 0, x) * constant<decltype(x)>(0.43429448190325182765112892L) / x;
  }
};

struct Log1p {
  static constexpr OpInfo info{.name = "log1p",
                               .formula = "y = ln(1 + x)",
                               .doc = "NaN below -1; gradient +inf at -1.",
                               .inputs = {"x"},
                               .flops = 9,
                               .domain = {{-0.7, 3}}};
  static auto value(const auto& x) { return log1p(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * valid(x >= -1, x) / (x + 1); }
};

// ---- trigonometric --------------------------------------------------------------------------------------------------

struct Sin {
  static constexpr OpInfo info{
      .name = "sin", .formula = "y = sin x", .inputs = {"x"}, .flops = 12, .domain = {{-4, 4}}};
  static constexpr double reach = kTurnReach;
  static auto value(const auto& x) { return sin(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * cos(x); }
};

struct Cos {
  static constexpr OpInfo info{
      .name = "cos", .formula = "y = cos x", .inputs = {"x"}, .flops = 12, .domain = {{-4, 4}}};
  static constexpr double reach = kTurnReach;
  static auto value(const auto& x) { return cos(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return -g * sin(x); }
};

struct Tan {
  static constexpr OpInfo info{.name = "tan",
                               .formula = "y = tan x",
                               .inputs = {"x"},
                               .flops = 14,
                               .saves = kSavesOutput,
                               .domain = {{-1.3, 1.3}}};
  static constexpr double reach = kTurnReach;
  static auto value(const auto& x) { return tan(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g * (y * y + 1); }
};

struct Asin {
  static constexpr OpInfo info{.name = "asin",
                               .formula = "y = arcsin x",
                               .doc = "NaN outside [-1, 1]; gradient +inf at ±1.",
                               .inputs = {"x"},
                               .flops = 12,
                               .domain = {{-0.9, 0.9}}};
  static auto value(const auto& x) { return asin(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * rsqrt(one_minus_square(x)); }
};

struct Acos {
  static constexpr OpInfo info{.name = "acos",
                               .formula = "y = arccos x",
                               .doc = "NaN outside [-1, 1]; gradient -inf at ±1.",
                               .inputs = {"x"},
                               .flops = 12,
                               .domain = {{-0.9, 0.9}}};
  static auto value(const auto& x) { return acos(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return -g * rsqrt(one_minus_square(x)); }
};

struct Atan {
  static constexpr OpInfo info{.name = "atan", .formula = "y = arctan x", .inputs = {"x"}, .flops = 12};
  static auto value(const auto& x) { return atan(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * atan_slope(x); }
};

struct Atan2 {
  static constexpr OpInfo info{.name = "atan2",
                               .formula = "z = angle of (x, y)",
                               .doc = "From -π to π; gradient 0 at the origin and at infinity.",
                               .inputs = {"y", "x"},
                               .flops = 16,
                               .domain = {{-2, 2}, {0.3, 2}}};
  static auto value(const auto& y, const auto& x) { return atan2(y, x); }
  static auto vjp(wrt<0>, const auto& g, const auto& y, const auto& x, const auto&) {
    return g * over_square_sum(x, y);
  }
  static auto vjp(wrt<1>, const auto& g, const auto& y, const auto& x, const auto&) {
    return -g * over_square_sum(y, x);
  }
};

// ---- hyperbolic -----------------------------------------------------------------------------------------------------

struct Sinh {
  static constexpr OpInfo info{.name = "sinh", .formula = "y = sinh x", .inputs = {"x"}, .flops = 10};
  static auto value(const auto& x) { return sinh(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * cosh(x); }
};

struct Cosh {
  static constexpr OpInfo info{.name = "cosh", .formula = "y = cosh x", .inputs = {"x"}, .flops = 10};
  static auto value(const auto& x) { return cosh(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * sinh(x); }
};

struct Tanh {
  static constexpr OpInfo info{
      .name = "tanh", .formula = "y = tanh x", .inputs = {"x"}, .flops = 6, .domain = {{-3, 3}}};
  static auto value(const auto& x) { return tanh(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * tanh_slope(x); }
};

struct Asinh {
  static constexpr OpInfo info{.name = "asinh", .formula = "y = arsinh x", .inputs = {"x"}, .flops = 20};
  static auto value(const auto& x) { return asinh(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g / hypot(x, 1); }
};

struct Acosh {
  static constexpr OpInfo info{.name = "acosh",
                               .formula = "y = arcosh x",
                               .doc = "NaN below 1; gradient +inf at 1.",
                               .inputs = {"x"},
                               .flops = 20,
                               .domain = {{1.2, 3}}};
  static auto value(const auto& x) { return acosh(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g / (sqrt(x - 1) * sqrt(x + 1)); }
};

struct Atanh {
  static constexpr OpInfo info{.name = "atanh",
                               .formula = "y = artanh x",
                               .doc = "NaN outside [-1, 1]; gradient +inf at ±1.",
                               .inputs = {"x"},
                               .flops = 20,
                               .domain = {{-0.9, 0.9}}};
  static auto value(const auto& x) { return atanh(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * valid(abs(x) <= 1, x) / one_minus_square(x);
  }
};

}  // namespace tapegrad::ops
