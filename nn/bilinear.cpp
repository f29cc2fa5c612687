#include <tapegrad/nn/linear.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn {

Bilinear::Bilinear(Owner owner, const MemberName& name, std::int64_t in1, std::int64_t in2, std::int64_t out,
                   const LinearOptions& options)
    : Layer(owner, name) {
  if (in1 < 1 || in2 < 1 || out < 1)
    throw ValueError(
        fmt::format("{}: {} and {} inputs, {} outputs; each must be at least 1", describe(), in1, in2, out));
  Rng& rng = options.rng ? *options.rng : default_rng();
  weight.create(*this, "weight", options.weight_init({out, in1, in2}, options.dtype, rng));
  if (options.bias) bias.create(*this, "bias", options.bias_init({out}, options.dtype, rng));
}

Tensor Bilinear::forward(const Tensor& x1, const Tensor& x2) const {
  const std::int64_t out = weight.size(0), in1 = weight.size(1), in2 = weight.size(2);
  if (x1.rank() < 1 || x2.rank() != x1.rank() || x1.size(-1) != in1 || x2.size(-1) != in2 ||
      x1.shape().erase(x1.rank() - 1) != x2.shape().erase(x2.rank() - 1))
    throw ShapeError(fmt::format("{}: inputs {} and {}, expected [..., {}] and [..., {}] with equal axes in front",
                                 describe(), to_string(x1.shape()), to_string(x2.shape()), in1, in2));
  const std::int64_t rows = x1.numel() / in1;
  // x1 W for all outputs side by side, then each one's product with x2.
  const Tensor left = matmul(reshape(x1, {rows, in1}), reshape(permute(weight, {1, 0, 2}), {in1, out * in2}));
  Tensor y = sum(reshape(left, {rows, out, in2}) * reshape(x2, {rows, 1, in2}), {2});
  if (bias.defined()) y = y + bias;
  return reshape(y, x1.shape().with(x1.rank() - 1, out));
}

}  // namespace tapegrad::nn
