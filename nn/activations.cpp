#include <tapegrad/nn/activations.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>

namespace tapegrad::nn {

PRelu::PRelu(Owner owner, const MemberName& name, std::int64_t channels, const PReluOptions& options)
    : Layer(owner, name) {
  if (channels < 1) throw ValueError(fmt::format("{}: {} channels; there must be at least 1", describe(), channels));
  weight.create(*this, "weight", options.init({channels}, options.dtype, options.rng ? *options.rng : default_rng()));
}

Tensor PRelu::forward(const Tensor& x) const {
  const std::int64_t channels = weight.size(0);
  if (channels == 1) return prelu(x, reshape(weight, {}));
  if (x.rank() < 2 || x.size(1) != channels)
    throw ShapeError(fmt::format("{}: input {}, expected [B, {}, ...]", describe(), to_string(x.shape()), channels));
  std::vector<std::int64_t> slopes(static_cast<std::size_t>(x.rank() - 1), 1);
  slopes[0] = channels;
  return prelu(x, reshape(weight, slopes));
}

}  // namespace tapegrad::nn
