#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/distributions/distributions.hpp>
#include <tapegrad/nn/models/image_generator.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/transforms.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

using distributions::Normal;

constexpr double kSlope = 0.2;      // of leaky ReLUs
constexpr double kLeastStd = 1e-4;  // of a posterior, so that its divergence stays finite
constexpr double kPenalty = 10;

std::int64_t halved(std::int64_t extent) { return (extent + 1) / 2; }

/// Features after the last halving.
std::int64_t count_features(const ImageGeneratorOptions& options) {
  if (options.channels.empty()) throw ValueError("ImageGenerator: no channels; expected one width at least");
  std::int64_t height = options.height, width = options.width;
  for (std::size_t i = 0; i < options.channels.size(); ++i) {
    height = halved(height);
    width = halved(width);
  }
  return options.channels.back() * height * width;
}

LinearOptions linear_options(const ImageGeneratorOptions& options) {
  return {.weight_init = init::kaiming_uniform(), .rng = options.rng};
}

/// x itself, with the sign of its gradient changed.
Tensor reverse_gradient(const Tensor& x) {
  return with_gradient([](const Tensor& same) { return same; }, [](const Tensor& g, const Tensor&) { return -g; })(x);
}

}  // namespace

ImageEncoder::ImageEncoder(Owner owner, const MemberName& name, const ImageGeneratorOptions& options,
                           std::int64_t outputs)
    : Module(owner, name),
      hidden(*this, "hidden", count_features(options), options.hidden, linear_options(options)),
      output(*this, "output", options.hidden, outputs, {.rng = options.rng}) {
  std::int64_t in = options.colours;
  for (const std::int64_t out : options.channels) {
    convolutions.emplace_back(in, out, PerAxis(3), ConvOptions{.stride = 2, .padding = 1, .rng = options.rng});
    in = out;
  }
}

Tensor ImageEncoder::operator()(const Tensor& images) const {
  Tensor x = images;
  for (const Conv2d& convolution : convolutions) x = leaky_relu(convolution(x), kSlope);
  return output(leaky_relu(hidden(flatten(x, 1)), kSlope));
}

ImageDecoder::ImageDecoder(Owner owner, const MemberName& name, const ImageGeneratorOptions& options)
    : Module(owner, name),
      hidden(*this, "hidden", options.latent, options.hidden, linear_options(options)),
      features(*this, "features", options.hidden, count_features(options), linear_options(options)),
      sizes_{{options.height, options.width}} {
  for (std::size_t i = options.channels.size(); i-- > 0;) {
    const std::int64_t out = i == 0 ? options.colours : options.channels[i - 1];
    convolutions.emplace_back(options.channels[i], out, PerAxis(3), ConvOptions{.padding = 1, .rng = options.rng});
    sizes_.push_back({halved(sizes_.back().height), halved(sizes_.back().width)});
  }
}

Tensor ImageDecoder::operator()(const Tensor& latents) const {
  Tensor x = features(leaky_relu(hidden(latents), kSlope));
  x = reshape(x, {x.size(0), -1, sizes_.back().height, sizes_.back().width});
  for (std::size_t i = 0; i < convolutions.size(); ++i) {
    const Size& size = sizes_[convolutions.size() - 1 - i];
    x = convolutions[i](interpolate(leaky_relu(x, kSlope), {.size = {size.height, size.width}}));
  }
  return x;
}

std::unique_ptr<ImageGenerator> ImageGenerator::make(const ImageGeneratorOptions& options) {
  if (options.kind == ImageGeneratorKind::gan) return std::make_unique<ImageGan>(options);
  return std::make_unique<ImageVae>(options);
}

ImageGenerator::ImageGenerator(const ImageGeneratorOptions& options)
    : decoder(*this, "decoder", options), latent_(options.latent) {}

Tensor ImageGenerator::loss(const Tensor& terms, const Tensor& /*targets*/) { return mean(sum(terms, {1})); }

Tensor ImageGenerator::decode(const Tensor& latents) const { return sigmoid(decoder(latents)); }

Tensor ImageGenerator::sample(std::int64_t count, Rng& rng) const { return decode(randn({count, latent_}, f32, rng)); }

ImageVae::ImageVae(const ImageGeneratorOptions& options)
    : ImageGenerator(options), encoder(*this, "encoder", options, 2 * options.latent) {}

Tensor ImageVae::forward(const Tensor& images) const {
  const auto [mean, std] = encode(images);
  const Normal posterior(mean, std), prior(zeros_like(mean), ones_like(std));
  const Tensor reconstruction =
      binary_cross_entropy_with_logits(decoder(posterior.rsample()), images, {.reduction = Reduce::none});
  return stack({sum(reconstruction, {1, 2, 3}), sum(kl_divergence(posterior, prior), {1})}, 1);
}

ImageVae::Posterior ImageVae::encode(const Tensor& images) const {
  const Tensor both = encoder(images);
  const std::int64_t latent = both.size(1) / 2;
  return {slice(both, 1, 0, latent), softplus(slice(both, 1, latent, 2 * latent)) + kLeastStd};
}

ImageGan::ImageGan(const ImageGeneratorOptions& options)
    : ImageGenerator(options), critic(*this, "critic", options, 1) {}

Tensor ImageGan::forward(const Tensor& images) const {
  const std::int64_t batch = images.size(0);
  const Tensor samples = sample(batch);
  const Tensor scores = critic(concat({reverse_gradient(samples), images}));
  const Tensor difference = slice(scores, 0, 0, batch) - slice(scores, 0, batch, 2 * batch);
  Tensor penalty = zeros({batch, 1});
  if (training()) {
    const Tensor share = rand({batch, 1, 1, 1});
    const Tensor between = lerp(images, samples.detach(), share).detach().set_requires_grad();
    const Tensor slope = grad(sum(critic(between)), between, {.create_graph = true});
    penalty = kPenalty * square(norm(flatten(slope, 1), 2, {1}, true) - 1);
  }
  return concat({difference, penalty}, 1);
}

}  // namespace tapegrad::nn::models
