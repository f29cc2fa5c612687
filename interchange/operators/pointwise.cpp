// Elementwise operators.

#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/interchange/internal/onnx_tensor.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

// Functions of one tensor are importers as they are.
template <Tensor (*F)(const Tensor&)>
Tensor unary(const Call& c) {
  return F(c.in(0));
}

/// Up to opset 6, the second operand of arithmetic was fitted to the first where `broadcast` said so, from `axis` on.
Tensor second(const Call& c) {
  const Tensor& a = c.in(0);
  Tensor b = c.in(1);
  if (c.version() >= 7 || c.integer("broadcast", 0) == 0) return b;
  const std::int64_t axis = c.integer("axis", a.rank() - b.rank());
  for (std::int64_t i = axis + b.rank(); i < a.rank(); ++i) b = unsqueeze(b, b.rank());
  return b;
}
/// Small integers, which our arithmetic widens, wrap as theirs.
Tensor as_first(const Call& c, const Tensor& result) {
  const bool widened = !is_floating(result.dtype()) && result.dtype() != boolean;
  return widened ? cast(wrapped(result, c.type(0)), c.in(0).dtype()) : result;
}
template <Tensor (*F)(const Operand&, const Operand&)>
Tensor binary(const Call& c) {
  return as_first(c, F(c.in(0), second(c)));
}
template <Tensor (*F)(const Operand&, const Operand&)>
Tensor variadic(const Call& c) {
  Tensor result = c.in(0);
  for (std::size_t i = 1; i < c.inputs(); ++i) result = F(result, c.in(i));
  return as_first(c, result);
}

/// Of integers towards zero; by zero is an error, as the processor has it.
Tensor divide(const Call& c) {
  const Tensor &a = c.in(0), b = second(c);
  if (is_floating(a.dtype())) return a / b;
  const Tensor wide_a = cast(a, i64), wide_b = cast(b, i64);
  if (any(wide_b == 0).item() != 0) c.fail("an integer is divided by 0");
  const Tensor rest = fmod(wide_a, wide_b);  // exact, and so is what is left
  const Shape shape = broadcast_shapes("Div", a.shape(), b.shape());
  const Tensor x = broadcast_to(wide_a - rest, shape).contiguous(), y = broadcast_to(wide_b, shape).contiguous();
  Tensor quotient = empty(shape, i64);
  const auto numerators = x.data<std::int64_t>(), denominators = y.data<std::int64_t>();
  auto quotients = quotient.mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < quotients.size(); ++i)
    quotients[i] = denominators[i] == -1 ? static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(numerators[i]))
                                         : numerators[i] / denominators[i];
  return cast(quotient, a.dtype());
}

/// The base's type is the result's, whatever the exponent's.
Tensor power(const Call& c) {
  const Tensor &a = c.in(0), b = second(c);
  if (a.dtype() == b.dtype() && is_floating(a.dtype())) return pow(a, b);
  const DType wide = is_floating(a.dtype()) ? a.dtype() : f64;
  const Tensor result = pow(cast(a, wide), cast(b, wide));
  return cast(is_floating(a.dtype()) ? result : trunc(result), a.dtype());
}

Tensor mod(const Call& c) {
  return as_first(c, c.integer("fmod", 0) != 0 ? fmod(c.in(0), c.in(1)) : remainder(c.in(0), c.in(1)));
}

Tensor mean_of(const Call& c) { return variadic<add>(c) / static_cast<double>(c.inputs()); }

Tensor leaky(const Call& c) { return leaky_relu(c.in(0), c.number("alpha", 0.01f)); }
Tensor elu_of(const Call& c) { return elu(c.in(0), c.number("alpha", 1)); }
Tensor celu_of(const Call& c) { return celu(c.in(0), c.number("alpha", 1)); }
Tensor selu_of(const Call& c) {
  const double alpha = c.number("alpha", 1.67326319217681884765625),
               gamma = c.number("gamma", 1.05070102214813232421875);
  return gamma * elu(c.in(0), alpha);
}
Tensor gelu_of(const Call& c) { return c.text("approximate", "none") == "tanh" ? gelu_tanh(c.in(0)) : gelu(c.in(0)); }
Tensor hard_sigmoid(const Call& c) { return clamp(c.in(0) * c.number("alpha", 0.2f) + c.number("beta", 0.5), 0, 1); }
Tensor thresholded(const Call& c) {
  const Tensor& x = c.in(0);
  return where(x > c.number("alpha", 1), x, zeros_like(x));
}
Tensor shrink(const Call& c) {
  const Tensor& x = c.in(0);
  const double bias = c.number("bias", 0), lambda = c.number("lambd", 0.5);
  const Tensor zero = zeros_like(x);
  return where(x < -lambda, cast(x + bias, x.dtype()), where(x > lambda, cast(x - bias, x.dtype()), zero));
}
/// The slope broadcasts to x; up to opset 6 along its channels.
Tensor prelu_of(const Call& c) {
  const Tensor& x = c.in(0);
  Tensor slope = c.in(1);
  if (c.version() < 7 && slope.rank() == 1 && slope.numel() > 1)
    for (int i = 2; i < x.rank(); ++i) slope = unsqueeze(slope, slope.rank());
  if (is_floating(x.dtype())) return prelu(x, slope);
  return where(x < 0, x * slope, x);
}

/// Bounds are attributes up to opset 10.
Tensor clip(const Call& c) {
  Tensor x = c.in(0);
  if (c.version() < 11) {
    if (c.has_attribute("min")) x = maximum(x, c.number("min", 0));
    if (c.has_attribute("max")) x = minimum(x, c.number("max", 0));
    return x;
  }
  if (c.has(1)) x = maximum(x, c.in(1));
  if (c.has(2)) x = minimum(x, c.in(2));
  return x;
}

Tensor is_infinite(const Call& c) {
  const Tensor& x = c.in(0);
  Tensor result = isinf(x);
  if (c.integer("detect_positive", 1) == 0) result = result && x < 0;
  if (c.integer("detect_negative", 1) == 0) result = result && x > 0;
  return result;
}

Tensor choose(const Call& c) { return where(c.in(0), c.in(1), c.in(2)); }
Value choose_typed(const Call& c) { return like_input(c, choose(c), 1); }

/// A function of two integers, elementwise with broadcasting.
template <class F>
Tensor of_integers(const Tensor& a, const Tensor& b, const char* op, F&& f) {
  const Shape shape = broadcast_shapes(op, a.shape(), b.shape());
  const Tensor x = broadcast_to(cast(a, i64), shape).contiguous(), y = broadcast_to(cast(b, i64), shape).contiguous();
  Tensor result = empty(shape, i64);
  const auto left = x.data<std::int64_t>(), right = y.data<std::int64_t>();
  auto to = result.mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<std::int64_t>(f(static_cast<std::uint64_t>(left[i]), static_cast<std::uint64_t>(right[i])));
  return cast(result, a.dtype());
}
Tensor bit_shift(const Call& c) {
  const std::string direction = c.text("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    c.fail("direction is '" + direction + "'; LEFT or RIGHT was expected");
  return of_integers(c.in(0), c.in(1), "BitShift", [&](std::uint64_t x, std::uint64_t by) -> std::uint64_t {
    if (by >= 64) return 0;
    return direction == "LEFT" ? x << by : x >> by;
  });
}
Tensor bitwise_and(const Call& c) {
  return of_integers(c.in(0), c.in(1), "BitwiseAnd", [](std::uint64_t a, std::uint64_t b) { return a & b; });
}
Tensor bitwise_or(const Call& c) {
  return of_integers(c.in(0), c.in(1), "BitwiseOr", [](std::uint64_t a, std::uint64_t b) { return a | b; });
}
Tensor bitwise_xor(const Call& c) {
  return of_integers(c.in(0), c.in(1), "BitwiseXor", [](std::uint64_t a, std::uint64_t b) { return a ^ b; });
}
Tensor bitwise_not(const Call& c) {
  return of_integers(c.in(0), c.in(0), "BitwiseNot", [](std::uint64_t a, std::uint64_t) { return ~a; });
}

Value equal_of(const Call& c) {
  const Strings *a = c.value(0).strings(), *b = c.value(1).strings();
  if (!a || !b) return equal(c.in(0), second(c));
  if (!(a->shape == b->shape)) c.fail("strings of unequal shapes");
  Tensor result = empty(a->shape, boolean);
  auto to = result.mutable_data<bool>();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = a->values[i] == b->values[i];
  return result;
}

constexpr Importer kImporters[] = {
    {"Abs", unary<abs>},
    {"Acos", unary<acos>},
    {"Acosh", unary<acosh>},
    {"Add", binary<add>},
    {"And", binary<logical_and>},
    {"Asin", unary<asin>},
    {"Asinh", unary<asinh>},
    {"Atan", unary<atan>},
    {"Atanh", unary<atanh>},
    {"BitShift", bit_shift},
    {"BitwiseAnd", bitwise_and},
    {"BitwiseNot", bitwise_not},
    {"BitwiseOr", bitwise_or},
    {"BitwiseXor", bitwise_xor},
    {"Ceil", unary<ceil>},
    {"Celu", celu_of},
    {"Clip", clip, 1, 0b110},
    {"Cos", unary<cos>},
    {"Cosh", unary<cosh>},
    {"Div", divide},
    {"Elu", elu_of},
    {"Equal", equal_of},
    {"Erf", unary<erf>},
    {"Exp", unary<exp>},
    {"Floor", unary<floor>},
    {"Gelu", gelu_of},
    {"Greater", binary<greater>},
    {"GreaterOrEqual", binary<greater_equal>},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", unary<hardswish>},
    {"IsInf", is_infinite},
    {"IsNaN", unary<isnan>},
    {"LeakyRelu", leaky},
    {"Less", binary<less>},
    {"LessOrEqual", binary<less_equal>},
    {"Log", unary<log>},
    {"Max", variadic<maximum>},
    {"Mean", mean_of},
    {"Min", variadic<minimum>},
    {"Mish", unary<mish>},
    {"Mod", mod},
    {"Mul", binary<mul>},
    {"Neg", unary<neg>},
    {"Not", unary<logical_not>},
    {"Or", binary<logical_or>},
    {"PRelu", prelu_of},
    {"Pow", power},
    {"Reciprocal", unary<reciprocal>},
    {"Relu", unary<relu>},
    {"Round", unary<round>},
    {"Selu", selu_of},
    {"Shrink", shrink},
    {"Sigmoid", unary<sigmoid>},
    {"Sign", unary<sign>},
    {"Sin", unary<sin>},
    {"Sinh", unary<sinh>},
    {"Softplus", unary<softplus>},
    {"Softsign", unary<softsign>},
    {"Sqrt", unary<sqrt>},
    {"Sub", binary<sub>},
    {"Sum", variadic<add>},
    {"Tan", unary<tan>},
    {"Tanh", unary<tanh>},
    {"ThresholdedRelu", thresholded},
    {"Where", choose_typed},
    {"Xor", binary<logical_xor>},
};

}  // namespace

std::span<const Importer> pointwise_importers() { return kImporters; }

}  // namespace tapegrad::onnx
