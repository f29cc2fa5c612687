#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/formulas/activation.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

using namespace formula;

// ---- rectifiers -----------------------------------------------------------------------------------------------------

struct Relu {
  static constexpr OpInfo info{.name = "relu",
                               .formula = "y = max(x, 0)",
                               .doc = "Gradient 0 at 0; NaN stays NaN.",
                               .inputs = {"x"},
                               .saves = kSavesOutput};
  static auto value(const auto& x) { return where(x < 0, 0, x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return where(y == 0, 0, g); }
};

struct Relu6 {
  static constexpr OpInfo info{.name = "relu6",
                               .formula = "y = min(max(x, 0), 6)",
                               .doc = "Gradient 0 at 0 and 6.",
                               .inputs = {"x"},
                               .flops = 2,
                               .saves = kSavesOutput,
                               .domain = {{-2, 8}}};
  static auto value(const auto& x) { return clamp(x, 0, 6); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return where(y == 0, 0, where(y == 6, 0, g)); }
};

struct LeakyRelu {
  static constexpr OpInfo info{.name = "leaky_relu",
                               .formula = "y = x where x > 0, else slope x",
                               .doc = "Gradient `slope` at 0.",
                               .inputs = {"x"}};
  struct Attrs {
    double slope = 0.01;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"slope", &Attrs::slope, "of the negative side"}}; }
  };
  static void check(const Attrs& a) { require_finite(info.name, "slope", a.slope); }
  static std::vector<BadAttributesOf<LeakyRelu>> bad_attributes() {
    return {{{kNaN<double>}, "slope is nan; it must be finite"},
            {{kInfinity<double>}, "slope is inf; it must be finite"},
            {{-kInfinity<double>}, "slope is -inf; it must be finite"}};
  }
  static auto value(const auto& x, const Attrs& a) { return where(x > 0, x, x * constant<decltype(x)>(a.slope)); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& a) {
    return where(x > 0, g, g * constant<decltype(x)>(a.slope));
  }
};

struct Elu {
  static constexpr OpInfo info{.name = "elu",
                               .formula = "y = x where x > 0, else alpha (eˣ - 1)",
                               .doc = "Gradient `alpha` at 0.",
                               .inputs = {"x"},
                               .flops = 8};
  struct Attrs {
    double alpha = 1;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"alpha", &Attrs::alpha, "limit below, negated"}}; }
  };
  static void check(const Attrs& a) { require_not_negative(info.name, "alpha", a.alpha); }
  static std::vector<BadAttributesOf<Elu>> bad_attributes() {
    return {{{kNaN<double>}, "alpha is nan; it must be finite and not below 0"},
            {{kInfinity<double>}, "alpha is inf; it must be finite and not below 0"},
            {{-1}, "alpha is -1; it must be finite and not below 0"}};
  }
  static auto value(const auto& x, const Attrs& a) {
    return where(x > 0, x, expm1(x) * constant<decltype(x)>(a.alpha));
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& a) {
    return g * where(x > 0, 1, exp(x) * constant<decltype(x)>(a.alpha));
  }
};

struct Selu {
  static constexpr OpInfo info{.name = "selu",
                               .formula = "y = scale x where x > 0, else scale alpha (eˣ - 1)",
                               .doc = "Keeps mean 0 and variance 1. Gradient scale · alpha at 0.",
                               .inputs = {"x"},
                               .flops = 9,
                               .source = "Klambauer et al., Self-Normalizing Neural Networks, 2017"};
  static constexpr long double kScale = 1.0507009873554804934193349852946L;
  static constexpr long double kBelow = 1.7580993408473768599402175208123L;  // scale · alpha
  static auto value(const auto& x) {
    return where(x > 0, x * constant<decltype(x)>(kScale), expm1(x) * constant<decltype(x)>(kBelow));
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * where(x > 0, constant<decltype(x)>(kScale), exp(x) * constant<decltype(x)>(kBelow));
  }
};

struct Celu {
  static constexpr OpInfo info{.name = "celu",
                               .formula = "y = x where x > 0, else alpha (exp(x / alpha) - 1)",
                               .doc = "Gradient 1 at 0.",
                               .inputs = {"x"},
                               .flops = 10};
  struct Attrs {
    double alpha = 1;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"alpha", &Attrs::alpha, "limit below, negated"}}; }
  };
  static void check(const Attrs& a) { require_positive(info.name, "alpha", a.alpha); }
  static std::vector<BadAttributesOf<Celu>> bad_attributes() {
    return {{{kNaN<double>}, "alpha is nan; it must be finite and above 0"},
            {{kInfinity<double>}, "alpha is inf; it must be finite and above 0"},
            {{0}, "alpha is 0; it must be finite and above 0"},
            {{-1}, "alpha is -1; it must be finite and above 0"}};
  }
  static auto value(const auto& x, const Attrs& a) {
    const auto alpha = constant<decltype(x)>(a.alpha);
    return where(x > 0, x, expm1(x / alpha) * alpha);
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& a) {
    return g * where(x > 0, 1, exp(x / constant<decltype(x)>(a.alpha)));
  }
};

// ---- gates: x times a smooth step -----------------------------------------------------------------------------------

// So far out that the steps are exactly 0 or 1; the bound keeps infinities from becoming NaN in their products.
inline constexpr double kFar = 1e4;

struct Gelu {
  static constexpr OpInfo info{.name = "gelu",
                               .formula = "y = x Φ(x)",
                               .doc = "Gaussian error linear unit.",
                               .inputs = {"x"},
                               .flops = 22,
                               .domain = {{-4, 4}},
                               .source = "Hendrycks and Gimpel, Gaussian Error Linear Units, 2016"};
  static auto value(const auto& x) { return normal_cdf_times(x, maximum(x, constant<decltype(x)>(-kFar))); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    constexpr long double kDensity = 0.3989422804014326779399461L;  // 1 / √(2π)
    return g * (normal_cdf(x) + exp_times(x * x / -2, clamp(x, -kFar, kFar) * constant<decltype(x)>(kDensity)));
  }
};

struct GeluTanh {
  static constexpr OpInfo info{.name = "gelu_tanh",
                               .formula = "y = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2",
                               .doc = "Gaussian error linear unit, approximated.",
                               .inputs = {"x"},
                               .flops = 14,
                               .domain = {{-4, 4}},
                               .source = "Hendrycks and Gimpel, Gaussian Error Linear Units, 2016"};
  // (1 + tanh u) / 2 = logistic(2 u), which keeps its precision on the left.
  static constexpr long double kSlope = 1.5957691216057307117597842397375L;  // 2 √(2/π)
  static constexpr long double kCubic = 0.044715L;
  static auto value(const auto& x) {
    const auto b = maximum(x, constant<decltype(x)>(-kFar));
    return logistic_times(b * constant<decltype(x)>(kSlope) * (1 + b * b * constant<decltype(x)>(kCubic)), b);
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    const auto b = clamp(x, -kFar, kFar);
    const auto cubic = b * b * constant<decltype(x)>(kCubic);
    const auto u = b * constant<decltype(x)>(kSlope) * (1 + cubic);
    return g * logistic_times(u, 1 + b * logistic(-u) * constant<decltype(x)>(kSlope) * (1 + 3 * cubic));
  }
};

struct Silu {
  static constexpr OpInfo info{.name = "silu",
                               .formula = "y = x / (1 + e⁻ˣ)",
                               .doc = "Also called swish.",
                               .inputs = {"x"},
                               .flops = 6,
                               .domain = {{-6, 6}}};
  static auto value(const auto& x) { return logistic_times(x, maximum(x, constant<decltype(x)>(-kFar))); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * logistic_times(x, 1 + clamp(x, -kFar, kFar) * logistic(-x));
  }
};

struct Mish {
  static constexpr OpInfo info{.name = "mish",
                               .formula = "y = x tanh(ln(1 + eˣ))",
                               .inputs = {"x"},
                               .flops = 10,
                               .domain = {{-6, 6}},
                               .source = "Misra, Mish: A Self Regularized Non-Monotonic Activation Function, 2019"};
  // With n = e² + 2 e, tanh(ln(1 + e)) = n / (n + 2); it is 1 long before e, bounded here, overflows.
  // It is about e on the left, where e may be subnormal and the products not.
  static auto bounded(const auto& x) { return minimum(x, constant<decltype(x)>(30)); }
  static auto value(const auto& x) {
    const auto e = exp(bounded(x));
    const auto n = e * (e + 2);
    return where(x < 0, exp_times(bounded(x), maximum(x, constant<decltype(x)>(-kFar)) * ((e + 2) / (n + 2))),
                 x * (n / (n + 2)));
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    const auto e = exp(bounded(x));
    const auto n = e * (e + 2);
    return g * exp_times(bounded(x), (e + 2 + 4 * clamp(x, -kFar, kFar) * (e + 1) / (n + 2)) / (n + 2));
  }
};

// ---- piecewise linear -----------------------------------------------------------------------------------------------

struct Hardtanh {
  static constexpr OpInfo info{.name = "hardtanh",
                               .formula = "y = min(max(x, low), high)",
                               .doc = "Gradient 0 at both bounds.",
                               .inputs = {"x"},
                               .flops = 2};
  struct Attrs {
    double low = -1, high = 1;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"low", &Attrs::low, "lower bound"}, Field{"high", &Attrs::high, "upper bound"}};
    }
  };
  static void check(const Attrs& a) {
    if (!(a.low < a.high))
      throw ValueError("hardtanh: low is " + format_attribute(a.low) + " and high " + format_attribute(a.high) +
                       "; low must be below high");
  }
  static std::vector<BadAttributesOf<Hardtanh>> bad_attributes() {
    return {{{1, -1}, "low is 1 and high -1; low must be below high"},
            {{1, 1}, "low is 1 and high 1"},
            {{kNaN<double>, 1}, "low is nan"},
            {{0, kNaN<double>}, "high nan"}};
  }
  static auto value(const auto& x, const Attrs& a) { return clamp(x, a.low, a.high); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& a) {
    return where(x <= constant<decltype(x)>(a.low), 0, where(x >= constant<decltype(x)>(a.high), 0, g));
  }
};

struct Hardsigmoid {
  static constexpr OpInfo info{.name = "hardsigmoid",
                               .formula = "y = min(max(x / 6 + 1/2, 0), 1)",
                               .doc = "Gradient 0 at -3 and 3.",
                               .inputs = {"x"},
                               .flops = 4,
                               .domain = {{-5, 5}}};
  static auto value(const auto& x) { return clamp(x + 3, 0, 6) / 6; }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return where(abs(x) >= 3, 0, g / 6); }
};

struct Hardswish {
  static constexpr OpInfo info{.name = "hardswish",
                               .formula = "y = x min(max(x / 6 + 1/2, 0), 1)",
                               .doc = "Gradient 0 at -3, 1 at 3.",
                               .inputs = {"x"},
                               .flops = 5,
                               .domain = {{-5, 5}}};
  static auto value(const auto& x) { return maximum(x, -3) * (clamp(x + 3, 0, 6) / 6); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * where(x <= -3, 0, where(x >= 3, 1, (2 * x + 3) / 6));
  }
};

struct Softshrink {
  static constexpr OpInfo info{.name = "softshrink",
                               .formula = "y = x - bound sign(x) where |x| > bound, else 0",
                               .doc = "Gradient 0 at -bound and bound.",
                               .inputs = {"x"},
                               .flops = 3};
  struct Attrs {
    double bound = 0.5;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"bound", &Attrs::bound, "of what becomes 0"}}; }
  };
  static void check(const Attrs& a) { require_not_negative(info.name, "bound", a.bound); }
  static std::vector<BadAttributesOf<Softshrink>> bad_attributes() {
    return {{{kNaN<double>}, "bound is nan; it must be finite and not below 0"},
            {{kInfinity<double>}, "bound is inf; it must be finite and not below 0"},
            {{-0.5}, "bound is -0.5; it must be finite and not below 0"}};
  }
  static auto value(const auto& x, const Attrs& a) {
    const auto bound = constant<decltype(x)>(a.bound);
    return where(abs(x) <= bound, 0, x - sign(x) * bound);
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& a) {
    return where(abs(x) <= constant<decltype(x)>(a.bound), 0, g);
  }
};

struct Hardshrink {
  static constexpr OpInfo info{.name = "hardshrink",
                               .formula = "y = x where |x| > bound, else 0",
                               .doc = "Gradient 0 at -bound and bound.",
                               .inputs = {"x"},
                               .flops = 2};
  using Attrs = Softshrink::Attrs;
  static void check(const Attrs& a) { require_not_negative(info.name, "bound", a.bound); }
  static std::vector<BadAttributesOf<Hardshrink>> bad_attributes() {
    return {{{kNaN<double>}, "bound is nan; it must be finite and not below 0"},
            {{kInfinity<double>}, "bound is inf; it must be finite and not below 0"},
            {{-0.5}, "bound is -0.5; it must be finite and not below 0"}};
  }
  static auto value(const auto& x, const Attrs& a) { return where(abs(x) <= constant<decltype(x)>(a.bound), 0, x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& a) {
    return where(abs(x) <= constant<decltype(x)>(a.bound), 0, g);
  }
};

struct Prelu {
  static constexpr OpInfo info{.name = "prelu",
                               .formula = "y = x where x > 0, else slope x",
                               .doc = "leaky_relu with slopes that are learnt. Gradients `slope` and 0 at 0.",
                               .inputs = {"x", "slope"},
                               .flops = 2};
  static auto value(const auto& x, const auto& slope) { return where(x > 0, x, x * slope); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto& slope, const auto&) {
    return where(x > 0, g, g * slope);
  }
  static auto vjp(wrt<1>, const auto& g, const auto& x, const auto&, const auto&) { return where(x > 0, 0, g * x); }
};

using ActivationOps =
    OpList<Sigmoid, LogSigmoid, Logit, Softplus, Softsign, Relu, Relu6, LeakyRelu, Elu, Selu, Celu, Gelu, GeluTanh,
           Silu, Mish, Hardtanh, Hardsigmoid, Hardswish, Softshrink, Hardshrink, Prelu>;

}  // namespace ops

using ops::ActivationOps;

Tensor sigmoid(const Tensor& x) { return ActivationOps::apply<ops::Sigmoid>(x); }
Tensor log_sigmoid(const Tensor& x) { return ActivationOps::apply<ops::LogSigmoid>(x); }
Tensor logit(const Tensor& x) { return ActivationOps::apply<ops::Logit>(x); }
Tensor softplus(const Tensor& x) { return ActivationOps::apply<ops::Softplus>(x); }
Tensor softsign(const Tensor& x) { return ActivationOps::apply<ops::Softsign>(x); }
Tensor relu(const Tensor& x) { return ActivationOps::apply<ops::Relu>(x); }
Tensor relu6(const Tensor& x) { return ActivationOps::apply<ops::Relu6>(x); }
Tensor leaky_relu(const Tensor& x, double slope) {
  return ActivationOps::apply<ops::LeakyRelu>(ops::LeakyRelu::Attrs{.slope = slope}, x);
}
Tensor elu(const Tensor& x, double alpha) { return ActivationOps::apply<ops::Elu>(ops::Elu::Attrs{.alpha = alpha}, x); }
Tensor selu(const Tensor& x) { return ActivationOps::apply<ops::Selu>(x); }
Tensor celu(const Tensor& x, double alpha) {
  return ActivationOps::apply<ops::Celu>(ops::Celu::Attrs{.alpha = alpha}, x);
}
Tensor gelu(const Tensor& x) { return ActivationOps::apply<ops::Gelu>(x); }
Tensor gelu_tanh(const Tensor& x) { return ActivationOps::apply<ops::GeluTanh>(x); }
Tensor silu(const Tensor& x) { return ActivationOps::apply<ops::Silu>(x); }
Tensor mish(const Tensor& x) { return ActivationOps::apply<ops::Mish>(x); }
Tensor hardtanh(const Tensor& x, double low, double high) {
  return ActivationOps::apply<ops::Hardtanh>(ops::Hardtanh::Attrs{.low = low, .high = high}, x);
}
Tensor hardsigmoid(const Tensor& x) { return ActivationOps::apply<ops::Hardsigmoid>(x); }
Tensor hardswish(const Tensor& x) { return ActivationOps::apply<ops::Hardswish>(x); }
Tensor softshrink(const Tensor& x, double bound) {
  return ActivationOps::apply<ops::Softshrink>(ops::Softshrink::Attrs{.bound = bound}, x);
}
Tensor hardshrink(const Tensor& x, double bound) {
  return ActivationOps::apply<ops::Hardshrink>(ops::Softshrink::Attrs{.bound = bound}, x);
}
Tensor prelu(const Operand& x, const Operand& slope) { return ActivationOps::apply<ops::Prelu>(x, slope); }

Tensor glu(const Tensor& x, int axis) {
  axis = normalized_axis("glu", axis, x.rank());
  const std::int64_t half = x.size(axis) / 2;
  if (2 * half != x.size(axis))
    throw ShapeError("glu: x is " + to_string(x.shape()) + "; axis " + std::to_string(axis) +
                     " has two halves, so its extent must be even");
  return slice(x, axis, 0, half) * sigmoid(slice(x, axis, half));
}

std::span<const OpEntry> activation_ops() { return ActivationOps::entries; }

}  // namespace tapegrad
