#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/models/vgg.hpp>
#include <tapegrad/nn/normalization.hpp>
#include <tapegrad/nn/pooling.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

constexpr std::int64_t kSide = 7;  // of what the linear layers read

}  // namespace

VggOptions vgg(int layers, bool batch_norm) {
  switch (layers) {
    case 11:
      return {.convolutions = {1, 1, 2, 2, 2}, .batch_norm = batch_norm};
    case 13:
      return {.convolutions = {2, 2, 2, 2, 2}, .batch_norm = batch_norm};
    case 16:
      return {.batch_norm = batch_norm};
    case 19:
      return {.convolutions = {2, 2, 4, 4, 4}, .batch_norm = batch_norm};
    default:
      throw ValueError(fmt::format("vgg: {} layers; 11, 13, 16 or 19 are known", layers));
  }
}

Vgg::Vgg(Owner owner, const MemberName& name, const VggOptions& options)
    : Layer(owner, name),
      dropout(*this, "dropout", options.dropout),
      output(*this, "output", options.hidden, options.classes, {.rng = options.rng}) {
  if (options.channels.empty() || options.channels.size() != options.convolutions.size())
    throw ValueError(fmt::format("{}: {} stages of convolutions, {} of channels; both have one number a stage",
                                 describe(), options.convolutions.size(), options.channels.size()));
  std::int64_t in = options.colours;
  for (std::size_t stage = 0; stage < options.channels.size(); ++stage) {
    for (std::int64_t i = 0; i < options.convolutions[stage]; ++i) {
      const std::int64_t out = options.channels[stage];
      features.add(Conv2d(in, out, PerAxis(3), {.padding = 1, .rng = options.rng}));
      if (options.batch_norm) features.add(BatchNorm(out));
      features.add(relu);
      in = out;
    }
    features.add(MaxPool2d(2));
  }
  hidden.emplace_back(in * kSide * kSide, options.hidden, LinearOptions{.rng = options.rng});
  hidden.emplace_back(options.hidden, options.hidden, LinearOptions{.rng = options.rng});
}

Tensor Vgg::forward(const Tensor& images) {
  Tensor x = flatten(adaptive_avg_pool2d(features(images), kSide), 1);
  for (const Linear& layer : hidden) x = dropout(relu(layer(x)));
  return output(x);
}

}  // namespace tapegrad::nn::models
