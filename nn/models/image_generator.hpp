#pragma once
// Generators of small images: a variational autoencoder and a Wasserstein GAN.

#include <array>
#include <memory>
#include <string_view>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <vector>

namespace tapegrad::nn::models {

enum class ImageGeneratorKind : std::uint8_t { vae, gan };
/// Their names, in order.
constexpr std::array<std::string_view, 2> choices(ImageGeneratorKind) { return {"vae", "gan"}; }

struct ImageGeneratorOptions {
  ImageGeneratorKind kind = ImageGeneratorKind::vae;
  std::int64_t height = 28, width = 28;
  std::int64_t colours = 1;
  std::vector<std::int64_t> channels{32, 64};
  std::int64_t hidden = 256;
  std::int64_t latent = 16;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the generator.
  static constexpr auto fields() {
    using Self = ImageGeneratorOptions;
    constexpr Range kSide{1, std::int64_t{1} << 14};
    return std::tuple{
        Setting{"model", &Self::kind, "vae or gan"},
        Setting{"height", &Self::height, "Of an image, in pixels", kSide},
        Setting{"width", &Self::width, "Of an image, in pixels", kSide},
        Setting{"colours", &Self::colours, "Of a pixel: 1, or 3 for red, green and blue", Range{1, 3}},
        Setting{"channels", &Self::channels, "Of the convolutions, each at half the size of the one before"},
        Setting{"hidden", &Self::hidden, "Width of the layers next to the latent variables"},
        Setting{"latent", &Self::latent, "Latent variables of an image"}};
  }
};

/// Images [B, colours, H, W] to [B, outputs] by strided convolutions.
struct ImageEncoder : Module {
  ImageEncoder(Owner owner, const MemberName& name, const ImageGeneratorOptions& options, std::int64_t outputs);
  Tensor operator()(const Tensor& images) const;

  ModuleList<Conv2d> convolutions{*this, "convolutions"};
  Linear hidden, output;
};

/// Latent variables [B, latent] to logits of pixels [B, colours, H, W]: the way of the encoder back.
struct ImageDecoder : Module {
  ImageDecoder(Owner owner, const MemberName& name, const ImageGeneratorOptions& options);
  Tensor operator()(const Tensor& latents) const;

  Linear hidden, features;
  ModuleList<Conv2d> convolutions{*this, "convolutions"};

 private:
  struct Size {
    std::int64_t height, width;
  };
  std::vector<Size> sizes_;  // the image's, and after each halving
};

/// Pixels are in [0, 1]; latent variables are standard normal.
struct ImageGenerator : Module {
  /// The model of the kind that the options say. ValueError for a size below 1 or no channels.
  static std::unique_ptr<ImageGenerator> make(const ImageGeneratorOptions& options);

  /// The two terms of each image's loss, [B, 2]. Draws from default_rng().
  virtual Tensor forward(const Tensor& images) const = 0;
  /// The mean over images of their terms' sum; there are no targets.
  static Tensor loss(const Tensor& terms, const Tensor& targets);

  /// Latent variables [B, latent] to images.
  Tensor decode(const Tensor& latents) const;
  /// B images at random.
  Tensor sample(std::int64_t count, Rng& rng = default_rng()) const;

  ImageDecoder decoder;

 protected:
  explicit ImageGenerator(const ImageGeneratorOptions& options);

 private:
  std::int64_t latent_;
};

/// A variational autoencoder (Kingma and Welling 2014). A pixel is the probability of a Bernoulli variable, so the loss
/// is the negative ELBO in nats: reconstruction and divergence of the posterior from the prior.
struct ImageVae : ImageGenerator {
  struct Posterior {
    Tensor mean, std;  ///< [B, latent]
  };

  explicit ImageVae(const ImageGeneratorOptions& options);
  Tensor forward(const Tensor& images) const override;
  Posterior encode(const Tensor& images) const;

  ImageEncoder encoder;
};

/// A Wasserstein GAN with gradient penalty (Gulrajani et al. 2017). Its terms are critic(sample) - critic(image), the
/// estimate of the distance with its sign changed, and, in training, the penalty: 10 (‖∇critic‖ - 1)² at a point
/// between the two. The critic descends the loss; for the decoder the gradient is reversed, so that one optimiser,
/// stepping both at once, plays the game of both.
struct ImageGan : ImageGenerator {
  explicit ImageGan(const ImageGeneratorOptions& options);
  Tensor forward(const Tensor& images) const override;

  ImageEncoder critic;
};

}  // namespace tapegrad::nn::models
