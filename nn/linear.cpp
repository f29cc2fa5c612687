#include <tapegrad/nn/linear.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/linear.hpp>

namespace tapegrad::nn {

Linear::Linear(Owner owner, const MemberName& name, std::int64_t in, std::int64_t out, const LinearOptions& options)
    : Layer(owner, name) {
  if (in < 1 || out < 1)
    throw ValueError(fmt::format("{}: {} inputs and {} outputs; each must be at least 1", describe(), in, out));
  Rng& rng = options.rng ? *options.rng : default_rng();
  weight.create(*this, "weight", options.weight_init({out, in}, options.dtype, rng));
  if (options.bias) bias.create(*this, "bias", options.bias_init({out}, options.dtype, rng));
}

Tensor Linear::forward(const Tensor& x) const {
  if (x.rank() < 1 || x.size(-1) != in())
    throw ShapeError(fmt::format("{}: input {} has {} features, expected {}", describe(), to_string(x.shape()),
                                 x.rank() < 1 ? 0 : x.size(-1), in()));
  return linear(x, weight, bias);
}

}  // namespace tapegrad::nn
