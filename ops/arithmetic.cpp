#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/formulas/arithmetic.hpp>

namespace tapegrad {
namespace ops {

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
