#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>

namespace tapegrad {
namespace ops {

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

using ArithmeticOps = OpList<Add, Sub, Mul, Div, Neg, Abs, Sign, Reciprocal, Square, Sqrt, Rsqrt, Cbrt, Pow, Maximum,
                             Minimum, Hypot, Lerp>;

}  // namespace ops

using ops::ArithmeticOps;

Tensor add(const Operand& a, const Operand& b) { return ArithmeticOps::apply<ops::Add>(a, b); }
Tensor sub(const Operand& a, const Operand& b) { return ArithmeticOps::apply<ops::Sub>(a, b); }
Tensor mul(const Operand& a, const Operand& b) { return ArithmeticOps::apply<ops::Mul>(a, b); }
Tensor div(const Operand& a, const Operand& b) { return ArithmeticOps::apply<ops::Div>(a, b); }
Tensor neg(const Tensor& x) { return ArithmeticOps::apply<ops::Neg>(x); }
Tensor abs(const Tensor& x) { return ArithmeticOps::apply<ops::Abs>(x); }
Tensor sign(const Tensor& x) { return ArithmeticOps::apply<ops::Sign>(x); }
Tensor reciprocal(const Tensor& x) { return ArithmeticOps::apply<ops::Reciprocal>(x); }
Tensor square(const Tensor& x) { return ArithmeticOps::apply<ops::Square>(x); }
Tensor sqrt(const Tensor& x) { return ArithmeticOps::apply<ops::Sqrt>(x); }
Tensor rsqrt(const Tensor& x) { return ArithmeticOps::apply<ops::Rsqrt>(x); }
Tensor cbrt(const Tensor& x) { return ArithmeticOps::apply<ops::Cbrt>(x); }
Tensor pow(const Tensor& a, const Operand& b) { return ArithmeticOps::apply<ops::Pow>(a, b); }
Tensor pow(Number a, const Tensor& b) { return ArithmeticOps::apply<ops::Pow>(Operand(a), b); }
Tensor maximum(const Operand& a, const Operand& b) { return ArithmeticOps::apply<ops::Maximum>(a, b); }
Tensor minimum(const Operand& a, const Operand& b) { return ArithmeticOps::apply<ops::Minimum>(a, b); }
Tensor hypot(const Tensor& a, const Operand& b) { return ArithmeticOps::apply<ops::Hypot>(a, b); }
Tensor hypot(Number a, const Tensor& b) { return ArithmeticOps::apply<ops::Hypot>(Operand(a), b); }
Tensor lerp(const Tensor& a, const Operand& b, const Operand& t) { return ArithmeticOps::apply<ops::Lerp>(a, b, t); }
Tensor lerp(Number a, const Tensor& b, const Operand& t) { return ArithmeticOps::apply<ops::Lerp>(Operand(a), b, t); }
Tensor lerp(Number a, Number b, const Tensor& t) { return ArithmeticOps::apply<ops::Lerp>(Operand(a), Operand(b), t); }

std::span<const OpEntry> arithmetic_ops() { return ArithmeticOps::entries; }

}  // namespace tapegrad
