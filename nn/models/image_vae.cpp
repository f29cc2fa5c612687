#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/distributions/distributions.hpp>
#include <tapegrad/nn/models/image_vae.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

using distributions::Normal;

constexpr double kLeastDeviation = 1e-4;  // of a code, so that the bound stays finite

/// Numbers of the smallest halving.
std::int64_t features(const ImageVaeOptions& options) {
  if (options.channels.empty()) throw ValueError("ImageVae: no channels; one width at least is needed");
  std::int64_t height = options.height, width = options.width;
  for (std::size_t i = 0; i < options.channels.size(); ++i) {
    height = (height + 1) / 2;
    width = (width + 1) / 2;
  }
  return options.channels.back() * height * width;
}

}  // namespace

ImageVae::ImageVae(const ImageVaeOptions& options)
    : seen(*this, "seen", features(options), options.hidden, {.rng = options.rng}),
      code(*this, "code", options.hidden, 2 * options.latent, {.rng = options.rng}),
      unpacked(*this, "unpacked", options.latent, options.hidden, {.rng = options.rng}),
      drawn(*this, "drawn", options.hidden, features(options), {.rng = options.rng}),
      sizes_{{options.height, options.width}} {
  std::int64_t in = options.colours;
  for (const std::int64_t out : options.channels) {
    halvings.emplace_back(in, out, PerAxis(3), ConvOptions{.stride = 2, .padding = 1, .rng = options.rng});
    sizes_.push_back({(sizes_.back().height + 1) / 2, (sizes_.back().width + 1) / 2});
    in = out;
  }
  for (std::size_t i = options.channels.size(); i-- > 0;) {
    const std::int64_t out = i == 0 ? options.colours : options.channels[i - 1];
    doublings.emplace_back(in, out, PerAxis(3), ConvOptions{.padding = 1, .rng = options.rng});
    in = out;
  }
}

Tensor ImageVae::forward(const Tensor& images) const {
  const Codes codes = encode(images);
  const Normal posterior(codes.mean, codes.deviation), prior(zeros_like(codes.mean), ones_like(codes.deviation));
  const Tensor pixels =
      binary_cross_entropy_with_logits(logits(posterior.rsample()), images, {.reduction = Reduce::none});
  return stack({sum(pixels, {1, 2, 3}), sum(kl_divergence(posterior, prior), {1})}, 1);
}

Tensor ImageVae::loss(const Tensor& costs, const Tensor& /*targets*/) { return mean(sum(costs, {1})); }

ImageVae::Codes ImageVae::encode(const Tensor& images) const {
  Tensor x = images;
  for (const Conv2d& halving : halvings) x = relu(halving(x));
  x = code(relu(seen(flatten(x, 1))));
  const std::int64_t latent = x.size(1) / 2;
  return {slice(x, 1, 0, latent), softplus(slice(x, 1, latent, 2 * latent)) + kLeastDeviation};
}

Tensor ImageVae::decode(const Tensor& codes) const { return sigmoid(logits(codes)); }

Tensor ImageVae::logits(const Tensor& codes) const {
  const Tensor flat = relu(drawn(relu(unpacked(codes))));
  Tensor x = reshape(flat, {flat.size(0), -1, sizes_.back().height, sizes_.back().width});
  for (std::size_t i = 0; i < doublings.size(); ++i) {
    const Size& size = sizes_[sizes_.size() - 2 - i];
    x = doublings[i](interpolate(i == 0 ? x : relu(x), {.size = {size.height, size.width}}));
  }
  return x;
}

}  // namespace tapegrad::nn::models
