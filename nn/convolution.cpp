#include <tapegrad/nn/convolution.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>

namespace tapegrad::nn {
namespace {

/// A window of [first, second, kernel…].
Shape weight_shape(const Module& layer, int dimensions, std::int64_t in, std::int64_t out, std::int64_t groups,
                   const PerAxis& kernel, bool transposed) {
  if (in < 1 || out < 1 || groups < 1 || in % groups != 0 || out % groups != 0)
    throw ValueError(
        fmt::format("{}: {} channels to {} in {} groups; each must be at least 1, and the groups divide "
                    "both",
                    layer.describe(), in, out, groups));
  std::vector<std::int64_t> extents = kernel.values();
  if (extents.size() == 1) extents.resize(static_cast<std::size_t>(dimensions), extents[0]);
  if (std::ssize(extents) != dimensions || std::ranges::min(extents) < 1)
    throw ValueError(fmt::format("{}: a kernel of {} extents; expected one, or {}, of at least 1", layer.describe(),
                                 extents.size(), dimensions));
  extents.insert(extents.begin(), transposed ? std::initializer_list<std::int64_t>{in, out / groups}
                                             : std::initializer_list<std::int64_t>{out, in / groups});
  return Shape(extents);
}

void require_channels(const Module& layer, const Tensor& x, int dimensions, std::int64_t channels) {
  if (x.rank() != dimensions + 2 || x.size(1) != channels)
    throw ShapeError(fmt::format("{}: input {}, expected [B, {}] and {} spatial {}", layer.describe(),
                                 to_string(x.shape()), channels, dimensions, dimensions == 1 ? "axis" : "axes"));
}

template <class Options>
void create(Module& layer, Parameter& weight, Parameter& bias, const Shape& shape, std::int64_t out,
            const Options& options) {
  Rng& rng = options.rng ? *options.rng : default_rng();
  weight.create(layer, "weight", options.weight_init(shape, options.dtype, rng));
  if (options.bias) bias.create(layer, "bias", options.bias_init({out}, options.dtype, rng));
}

}  // namespace

template <int kDimensions>
Conv<kDimensions>::Conv(Owner owner, const MemberName& name, std::int64_t in, std::int64_t out, const PerAxis& kernel,
                        const ConvOptions& options)
    : Layer<Conv>(owner, name),
      window_{.stride = options.stride,
              .padding = options.padding,
              .dilation = options.dilation,
              .groups = options.groups} {
  create(*this, weight, bias, weight_shape(*this, kDimensions, in, out, options.groups, kernel, false), out, options);
}

template <int kDimensions>
Tensor Conv<kDimensions>::forward(const Tensor& x) const {
  require_channels(*this, x, kDimensions, weight.size(1) * window_.groups);
  tapegrad::ConvOptions options = window_;
  options.bias = bias;
  if constexpr (kDimensions == 1) return conv1d(x, weight, options);
  if constexpr (kDimensions == 2) return conv2d(x, weight, options);
  if constexpr (kDimensions == 3) return conv3d(x, weight, options);
}

template <int kDimensions>
ConvTranspose<kDimensions>::ConvTranspose(Owner owner, const MemberName& name, std::int64_t in, std::int64_t out,
                                          const PerAxis& kernel, const ConvTransposeOptions& options)
    : Layer<ConvTranspose>(owner, name),
      window_{.stride = options.stride,
              .padding = options.padding,
              .output_padding = options.output_padding,
              .dilation = options.dilation,
              .groups = options.groups} {
  create(*this, weight, bias, weight_shape(*this, kDimensions, in, out, options.groups, kernel, true), out, options);
}

template <int kDimensions>
Tensor ConvTranspose<kDimensions>::forward(const Tensor& x) const {
  require_channels(*this, x, kDimensions, weight.size(0));
  tapegrad::ConvTransposeOptions options = window_;
  options.bias = bias;
  if constexpr (kDimensions == 1) return conv_transpose1d(x, weight, options);
  if constexpr (kDimensions == 2) return conv_transpose2d(x, weight, options);
  if constexpr (kDimensions == 3) return conv_transpose3d(x, weight, options);
}

template class Conv<1>;
template class Conv<2>;
template class Conv<3>;
template class ConvTranspose<1>;
template class ConvTranspose<2>;
template class ConvTranspose<3>;

}  // namespace tapegrad::nn
