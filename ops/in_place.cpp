#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/internal/in_place.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {

bool internal::changes_are_recorded(const char* name, const Tensor& x, const Tensor& y) {
  const bool recorded = grad_enabled() && (x.requires_grad() || (y.defined() && y.requires_grad()));
  if (recorded && x.is_leaf() && x.requires_grad())
    throw GraphError(
        std::string(name) + ": " + describe(x) +
        " is a parameter, whose change would be recorded; change it under NoGrad, or compute a new tensor");
  return recorded;
}

void internal::require_dtype(const char* name, const Tensor& x, DType given) {
  if (is_floating(given) && !is_floating(x.dtype()))
    throw DTypeError(std::string(name) + ": the result is " + std::string(name_of(given)) + ", and " + describe(x) +
                     " cannot hold it; cast() it first, or use the form that returns a new tensor");
}

namespace {

using Arithmetic = Tensor (*)(const Operand&, const Operand&);

Tensor& change(const char* name, Arithmetic op, Tensor& x, const Operand& y) {
  const bool records = internal::changes_are_recorded(name, x, y.is_number() ? Tensor() : y.tensor());
  Tensor result = op(x, y);
  if (result.shape() != x.shape())
    throw ShapeError(std::string(name) + ": " + describe(y.tensor()) + " does not broadcast to " + describe(x) +
                     ", which it is to change; use the form that returns a new tensor");
  internal::require_dtype(name, x, result.dtype());
  if (records)
    x = cast(result, x.dtype());
  else
    x.copy_from(result);
  return x;
}

}  // namespace

Tensor& add_(Tensor& x, const Operand& y) { return change("add_", add, x, y); }
Tensor& sub_(Tensor& x, const Operand& y) { return change("sub_", sub, x, y); }
Tensor& mul_(Tensor& x, const Operand& y) { return change("mul_", mul, x, y); }
Tensor& div_(Tensor& x, const Operand& y) { return change("div_", div, x, y); }

}  // namespace tapegrad
