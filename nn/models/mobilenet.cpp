#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/models/mobilenet.hpp>
#include <tapegrad/nn/normalization.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::nn::models {
namespace {

ConvOptions convolution(std::int64_t kernel, std::int64_t stride, std::int64_t groups, Rng* rng) {
  return {.stride = stride, .padding = (kernel - 1) / 2, .groups = groups, .bias = false, .rng = rng};
}

/// A convolution, norm and ReLU6.
Sequential unit(std::int64_t in, std::int64_t out, std::int64_t kernel, const ConvOptions& options) {
  return Sequential(Conv2d(in, out, PerAxis(kernel), options), BatchNorm(out), relu6);
}

}  // namespace

InvertedResidual::InvertedResidual(std::int64_t in, const MobileNetOptions::Stage& stage, std::int64_t stride, Rng* rng)
    : around_(stride == 1 && in == stage.channels) {
  const std::int64_t width = in * stage.expansion;
  if (stage.expansion != 1) conv.add(unit(in, width, 1, convolution(1, 1, 1, rng)));
  conv.add(unit(width, width, 3, convolution(3, stride, width, rng)));
  conv.add(Conv2d(width, stage.channels, PerAxis(1), convolution(1, 1, 1, rng))).add(BatchNorm(stage.channels));
}

Tensor InvertedResidual::forward(const Tensor& x) { return around_ ? x + conv(x) : conv(x); }

MobileNet::MobileNet(Owner owner, const MemberName& name, const MobileNetOptions& options)
    : Layer(owner, name),
      dropout(*this, "dropout", options.dropout),
      output(*this, "output", options.last, options.classes, {.rng = options.rng}) {
  features.add(unit(options.colours, options.first, 3, convolution(3, 2, 1, options.rng)));
  std::int64_t in = options.first;
  for (const MobileNetOptions::Stage& stage : options.stages)
    for (std::int64_t i = 0; i < stage.blocks; ++i) {
      features.add(InvertedResidual(in, stage, i == 0 ? stage.stride : 1, options.rng));
      in = stage.channels;
    }
  features.add(unit(in, options.last, 1, convolution(1, 1, 1, options.rng)));
}

Tensor MobileNet::forward(const Tensor& images) { return output(dropout(mean(features(images), {2, 3}))); }

}  // namespace tapegrad::nn::models
