#include <tapegrad/testing/internal/op_kinks.hpp>

#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/attributes.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradient_check.hpp>

namespace tapegrad::testing {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

/// An op of scalars.
OpKink at(std::string_view op, const std::vector<double>& inputs, double value, const std::vector<double>& gradients,
          NamedValues attributes = {}) {
  OpKink kink{op, {}, {value}, {}, std::move(attributes)};
  for (const double x : inputs) kink.inputs.push_back(scalar(x, f64));
  for (const double g : gradients) kink.gradients.push_back({g});
  return kink;
}
OpKink on(std::string_view op, std::vector<Tensor> inputs, std::vector<double> value,
          std::vector<std::vector<double>> gradients, NamedValues attributes = {}) {
  return {op, std::move(inputs), std::move(value), std::move(gradients), std::move(attributes)};
}
Tensor vec(std::initializer_list<double> values) { return tensor(values, f64); }
Tensor rows(std::initializer_list<double> values) {
  return tensor(values, {1, static_cast<std::int64_t>(values.size())}, f64);
}
Tensor line(std::initializer_list<double> values) {
  return tensor(values, {1, 1, static_cast<std::int64_t>(values.size())}, f64);
}
Tensor square(std::initializer_list<double> values) { return tensor(values, {2, 2}, f64); }
Tensor whole(std::initializer_list<double> values) { return tensor(values, i64); }
Tensor mask(std::initializer_list<double> values) { return tensor(values, boolean); }
Tensor none() { return zeros({0}, f64); }

std::vector<KinkGroup> decided() {
  return {
      {"Rectifiers and bounds: the flat side",
       {
           at("relu", {0}, 0, {0}),
           at("relu", {kInf}, kInf, {1}),
           at("relu", {-kInf}, 0, {0}),
           at("relu", {kNaN}, kNaN, {1}),
           at("relu6", {0}, 0, {0}),
           at("relu6", {6}, 6, {0}),
           at("relu6", {kInf}, 6, {0}),
           at("leaky_relu", {0}, 0, {0.01}),
           at("leaky_relu", {-kInf}, -kInf, {0.01}),
           at("elu", {0}, 0, {1}),
           at("elu", {0}, 0, {2}, {{"alpha", "2"}}),
           at("prelu", {0, 0.25}, 0, {0.25, 0}),
           at("elu", {-kInf}, -1, {0}),
           at("elu", {kInf}, kInf, {1}),
           at("selu", {0}, 0, {1.7580993408473768599}),
           at("selu", {kInf}, kInf, {1.0507009873554804934}),
           at("celu", {0}, 0, {1}),
           at("celu", {-kInf}, -1, {0}),
           at("hardtanh", {-1}, -1, {0}),
           at("hardtanh", {1}, 1, {0}),
           at("hardtanh", {kNaN}, kNaN, {1}),
           at("hardsigmoid", {-3}, 0, {0}),
           at("hardsigmoid", {3}, 1, {0}),
           at("hardsigmoid", {kInf}, 1, {0}),
           at("hardswish", {-3}, 0, {0}),
           at("hardswish", {3}, 3, {1}),
           at("hardswish", {-kInf}, 0, {0}),
           at("hardswish", {kInf}, kInf, {1}),
           at("softshrink", {0.5}, 0, {0}),
           at("softshrink", {-0.5}, 0, {0}),
           at("softshrink", {-kInf}, -kInf, {1}),
           at("softshrink", {kNaN}, kNaN, {1}),
           at("hardshrink", {0.5}, 0, {0}),
           at("hardshrink", {-0.5}, 0, {0}),
           at("hardshrink", {kNaN}, kNaN, {1}),
           at("prelu", {0, 3}, 0, {3, 0}),
           at("prelu", {-kInf, 0.5}, -kInf, {0.5, -kInf}),
           at("prelu", {kInf, 0}, kInf, {1, 0}),
           at("clamp", {-1}, -1, {0}, {{"min", "-1"}, {"max", "1"}}),
           at("clamp", {1}, 1, {0}, {{"min", "-1"}, {"max", "1"}}),
           at("clamp", {-kInf}, -1, {0}, {{"min", "-1"}}),
           at("clamp", {kNaN}, kNaN, {1}, {{"min", "-1"}}),
           at("clamp", {1}, kInf, {0}, {{"min", "inf"}}),
           at("clamp", {1}, -kInf, {0}, {{"max", "-inf"}}),
           at("hardtanh", {-3}, -3, {1}, {{"low", "-inf"}}),
           at("hardtanh", {3}, 3, {1}, {{"high", "inf"}}),
           at("abs", {0}, 0, {0}),
           at("abs", {-kInf}, kInf, {-1}),
           at("abs", {kNaN}, kNaN, {kNaN}),
           at("sign", {0}, 0, {0}),
           at("sign", {kNaN}, kNaN, {0}),
           at("floor", {1}, 1, {0}),
           at("floor", {kInf}, kInf, {0}),
           at("ceil", {1}, 1, {0}),
           at("round", {0.5}, 0, {0}),
           at("round", {1.5}, 2, {0}),
           at("trunc", {-0.5}, 0, {0}),
           at("nan_to_num", {kNaN}, 0, {0}),
           at("nan_to_num", {kNaN}, kNaN, {0}, {{"nan", "nan"}}),
           at("nan_to_num", {kNaN}, kInf, {0}, {{"nan", "inf"}}),
           at("nan_to_num", {kNaN}, -kInf, {0}, {{"nan", "-inf"}}),
       }},
      {"Ties share",
       {
           at("maximum", {2, 2}, 2, {0.5, 0.5}),
           at("minimum", {2, 2}, 2, {0.5, 0.5}),
           at("maximum", {kInf, kInf}, kInf, {0.5, 0.5}),
           at("maximum", {kNaN, 1}, kNaN, {1, 0}),
           at("maximum", {1, kNaN}, kNaN, {0, 1}),
           at("minimum", {1, kNaN}, kNaN, {0, 1}),
           at("minimum", {kNaN, 1}, kNaN, {1, 0}),
           at("fmax", {2, 2}, 2, {0.5, 0.5}),
           at("fmin", {2, 2}, 2, {0.5, 0.5}),
           at("fmax", {kNaN, 1}, 1, {0, 1}),
           at("fmax", {1, kNaN}, 1, {1, 0}),
           at("fmin", {kNaN, 1}, 1, {0, 1}),
           at("fmin", {1, kNaN}, 1, {1, 0}),
           at("fmax", {kNaN, kNaN}, kNaN, {1, 0}),
           at("copysign", {0, -1}, 0, {0, 0}),
           at("copysign", {2, -0.0}, -2, {-1, 0}),
           at("copysign", {-kInf, 1}, kInf, {-1, 0}),
       }},
      {"Infinite slopes stay infinite",
       {
           at("sqrt", {0}, 0, {kInf}),
           at("rsqrt", {0}, kInf, {-kInf}),
           at("cbrt", {0}, 0, {kInf}),
           at("reciprocal", {0}, kInf, {-kInf}),
           at("reciprocal", {kInf}, 0, {0}),
           at("log", {0}, -kInf, {kInf}),
           at("log2", {0}, -kInf, {kInf}),
           at("log10", {0}, -kInf, {kInf}),
           at("log1p", {-1}, -kInf, {kInf}),
           at("logit", {0}, -kInf, {kInf}),
           at("logit", {1}, kInf, {kInf}),
           at("log", {kInf}, kInf, {0}),
           at("asin", {1}, 1.5707963267948966192, {kInf}),
           at("acos", {-1}, 3.1415926535897932385, {-kInf}),
           at("acosh", {1}, 0, {kInf}),
           at("atanh", {1}, kInf, {kInf}),
           at("atanh", {-1}, -kInf, {kInf}),
           at("erfinv", {1}, kInf, {kInf}),
           at("erfinv", {-1}, -kInf, {kInf}),
       }},
      {"Outside the domain, value and gradient are NaN",
       {
           at("sqrt", {-1}, kNaN, {kNaN}),      at("rsqrt", {-1}, kNaN, {kNaN}),
           at("log", {-1}, kNaN, {kNaN}),       at("log2", {-1}, kNaN, {kNaN}),
           at("log10", {-1}, kNaN, {kNaN}),     at("log1p", {-2}, kNaN, {kNaN}),
           at("logit", {1.5}, kNaN, {kNaN}),    at("logit", {-0.5}, kNaN, {kNaN}),
           at("logit", {-1e-30}, kNaN, {kNaN}), at("logit", {1.0000002384185791}, kNaN, {kNaN}),
           at("asin", {2}, kNaN, {kNaN}),       at("acos", {-2}, kNaN, {kNaN}),
           at("acosh", {0}, kNaN, {kNaN}),      at("acosh", {-3}, kNaN, {kNaN}),
           at("atanh", {2}, kNaN, {kNaN}),      at("atanh", {-2}, kNaN, {kNaN}),
           at("erfinv", {2}, kNaN, {kNaN}),     at("sin", {kInf}, kNaN, {kNaN}),
           at("cos", {-kInf}, kNaN, {kNaN}),    at("tan", {kInf}, kNaN, {kNaN}),
       }},
      {"Powers and quotients at zero",
       {
           at("pow", {0, 0}, 1, {0, 0}),
           at("pow", {3, 0}, 1, {0, 1.0986122886681098}),
           at("pow", {0, 1}, 0, {1, 0}),
           at("pow", {0, 2}, 0, {0, 0}),
           at("pow", {0, 0.5}, 0, {kInf, 0}),
           at("pow", {0, -1}, kInf, {-kInf, -kInf}),
           at("pow", {-2, 2}, 4, {-4, kNaN}),
           at("pow", {-2, 3}, -8, {12, kNaN}),
           at("pow", {-2, 0.5}, kNaN, {kNaN, kNaN}),
           at("pow", {-1, kInf}, 1, {kInf, kNaN}),
           at("div", {1, 0}, kInf, {kInf, -kInf}),
           at("div", {0, 0}, kNaN, {kInf, kNaN}),
           at("div", {1, kInf}, 0, {0, 0}),
           at("fmod", {1, 0}, kNaN, {1, kNaN}),
           at("remainder", {-1, kInf}, kInf, {1, kNaN}),
           at("remainder", {-4, 2}, 0, {1, 2}),
           at("xlogy", {0, 0}, 0, {0, 0}),
           at("xlogy", {1, 0}, -kInf, {-kInf, kInf}),
           at("xlogy", {0, -1}, 0, {0, 0}),
           at("xlogy", {0, 0.5}, 0, {-0.69314718055994530942, 0}),
           at("xlogy", {0, 2}, 0, {0.69314718055994530942, 0}),
           at("xlogy", {0, kNaN}, kNaN, {kNaN, kNaN}),
           at("xlogy", {2, 0}, -kInf, {-kInf, kInf}),
           at("xlogy", {2, -1}, kNaN, {kNaN, kNaN}),
           at("xlog1py", {0, -1}, 0, {0, 0}),
           at("xlog1py", {0, -2}, 0, {0, 0}),
           at("xlog1py", {0, kNaN}, kNaN, {kNaN, kNaN}),
           at("xlog1py", {2, -1}, -kInf, {-kInf, kInf}),
           at("xlog1py", {2, -2}, kNaN, {kNaN, kNaN}),
           at("entr", {0}, 0, {kInf}),
           at("entr", {-1}, -kInf, {kNaN}),
           at("entr", {kInf}, -kInf, {-kInf}),
           at("normal_quantile", {0}, -kInf, {kInf}),
           at("normal_quantile", {1}, kInf, {kInf}),
           at("normal_quantile", {-0.5}, kNaN, {kNaN}),
           at("log_normal_cdf", {-kInf}, -kInf, {kInf}),
           at("log_normal_cdf", {kInf}, 0, {0}),
           at("erfcx", {kInf}, 0, {0}),
           at("erfcx", {-kInf}, kInf, {-kInf}),
           at("sinc", {0}, 1, {0}),
           at("sinc", {3}, 0, {-0.33333333333333333333}),
           at("sinc", {kInf}, 0, {0}),
           at("bessel_i", {kInf}, kInf, {kInf}),
           at("bessel_ie", {0}, 1, {0}),
           at("bessel_ie", {kInf}, 0, {0}),
       }},
      {"Lengths and angles at the origin and at infinity",
       {
           at("hypot", {0, 0}, 0, {0, 0}),
           at("hypot", {1e-200, 0}, 1e-200, {1, 0}),
           at("hypot", {3e200, 4e200}, 5e200, {0.6, 0.8}),
           at("hypot", {kInf, 1}, kInf, {1, 0}),
           at("hypot", {-kInf, kNaN}, kInf, {-1, kNaN}),
           at("atan2", {0, 0}, 0, {0, 0}),
           at("atan2", {0, -1}, 3.1415926535897932385, {-1, 0}),
           at("atan2", {1, kInf}, 0, {0, 0}),
           at("atan2", {kInf, kInf}, 0.78539816339744830962, {0, 0}),
       }},
      {"Sums of exponentials without mass",
       {
           at("logaddexp", {-kInf, -kInf}, -kInf, {0, 0}),
           at("logaddexp", {-kInf, kNaN}, kNaN, {kNaN, kNaN}),
           at("logaddexp", {-kInf, 1}, 1, {0, 1}),
           at("logaddexp", {kInf, kInf}, kInf, {0.5, 0.5}),
           at("logaddexp", {kInf, 1}, kInf, {1, 0}),
           at("logaddexp", {1000, 1000}, 1000.6931471805599453, {0.5, 0.5}),
       }},
      {"Far out, the smooth steps are exactly 0 or 1 and their gates vanish or pass",
       {
           at("exp", {-kInf}, 0, {0}),
           at("exp", {kInf}, kInf, {kInf}),
           at("expm1", {-kInf}, -1, {0}),
           at("sigmoid", {kInf}, 1, {0}),
           at("sigmoid", {-kInf}, 0, {0}),
           at("log_sigmoid", {-kInf}, -kInf, {1}),
           at("log_sigmoid", {kInf}, 0, {0}),
           at("softplus", {kInf}, kInf, {1}),
           at("softplus", {-kInf}, 0, {0}),
           at("softsign", {0}, 0, {1}),
           at("softsign", {kInf}, 1, {0}),
           at("softsign", {-kInf}, -1, {0}),
           at("tanh", {kInf}, 1, {0}),
           at("atan", {kInf}, 1.5707963267948966192, {0}),
           at("asinh", {-kInf}, -kInf, {0}),
           at("acosh", {kInf}, kInf, {0}),
           at("erf", {-kInf}, -1, {0}),
           at("erfc", {kInf}, 0, {0}),
           at("normal_cdf", {-kInf}, 0, {0}),
           at("normal_density", {kInf}, 0, {0}),
           at("normal_density", {-kInf}, 0, {0}),
           at("gelu", {kInf}, kInf, {1}),
           at("gelu", {-kInf}, 0, {0}),
           at("gelu_tanh", {kInf}, kInf, {1}),
           at("gelu_tanh", {-kInf}, 0, {0}),
           at("silu", {kInf}, kInf, {1}),
           at("silu", {-kInf}, 0, {0}),
           at("mish", {kInf}, kInf, {1}),
           at("mish", {-kInf}, 0, {0}),
       }},
      {"Poles and zeros of the gamma function",
       {
           at("lgamma", {1}, 0, {-0.57721566490153286061}),
           at("lgamma", {2}, 0, {0.42278433509846713939}),
           at("lgamma", {0}, kInf, {-kInf}),
           at("lgamma", {-1}, kInf, {kNaN}),
           at("lgamma", {kInf}, kInf, {kInf}),
           at("digamma", {0}, -kInf, {kInf}),
           at("digamma", {-2}, kNaN, {kInf}),
           at("polygamma", {kInf}, 0, {0}),
           at("polygamma", {-1}, kInf, {kNaN}),
       }},
      {"Interpolation is exact at its ends",
       {
           at("lerp", {0.1, 0.7, 1}, 0.7, {0, 1, 0.6}),
           at("lerp", {0.1, 0.7, 0}, 0.1, {1, 0, 0.6}),
       }},
      {"Ties in reductions and sorts",
       {
           on("amax", {vec({3, 5, 5})}, {5}, {{0, 0.5, 0.5}}),
           on("amax", {vec({9, kNaN, 1})}, {kNaN}, {{0, 1, 0}}),
           on("amax", {vec({kInf, kInf, 0})}, {kInf}, {{0.5, 0.5, 0}}),
           on("max_pool", {line({3, 5, 5, 5})}, {5, 5}, {{0, 1, 1, 0}}, {{"kernel_size", "2"}}),
           on("max_pool", {line({-kInf, -kInf, 9, kNaN})}, {-kInf, kNaN}, {{1, 0, 0, 1}}, {{"kernel_size", "2"}}),
           on("adaptive_max_pool", {line({5, 5, 5})}, {5}, {{1, 0, 0}}, {{"output_size", "1"}}),
           on("amin", {vec({3, 3, 5})}, {3}, {{0.5, 0.5, 0}}),
           on("amin", {vec({1, kNaN, 3})}, {kNaN}, {{0, 1, 0}}),
           on("argmax", {vec({3, 5, 5})}, {1}, {}),
           on("argmax", {vec({9, kNaN, 1})}, {1}, {}),
           on("argmin", {vec({3, 3, 5})}, {0}, {}),
           on("argsort", {vec({2, 1, 2, 1})}, {1, 3, 0, 2}, {}),
           on("segment_max", {vec({5, 5, 1}), whole({0, 3, 3})}, {5, 0}, {{0.5, 0.5, 0}, {}}),
           on("scatter_amax", {vec({2, 1}), whole({0, 0}), vec({2, 2})}, {2, 1},
              {{1.0 / 3, 1}, {}, {1.0 / 3, 1.0 / 3}}),
           on("scatter_amax", {vec({2, 1}), whole({0}), vec({kNaN})}, {kNaN, 1}, {{0, 1}, {}, {1}}),
           on("scatter_amax", {vec({9}), whole({0}), vec({-kInf})}, {-kInf}, {{0}, {}, {1}},
              {{"include_self", "false"}}),
           on("scatter_amin", {vec({2, 1}), whole({0, 0}), vec({2, 3})}, {2, 1}, {{0.5, 1}, {}, {0.5, 0}}),
           on("scatter_amin", {vec({kNaN, 1}), whole({0}), vec({3})}, {kNaN, 1}, {{1, 1}, {}, {0}}),
           on("cummax_positions", {vec({3, 5, 5, kNaN, 9})}, {0, 1, 2, 3, 3}, {}),
           on("cummin_positions", {vec({3, 1, 1, kNaN, 0})}, {0, 1, 2, 3, 3}, {}),
           on("cdist", {rows({0, 0}), rows({3, -3})}, {3}, {{-0.5, 0.5}, {0.5, -0.5}}, {{"p", "inf"}}),
           on("norm", {vec({1, kNaN})}, {kNaN}, {{0, kNaN}}, {{"p", "inf"}}),
           on("norm", {vec({-3, 3, 1})}, {3}, {{-0.5, 0.5, 0}}, {{"p", "inf"}}),
       }},
      {"Zeros in products and norms",
       {
           on("prod", {vec({0, 2, 3})}, {0}, {{6, 0, 0}}),
           on("prod", {vec({0, 0, 3})}, {0}, {{0, 0, 0}}),
           on("cumprod", {vec({2, 0, 3})}, {2, 0, 0}, {{1, 8, 0}}),
           on("norm", {vec({0, 0})}, {0}, {{0, 0}}),
           on("norm", {vec({0, 0})}, {0}, {{0, 0}}, {{"p", "1"}}),
           on("norm", {vec({0, 0})}, {0}, {{0, 0}}, {{"p", "3"}}),
           on("norm", {vec({0, 0})}, {0}, {{0, 0}}, {{"p", "inf"}}),
           on("cdist", {rows({1, 2}), rows({1, 2})}, {0}, {{0, 0}, {0, 0}}),
           on("cdist", {rows({1, 2}), rows({1, 2})}, {0}, {{0, 0}, {0, 0}}, {{"p", "inf"}}),
           on("cosine_similarity", {vec({0, 0}), vec({2, 0})}, {0}, {{1, 0}, {0, 0}}, {{"epsilon", "1"}}),
           on("norm", {vec({3e200, 4e200})}, {5e200}, {{0.6, 0.8}}),
       }},
      {"Reductions of few elements and of none",
       {
           on("sum", {none()}, {0}, {{}}),
           on("prod", {none()}, {1}, {{}}),
           on("mean", {none()}, {kNaN}, {{}}),
           on("logsumexp", {none()}, {-kInf}, {{}}),
           on("norm", {none()}, {0}, {{}}),
           on("std", {vec({3})}, {kNaN}, {{kNaN}}),
           on("layer_norm", {rows({7, 7})}, {0, 0}, {{0, 0}}, {{"normalized_shape", "2"}}),
           on("batch_norm", {rows({7, 8})}, {0, 0}, {{0, 0}}),
           on("rms_norm", {rows({0, 0})}, {0, 0}, {{100, 100}}, {{"normalized_shape", "2"}, {"eps", "0.0001"}}),
           on("std", {vec({1, 5})}, {kNaN}, {{kNaN, kNaN}}, {{"correction", "2"}}),
           on("var", {vec({1, 5})}, {kNaN}, {{kNaN, kNaN}}, {{"correction", "2"}}),
           on("std", {vec({1, kNaN})}, {kNaN}, {{kNaN, kNaN}}),
           on("std", {vec({3})}, {0}, {{0}}, {{"correction", "0"}}),
           on("std", {vec({2, 2, 2})}, {0}, {{0, 0, 0}}),
           on("var", {vec({3})}, {kNaN}, {{kNaN}}),
           on("var", {vec({3})}, {0}, {{0}}, {{"correction", "0"}}),
           on("segment_mean", {vec({1, 2}), whole({0, 0, 2})}, {0, 1.5}, {{0.5, 0.5}, {}}),
           on("masked_mean", {vec({kNaN, 2}), mask({0, 0})}, {0}, {{0, 0}, {}}),
       }},
      {"Sums of exponentials of a whole axis",
       {
           on("logsumexp", {vec({-kInf, -kInf})}, {-kInf}, {{0, 0}}),
           on("logsumexp", {vec({kInf, 0, kInf})}, {kInf}, {{0.5, 0, 0.5}}),
           on("logsumexp", {vec({1000, 1000})}, {1000.6931471805599453}, {{0.5, 0.5}}),
           on("logcumsumexp", {vec({0, kInf})}, {0, kInf}, {{1, 1}}),
           on("logcumsumexp", {vec({kNaN})}, {kNaN}, {{kNaN}}),
           on("logcumsumexp", {vec({-kInf, -kInf, 0})}, {-kInf, -kInf, 0}, {{0, 0, 1}}),
           on("softmax", {vec({-kInf, -kInf})}, {0, 0}, {{0, 0}}),
           on("softmax", {vec({kInf, kInf})}, {0.5, 0.5}, {{0, 0}}),
           on("softmax", {vec({-kInf, 0})}, {0, 1}, {{0, 0}}),
           on("log_softmax", {vec({1e4, -1e4})}, {0, -2e4}, {{-1, 1}}),
           on("log_softmax", {vec({-kInf, -kInf})}, {-kInf, -kInf}, {{1, 1}}),
           on("masked_softmax", {vec({1, 2}), mask({0, 0})}, {0, 0}, {{0, 0}, {}}),
           on("masked_softmax", {vec({1, kNaN}), mask({1, 0})}, {1, 0}, {{0, 0}, {}}),
       }},
      {"Losses at certainty",
       {
           on("cross_entropy", {rows({-kInf, -kInf}), whole({0})}, {kInf}, {{-1, 0}, {}}),
           on("cross_entropy", {rows({1e4, -1e4, 0}), whole({1})}, {2e4}, {{1, -1, 0}, {}}),
           on("cross_entropy", {rows({1e4, -1e4, 0}), whole({0})}, {0}, {{0, 0, 0}, {}}),
           on("cross_entropy", {rows({1, 2, 3}), whole({-100})}, {0}, {{0, 0, 0}, {}}),
           on("nll_loss", {rows({1, kNaN, 3}), whole({-100})}, {0}, {{0, 0, 0}, {}}),
           at("binary_cross_entropy", {0, 0}, 0, {1, kInf}),
           at("binary_cross_entropy", {0, 1}, kInf, {-kInf, kInf}),
           at("binary_cross_entropy", {-0.5, 0.5}, kNaN, {kNaN, kNaN}),
           at("binary_cross_entropy", {-0.5, 0}, kNaN, {kNaN, kNaN}),
           at("binary_cross_entropy", {1.5, 0.5}, kNaN, {kNaN, kNaN}),
           at("binary_cross_entropy", {1, 1}, 0, {-1, -kInf}),
           at("binary_cross_entropy_with_logits", {1e4, 0}, 1e4, {1, -1e4}),
           at("binary_cross_entropy_with_logits", {-1e4, 0}, 0, {0, 1e4}),
           at("kl_divergence", {-1, 0}, 0, {0, 0}),
           at("huber", {0, 0}, 0, {0, 0}),
           at("huber", {1, 0}, 0.5, {1, -1}),
       }},
      {"What is not chosen is not felt",
       {
           on("where", {mask({1}), vec({2}), vec({kNaN})}, {2}, {{}, {1}, {0}}),
           on("pad", {vec({2})}, {kNaN, 2}, {{1}}, {{"pads", "1,0"}, {"value", "nan"}}),
           on("pad", {vec({2})}, {kInf, 2}, {{1}}, {{"pads", "1,0"}, {"value", "inf"}}),
           on("pad", {vec({2})}, {-kInf, 2}, {{1}}, {{"pads", "1,0"}, {"value", "-inf"}}),
           on("tril", {square({1, kNaN, 3, 4})}, {1, 0, 3, 4}, {{1, 0, 1, 1}}),
           on("take", {vec({kNaN, 2}), whole({1, 1})}, {2, 2}, {{0, 2}, {}}),
           on("scatter", {vec({1, 2}), whole({0, 0}), vec({3, 4})}, {4, 2}, {{0, 1}, {}, {0, 1}}),
       }},
  };
}

bool same(double got, double wanted, double tolerance) {
  if (std::isnan(wanted)) return std::isnan(got);
  if (std::isinf(wanted)) return got == wanted;
  return std::abs(got - wanted) <= tolerance * std::max(1.0, std::abs(wanted));
}

std::string number(double value) { return format_attribute(value); }

std::string list(const std::vector<double>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i ? ", " : "") + number(values[i]);
  return text + "]";
}

class KinkChecker {
 public:
  KinkChecker(const OpKink& kink, DType dtype, bool recorded) : kink_(kink), dtype_(dtype), recorded_(recorded) {}

  std::vector<std::string> run() {
    std::vector<Tensor> inputs, wanted;
    for (std::size_t i = 0; i < kink_.inputs.size(); ++i) {
      inputs.push_back(kink_.inputs[i].dtype() == f64 ? cast(kink_.inputs[i], dtype_).detach() : kink_.inputs[i]);
      if (!differentiated(i)) continue;
      inputs[i] = parameter(inputs[i]);
      wanted.push_back(inputs[i]);
    }
    const Tensor value = in_one(find_op(kink_.op).call(inputs, kink_.attributes));
    compare("value", value.values(), kink_.value);
    if (wanted.empty()) return found_;
    const Tensor ones = ones_like(value);
    const auto gradients = grad({&value, 1}, wanted, {&ones, 1}, {.create_graph = recorded_});
    for (std::size_t i = 0, next = 0; i < inputs.size(); ++i)
      if (differentiated(i))
        compare("gradient " + std::to_string(i), gradients[next++].to_dense().values(), kink_.gradients[i]);
    return found_;
  }

 private:
  bool differentiated(std::size_t i) const {
    return i < kink_.gradients.size() &&
           kink_.gradients[i].size() == static_cast<std::size_t>(kink_.inputs[i].numel()) &&
           kink_.inputs[i].dtype() == f64;
  }
  void compare(const std::string& what, const std::vector<double>& got, const std::vector<double>& wanted) {
    const double tolerance = dtype_ == f64 ? 1e-12 : 2e-6;
    bool right = got.size() == wanted.size();
    for (std::size_t i = 0; right && i < got.size(); ++i) right = same(got[i], wanted[i], tolerance);
    if (!right)
      found_.push_back(describe_kink(kink_) + " in " + std::string(name_of(dtype_)) +
                       (recorded_ ? ", recorded: " : ", plain: ") + what + " is " + list(got) + ", not " +
                       list(wanted));
  }

  const OpKink& kink_;
  DType dtype_;
  bool recorded_;
  std::vector<std::string> found_;
};

bool fits_f32(const OpKink& kink) {
  for (const Tensor& t : kink.inputs)
    for (const double x : t.values())
      if (std::isfinite(x) && x != 0 && !(std::abs(x) < 1e30 && std::abs(x) > 1e-30)) return false;
  return true;
}

}  // namespace

const std::vector<KinkGroup>& op_kinks() {
  static const std::vector<KinkGroup> all = decided();
  return all;
}

std::vector<std::string> check_kink(const OpKink& kink) {
  std::vector<std::string> found;
  for (const DType dtype : {f64, f32}) {
    if (dtype == f32 && !fits_f32(kink)) continue;
    for (const bool recorded : {false, true})
      for (std::string& difference : KinkChecker(kink, dtype, recorded).run()) found.push_back(std::move(difference));
  }
  return found;
}

std::string describe_kink(const OpKink& kink) {
  std::string text = std::string(kink.op) + "(";
  for (std::size_t i = 0; i < kink.inputs.size(); ++i) {
    const std::vector<double> values = kink.inputs[i].values();
    text += (i ? ", " : "") + (kink.inputs[i].rank() == 0 ? number(values[0]) : list(values));
  }
  for (const auto& [name, value] : kink.attributes) text += ", " + name + "=" + value;
  return text + ")";
}

}  // namespace tapegrad::testing
