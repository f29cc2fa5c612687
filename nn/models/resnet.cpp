#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/resnet.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::nn::models {
namespace {

std::int64_t expansion(const ResNetOptions& options) { return options.kind == ResNetBlockKind::basic ? 1 : 4; }

std::int64_t channels_of(const ResNetOptions& options, std::size_t stage) { return options.channels << stage; }

std::int64_t features_of(const ResNetOptions& options) {
  if (options.blocks.empty() || options.blocks.size() > 8)
    throw ValueError(fmt::format("ResNet: {} stages; 1 to 8 are possible", options.blocks.size()));
  return channels_of(options, options.blocks.size() - 1) * expansion(options);
}

ConvOptions convolution(const ResNetOptions& options, std::int64_t stride, std::int64_t padding) {
  return {.stride = stride, .padding = padding, .bias = false, .rng = options.rng};
}

}  // namespace

ResNetOptions resnet(int layers) {
  using enum ResNetBlockKind;
  switch (layers) {
    case 18:
      return {};
    case 34:
      return {.blocks = {3, 4, 6, 3}};
    case 50:
      return {.kind = bottleneck, .blocks = {3, 4, 6, 3}};
    case 101:
      return {.kind = bottleneck, .blocks = {3, 4, 23, 3}};
    case 152:
      return {.kind = bottleneck, .blocks = {3, 8, 36, 3}};
    default:
      throw ValueError(fmt::format("resnet: {} layers; 18, 34, 50, 101 or 152 are known", layers));
  }
}

ResNetBlock::ResNetBlock(Owner owner, const MemberName& name, std::int64_t in, std::int64_t channels,
                         std::int64_t stride, const ResNetOptions& options)
    : Layer(owner, name) {
  const std::int64_t out = channels * expansion(options);
  const auto add = [&](std::int64_t from, std::int64_t to, std::int64_t kernel, std::int64_t step) {
    convolutions.emplace_back(from, to, PerAxis(kernel), convolution(options, step, kernel / 2));
    norms.emplace_back(to);
  };
  if (options.kind == ResNetBlockKind::basic) {
    add(in, channels, 3, stride);
    add(channels, out, 3, 1);
  } else {
    add(in, channels, 1, 1);
    add(channels, channels, 3, stride);
    add(channels, out, 1, 1);
  }
  if (stride != 1 || in != out)
    shortcut.add(Conv2d(in, out, PerAxis(1), convolution(options, stride, 0))).add(BatchNorm(out));
}

Tensor ResNetBlock::forward(const Tensor& x) {
  Tensor y = x;
  for (std::size_t i = 0; i < convolutions.size(); ++i) {
    if (i > 0) y = relu(y);
    y = norms[i](convolutions[i](y));
  }
  return relu(y + shortcut(x));
}

ResNet::ResNet(Owner owner, const MemberName& name, const ResNetOptions& options)
    : Layer(owner, name),
      stem(*this, "stem", options.colours, options.channels, PerAxis(7), convolution(options, 2, 3)),
      stem_norm(*this, "stem_norm", options.channels),
      output(*this, "output", features_of(options), options.classes, {.rng = options.rng}) {
  std::int64_t in = options.channels;
  for (std::size_t s = 0; s < options.blocks.size(); ++s) {
    ModuleList<ResNetBlock>& stage = stages.emplace_back();
    for (std::int64_t i = 0; i < options.blocks[s]; ++i) {
      const std::int64_t channels = channels_of(options, s), stride = i == 0 && s > 0 ? 2 : 1;
      stage.emplace_back(in, channels, stride, options);
      in = channels * expansion(options);
    }
  }
}

Tensor ResNet::features(const Tensor& images) {
  Tensor x = max_pool2d(relu(stem_norm(stem(images))), 3, {.stride = 2, .padding = 1});
  for (auto& stage : stages)
    for (ResNetBlock& block : stage) x = block(x);
  return mean(x, {2, 3});
}

}  // namespace tapegrad::nn::models
