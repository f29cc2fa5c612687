#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/formulas/elementary.hpp>

namespace tapegrad {
namespace ops {

using ElementaryOps = OpList<Exp, Exp2, Expm1, Log, Log2, Log10, Log1p, Sin, Cos, Tan, Asin, Acos, Atan, Atan2, Sinh,
                             Cosh, Tanh, Asinh, Acosh, Atanh>;

}  // namespace ops

using ops::ElementaryOps;

Tensor exp(const Tensor& x) { return ElementaryOps::apply<ops::Exp>(x); }
Tensor exp2(const Tensor& x) { return ElementaryOps::apply<ops::Exp2>(x); }
Tensor expm1(const Tensor& x) { return ElementaryOps::apply<ops::Expm1>(x); }
Tensor log(const Tensor& x) { return ElementaryOps::apply<ops::Log>(x); }
Tensor log2(const Tensor& x) { return ElementaryOps::apply<ops::Log2>(x); }
Tensor log10(const Tensor& x) { return ElementaryOps::apply<ops::Log10>(x); }
Tensor log1p(const Tensor& x) { return ElementaryOps::apply<ops::Log1p>(x); }
Tensor sin(const Tensor& x) { return ElementaryOps::apply<ops::Sin>(x); }
Tensor cos(const Tensor& x) { return ElementaryOps::apply<ops::Cos>(x); }
Tensor tan(const Tensor& x) { return ElementaryOps::apply<ops::Tan>(x); }
Tensor asin(const Tensor& x) { return ElementaryOps::apply<ops::Asin>(x); }
Tensor acos(const Tensor& x) { return ElementaryOps::apply<ops::Acos>(x); }
Tensor atan(const Tensor& x) { return ElementaryOps::apply<ops::Atan>(x); }
Tensor atan2(const Tensor& y, const Operand& x) { return ElementaryOps::apply<ops::Atan2>(y, x); }
Tensor atan2(Number y, const Tensor& x) { return ElementaryOps::apply<ops::Atan2>(Operand(y), x); }
Tensor sinh(const Tensor& x) { return ElementaryOps::apply<ops::Sinh>(x); }
Tensor cosh(const Tensor& x) { return ElementaryOps::apply<ops::Cosh>(x); }
Tensor tanh(const Tensor& x) { return ElementaryOps::apply<ops::Tanh>(x); }
Tensor asinh(const Tensor& x) { return ElementaryOps::apply<ops::Asinh>(x); }
Tensor acosh(const Tensor& x) { return ElementaryOps::apply<ops::Acosh>(x); }
Tensor atanh(const Tensor& x) { return ElementaryOps::apply<ops::Atanh>(x); }

std::span<const OpEntry> elementary_ops() { return ElementaryOps::entries; }

}  // namespace tapegrad
