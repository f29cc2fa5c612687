#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <tapegrad/interchange/internal/onnx_exporters.hpp>

namespace tapegrad::onnx {
namespace {

/// ONNX's operator of all inputs, in the result's dtype.
template <std::size_t n>
struct Name {
  char text[n];
  constexpr Name(const char (&t)[n]) { std::copy(t, t + n, text); }
};
template <Name name>
Expr renamed(const RecordedCall& c) {
  std::vector<Expr> inputs;
  for (std::size_t i = 0; i < c.size(); ++i) inputs.push_back(c.in(i));
  return emit(name.text, inputs);
}

/// The same of a predicate: inputs in the dtype that holds both.
template <Name name>
Expr predicate(const RecordedCall& c) {
  DType dtype = c[0].dtype;
  for (const Expr& input : c.inputs()) dtype = promote(dtype, input.dtype);
  std::vector<Expr> inputs;
  for (const Expr& input : c.inputs()) inputs.push_back(cast_to(input, dtype));
  return c.graph().node(name.text, inputs, boolean);
}
template <Name name>
Expr logical(const RecordedCall& c) {
  std::vector<Expr> inputs;
  for (const Expr& input : c.inputs()) inputs.push_back(cast_to(input, boolean));
  return c.graph().node(name.text, inputs, boolean);
}

Expr exp(const Expr& x) { return emit("Exp", {x}); }
Expr log(const Expr& x) { return emit("Log", {x}); }
Expr abs(const Expr& x) { return emit("Abs", {x}); }
Expr sqrt(const Expr& x) { return emit("Sqrt", {x}); }
Expr erf(const Expr& x) { return emit("Erf", {x}); }
Expr tanh(const Expr& x) { return emit("Tanh", {x}); }
Expr sign(const Expr& x) { return emit("Sign", {x}); }
Expr sigmoid(const Expr& x) { return emit("Sigmoid", {x}); }
Expr floor(const Expr& x) { return emit("Floor", {x}); }
Expr zero(const Expr& like) { return like.graph->number(0, like.dtype); }
Expr is_nan(const Expr& x) { return x.graph->node("IsNaN", {x}, boolean); }
Expr is_zero(const Expr& x) { return compare("Equal", x, zero(x)); }
Expr not_of(const Expr& x) { return emit("Not", {x}); }
Expr both(const Expr& a, const Expr& b) { return emit("And", {a, b}); }

/// ln(1 + x) where |x| is small, too: Kahan's correction of the rounding of 1 + x.
Expr log1p(const Expr& x) {
  const Expr u = x + 1.0, difference = u - 1.0;
  const Expr exact = is_zero(difference);
  const Expr corrected = log(u) * (x / choose(exact, x.graph->number(1, x.dtype), difference));
  const Expr infinite = compare("Greater", x, x.graph->number(1e30, x.dtype));
  return choose(exact, x, choose(infinite, log(u), corrected));
}
/// exp(x) - 1: 2 tanh(x / 2) / (1 - tanh(x / 2)) near 0.
Expr expm1(const Expr& x) {
  const Expr t = tanh(x * 0.5);
  return choose(compare("Less", abs(x), x.graph->number(0.5, x.dtype)), t * 2.0 / (1.0 - t), exp(x) - 1.0);
}
Expr softplus(const Expr& x) { return maximum(x, 0) + log1p(exp(-abs(x))); }
Expr normal_cdf(const Expr& x) { return (erf(x * std::numbers::sqrt2 * 0.5) + 1.0) * 0.5; }
Expr bounded(const Expr& x, double low, double high) { return minimum(maximum(x, low), high); }
Expr xlogy(const Expr& a, const Expr& b) { return choose(both(is_zero(a), not_of(is_nan(b))), zero(a), a * log(b)); }

constexpr Exporter kPointwise[] = {
    {"add", renamed<"Add">},
    {"sub", renamed<"Sub">},
    {"mul", renamed<"Mul">},
    {"div", renamed<"Div">},
    {"neg", renamed<"Neg">},
    {"abs", renamed<"Abs">},
    {"sign", renamed<"Sign">},
    {"reciprocal", renamed<"Reciprocal">},
    {"square", [](const RecordedCall& c) { return c.in(0) * c.in(0); }},
    {"sqrt", renamed<"Sqrt">},
    {"rsqrt", [](const RecordedCall& c) { return 1.0 / sqrt(c.in(0)); }},
    {"cbrt",
     [](const RecordedCall& c) {
       return sign(c.in(0)) * emit("Pow", {abs(c.in(0)), c.graph().number(1.0 / 3, c.dtype())});
     }},
    {"pow", renamed<"Pow">},
    {"maximum", renamed<"Max">},
    {"minimum", renamed<"Min">},
    {"fmax",
     [](const RecordedCall& c) {
       const Expr a = c.in(0), b = c.in(1);
       return choose(is_nan(a), b, choose(is_nan(b), a, emit("Max", {a, b})));
     }},
    {"fmin",
     [](const RecordedCall& c) {
       const Expr a = c.in(0), b = c.in(1);
       return choose(is_nan(a), b, choose(is_nan(b), a, emit("Min", {a, b})));
     }},
    {"hypot",
     [](const RecordedCall& c) {
       const Expr a = abs(c.in(0)), b = abs(c.in(1)), high = emit("Max", {a, b}), low = emit("Min", {a, b});
       const Expr ratio = low / choose(is_zero(high), c.graph().number(1, c.dtype()), high);
       return high * sqrt(ratio * ratio + 1.0);
     }},
    {"lerp", [](const RecordedCall& c) { return c.in(0) + c.in(2) * (c.in(1) - c.in(0)); }},
    {"exp", renamed<"Exp">},
    {"exp2",
     [](const RecordedCall& c) {
       return emit("Pow", {c.graph().number(2, c.dtype()), c.in(0)});
     }},
    {"expm1", [](const RecordedCall& c) { return expm1(c.in(0)); }},
    {"log", renamed<"Log">},
    {"log2", [](const RecordedCall& c) { return log(c.in(0)) / std::numbers::ln2; }},
    {"log10", [](const RecordedCall& c) { return log(c.in(0)) / std::numbers::ln10; }},
    {"log1p", [](const RecordedCall& c) { return log1p(c.in(0)); }},
    {"sin", renamed<"Sin">},
    {"cos", renamed<"Cos">},
    {"tan", renamed<"Tan">},
    {"asin", renamed<"Asin">},
    {"acos", renamed<"Acos">},
    {"atan", renamed<"Atan">},
    {"sinh", renamed<"Sinh">},
    {"cosh", renamed<"Cosh">},
    {"tanh", renamed<"Tanh">},
    {"asinh", renamed<"Asinh">},
    {"acosh", renamed<"Acosh">},
    {"atanh", renamed<"Atanh">},
    {"sigmoid", renamed<"Sigmoid">},
    {"log_sigmoid", [](const RecordedCall& c) { return -softplus(-c.in(0)); }},
    {"logit", [](const RecordedCall& c) { return log(c.in(0) / (1.0 - c.in(0))); }},
    {"softplus", [](const RecordedCall& c) { return softplus(c.in(0)); }},
    {"softsign", renamed<"Softsign">},
    {"relu", renamed<"Relu">},
    {"relu6", [](const RecordedCall& c) { return bounded(c.in(0), 0, 6); }},
    {"leaky_relu",
     [](const RecordedCall& c) {
       return c.graph().node("LeakyRelu", {c.in(0)}, {{"alpha", c.number("slope")}});
     }},
    {"elu",
     [](const RecordedCall& c) {
       return c.graph().node("Elu", {c.in(0)}, {{"alpha", c.number("alpha")}});
     }},
    {"selu", renamed<"Selu">},
    {"celu",
     [](const RecordedCall& c) {
       const double alpha = c.number("alpha");
       return maximum(c.in(0), 0) + expm1(minimum(c.in(0), 0) / alpha) * alpha;
     }},
    {"gelu", [](const RecordedCall& c) { return c.in(0) * normal_cdf(c.in(0)); }},
    {"gelu_tanh",
     [](const RecordedCall& c) {
       const Expr x = c.in(0);
       const double scale = std::sqrt(2 * std::numbers::inv_pi);
       return x * 0.5 * (tanh((x + x * x * x * 0.044715) * scale) + 1.0);
     }},
    {"silu", [](const RecordedCall& c) { return c.in(0) * sigmoid(c.in(0)); }},
    {"mish", [](const RecordedCall& c) { return c.in(0) * tanh(softplus(c.in(0))); }},
    {"hardtanh", [](const RecordedCall& c) { return bounded(c.in(0), c.number("low"), c.number("high")); }},
    {"hardsigmoid", [](const RecordedCall& c) { return bounded(c.in(0) / 6.0 + 0.5, 0, 1); }},
    {"hardswish", [](const RecordedCall& c) { return c.in(0) * bounded(c.in(0) / 6.0 + 0.5, 0, 1); }},
    {"softshrink",
     [](const RecordedCall& c) {
       const double bound = c.number("bound");
       return maximum(c.in(0) - bound, 0) + minimum(c.in(0) + bound, 0);
     }},
    {"hardshrink",
     [](const RecordedCall& c) {
       const Expr x = c.in(0), bound = c.graph().number(c.number("bound"), c.dtype());
       return choose(compare("LessOrEqual", abs(x), bound), zero(x), x);
     }},
    {"prelu",
     [](const RecordedCall& c) {
       return choose(compare("GreaterOrEqual", c.in(0), zero(c.in(0))), c.in(0), c.in(1) * c.in(0));
     }},
    {"erf", renamed<"Erf">},
    {"normal_cdf", [](const RecordedCall& c) { return normal_cdf(c.in(0)); }},
    {"normal_density",
     [](const RecordedCall& c) { return exp(c.in(0) * c.in(0) * -0.5) * std::sqrt(0.5 * std::numbers::inv_pi); }},
    {"logaddexp",
     [](const RecordedCall& c) {
       return emit("Max", {c.in(0), c.in(1)}) + log1p(exp(-abs(c.in(0) - c.in(1))));
     }},
    {"xlog1py",
     [](const RecordedCall& c) {
       const Expr a = c.in(0), b = c.in(1);
       return choose(both(is_zero(a), not_of(is_nan(b))), zero(a), a * log1p(b));
     }},
    {"xlogy", [](const RecordedCall& c) { return xlogy(c.in(0), c.in(1)); }},
    {"entr", [](const RecordedCall& c) { return -xlogy(c.in(0), c.in(0)); }},
    {"floor", renamed<"Floor">},
    {"ceil", renamed<"Ceil">},
    {"round", renamed<"Round">},
    {"trunc", [](const RecordedCall& c) { return sign(c.in(0)) * floor(abs(c.in(0))); }},
    {"fmod",
     [](const RecordedCall& c) {
       return c.graph().node("Mod", {c.in(0), c.in(1)}, {{"fmod", std::int64_t{is_floating(c.dtype())}}});
     }},
    {"remainder",
     [](const RecordedCall& c) {
       if (!is_floating(c.dtype())) return emit("Mod", {c.in(0), c.in(1)});
       return c.in(0) - floor(c.in(0) / c.in(1)) * c.in(1);
     }},
    {"clamp",
     [](const RecordedCall& c) {
       Expr x = c.in(0);
       if (const double low = c.number("min"); std::isfinite(low)) x = maximum(x, low);
       if (const double high = c.number("max"); std::isfinite(high)) x = minimum(x, high);
       return x;
     }},
    {"equal", predicate<"Equal">},
    {"not_equal", [](const RecordedCall& c) { return not_of(predicate<"Equal">(c)); }},
    {"less", predicate<"Less">},
    {"less_equal", predicate<"LessOrEqual">},
    {"greater", predicate<"Greater">},
    {"greater_equal", predicate<"GreaterOrEqual">},
    {"isfinite",
     [](const RecordedCall& c) {
       return not_of(emit("Or", {predicate<"IsNaN">(c), predicate<"IsInf">(c)}));
     }},
    {"nan_to_num",
     [](const RecordedCall& c) {
       const Expr x = c.in(0);
       const double most = c.dtype() == f64 ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
       const Expr low = c.graph().number(std::max(-most, c.number("neginf")), c.dtype()),
                  high = c.graph().number(std::min(most, c.number("posinf")), c.dtype());
       const Expr finite =
           choose(c.graph().node("IsInf", {x}, boolean), choose(compare("Less", x, zero(x)), low, high), x);
       return choose(is_nan(x), c.graph().number(c.number("nan"), c.dtype()), finite);
     }},
    {"sinc",
     [](const RecordedCall& c) {
       if (c.integer("derivative") != 0) c.refuse("a derivative of it");
       const Expr x = c.in(0), nearest = emit("Round", {x * 0.5}) * 2.0;
       const Expr y = emit("Sin", {(x - nearest) * std::numbers::pi}) / (x * std::numbers::pi);
       const Expr whole = compare("Equal", floor(x), x);
       return choose(is_zero(x), c.graph().number(1, c.dtype()), choose(whole, zero(x), y));
     }},
    {"isnan", predicate<"IsNaN">},
    {"isinf", predicate<"IsInf">},
    {"logical_and", logical<"And">},
    {"logical_or", logical<"Or">},
    {"logical_xor", logical<"Xor">},
    {"logical_not", logical<"Not">},
    {"where", [](const RecordedCall& c) { return choose(cast_to(c[0], boolean), c.in(1), c.in(2)); }},
    {"cast", [](const RecordedCall& c) { return c.in(0); }},
    {"binary_cross_entropy_with_logits",
     [](const RecordedCall& c) { return maximum(c.in(0), 0) - c.in(0) * c.in(1) + log1p(exp(-abs(c.in(0)))); }},
    {"binary_cross_entropy",
     [](const RecordedCall& c) {
       const Expr p = c.in(0), y = c.in(1), rest = 1.0 - y;
       return -(xlogy(y, p) + choose(is_zero(rest), zero(rest), rest * log1p(-p)));
     }},
    {"kl_divergence",
     [](const RecordedCall& c) { return choose(is_zero(c.in(1)), zero(c.in(1)), c.in(1) * (log(c.in(1)) - c.in(0))); }},
    {"huber",
     [](const RecordedCall& c) {
       const double delta = c.number("delta");
       const Expr d = abs(c.in(0) - c.in(1));
       return choose(compare("LessOrEqual", d, c.graph().number(delta, c.dtype())), d * d * 0.5,
                     (d - 0.5 * delta) * delta);
     }},
};

}  // namespace

std::span<const Exporter> pointwise_exporters() { return kPointwise; }

}  // namespace tapegrad::onnx
