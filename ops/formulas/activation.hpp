#pragma once
// Smooth steps. Each operation's declaration, value and derivatives, which tensors
// (ops/activation.cpp) and scalars (scalar/) read alike.

#include <tapegrad/core/op.hpp>
#include <tapegrad/op/formula/vocabulary.hpp>

namespace tapegrad::ops {

using namespace formula;

// ---- smooth steps ---------------------------------------------------------------------------------------------------

struct Sigmoid {
  static constexpr OpInfo info{.name = "sigmoid",
                               .formula = "y = 1 / (1 + e⁻ˣ)",
                               .doc = "Logistic function.",
                               .inputs = {"x"},
                               .flops = 5,
                               .domain = {{-6, 6}}};
  static auto value(const auto& x) { return logistic(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * logistic_slope(x); }
};

struct LogSigmoid {
  static constexpr OpInfo info{.name = "log_sigmoid",
                               .formula = "y = -ln(1 + e⁻ˣ)",
                               .doc = "Without overflow.",
                               .inputs = {"x"},
                               .flops = 14,
                               .domain = {{-6, 6}}};
  static auto value(const auto& x) { return minimum(x, 0) - log1p(exp(-abs(x))); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * logistic(-x); }
};

struct Logit {
  static constexpr OpInfo info{.name = "logit",
                               .formula = "y = ln(x / (1 - x))",
                               .doc = "The inverse of sigmoid: -inf at 0, inf at 1, NaN outside.",
                               .inputs = {"x"},
                               .flops = 36,
                               .domain = {{0.05, 0.95}}};
  static auto value(const auto& x) {
    // Around 1/2 the difference of two logarithms has few digits.
    return where(4 * x > 1, log1p((2 * x - 1) / (1 - x)), log(x) - log1p(-x));
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g / (x * (1 - x)) * valid(x >= 0 && x <= 1, x);
  }
};

struct Softplus {
  static constexpr OpInfo info{.name = "softplus",
                               .formula = "y = ln(1 + eˣ)",
                               .doc = "Without overflow.",
                               .inputs = {"x"},
                               .flops = 14,
                               .domain = {{-6, 6}}};
  static auto value(const auto& x) { return maximum(x, 0) + log1p(exp(-abs(x))); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * logistic(x); }
};

struct Softsign {
  static constexpr OpInfo info{.name = "softsign", .formula = "y = x / (1 + |x|)", .inputs = {"x"}, .flops = 3};
  static auto value(const auto& x) {
    return where(abs(x) == constant<decltype(x)>(kInfinity<double>), sign(x), x / (1 + abs(x)));
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    const auto share = reciprocal(1 + abs(x));
    return g * share * share;  // the square of 1 + |x| may overflow
  }
};

}  // namespace tapegrad::ops
