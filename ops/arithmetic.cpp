#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/op_list.hpp>

namespace tapegrad {
namespace ops {

using namespace formula;

struct Add {
  static constexpr OpInfo info{
      .name = "add", .formula = "y = a + b", .inputs = {"a", "b"}, .saves = kSavesNothing, .kind = Kind::numeric};
  static auto value(const auto& a, const auto& b) { return a + b; }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&, const auto&) { return g; }
  static auto vjp(wrt<1>, const auto& g, const auto&, const auto&, const auto&) { return g; }
};

struct Sub {
  static constexpr OpInfo info{
      .name = "sub", .formula = "y = a - b", .inputs = {"a", "b"}, .saves = kSavesNothing, .kind = Kind::numeric};
  static auto value(const auto& a, const auto& b) { return a - b; }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&, const auto&) { return g; }
  static auto vjp(wrt<1>, const auto& g, const auto&, const auto&, const auto&) { return -g; }
};

struct Mul {
  static constexpr OpInfo info{.name = "mul",
                               .formula = "y = a b",
                               .inputs = {"a", "b"},
                               .saves = kSavesOthers,
                               .kind = Kind::numeric,
                               .unbounded = true};
  static auto value(const auto& a, const auto& b) { return a * b; }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& b, const auto&) { return g * b; }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto&, const auto&) { return g * a; }
};

struct Div {
  static constexpr OpInfo info{.name = "div",
                               .formula = "y = a / b",
                               .inputs = {"a", "b"},
                               .flops = 2,
                               .domain = {{-2, 2}, {0.5, 2}},
                               .unbounded = true};
  static auto value(const auto& a, const auto& b) { return a / b; }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& b, const auto&) { return g / b; }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) { return -g * (a / b) / b; }
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
                               .doc = "Absolute value; gradient 0 at 0.",
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
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto&) { return g * 0; }
};

struct Reciprocal {
  static constexpr OpInfo info{.name = "reciprocal",
                               .formula = "y = 1 / x",
                               .inputs = {"x"},
                               .flops = 2,
                               .saves = kSavesOutput,
                               .domain = {{0.5, 2}},
                               .unbounded = true};
  static auto value(const auto& x) { return reciprocal(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return -g * y * y; }
};

struct Square {
  static constexpr OpInfo info{
      .name = "square", .formula = "y = x²", .inputs = {"x"}, .kind = Kind::numeric, .unbounded = true};
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
                               .domain = {{0.2, 3}},
                               .unbounded = true};
  static auto value(const auto& x) { return sqrt(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g / (y * 2); }
};

struct Rsqrt {
  static constexpr OpInfo info{.name = "rsqrt",
                               .formula = "y = 1 / √x",
                               .inputs = {"x"},
                               .flops = 3,
                               .saves = kSavesOutput,
                               .domain = {{0.2, 3}},
                               .unbounded = true};
  static auto value(const auto& x) { return rsqrt(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g * y * y * y / -2; }
};

struct Pow {
  static constexpr OpInfo info{
      .name = "pow",
      .formula = "y = aᵇ",
      .doc = "The gradient for a is 0 where b is 0; that for b is 0 where a is 0 and b is not negative.",
      .inputs = {"a", "b"},
      .flops = 12,
      .domain = {{0.3, 2}, {-2, 2}},
      .unbounded = true};
  static auto value(const auto& a, const auto& b) { return pow(a, b); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(b == 0, 0, g * b * pow(a, b - 1));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(a == 0 && b >= 0, 0, g * pow(a, b) * log(a));
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

using ArithmeticOps =
    OpList<Add, Sub, Mul, Div, Neg, Abs, Sign, Reciprocal, Square, Sqrt, Rsqrt, Pow, Maximum, Minimum>;

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
Tensor pow(const Operand& a, const Operand& b) { return ArithmeticOps::apply<ops::Pow>(a, b); }
Tensor maximum(const Operand& a, const Operand& b) { return ArithmeticOps::apply<ops::Maximum>(a, b); }
Tensor minimum(const Operand& a, const Operand& b) { return ArithmeticOps::apply<ops::Minimum>(a, b); }

std::span<const OpEntry> arithmetic_ops() { return ArithmeticOps::entries; }

}  // namespace tapegrad
