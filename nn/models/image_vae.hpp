#pragma once
// A variational autoencoder of small images.

#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <vector>

namespace tapegrad::nn::models {

struct ImageVaeOptions {
  std::int64_t height = 28, width = 28;
  std::int64_t colours = 1;
  std::vector<std::int64_t> channels{32, 64};
  std::int64_t hidden = 256;
  std::int64_t latent = 16;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the generator.
  static constexpr auto fields() {
    using Self = ImageVaeOptions;
    constexpr Range kSide{1, std::int64_t{1} << 14};
    return std::tuple{Setting{"height", &Self::height, "Of an image, in pixels", kSide},
                      Setting{"width", &Self::width, "Of an image, in pixels", kSide},
                      Setting{"colours", &Self::colours, "Of a pixel: 1, or 3 for red, green and blue", Range{1, 3}},
                      Setting{"channels", &Self::channels, "Of each halving of the image"},
                      Setting{"hidden", &Self::hidden, "Width of the layers beside the code"},
                      Setting{"latent", &Self::latent, "Numbers that an image becomes"}};
  }
};

/// Images [B, colours, H, W], with pixels in [0, 1], and codes [B, latent], which are standard normal before an image
/// is seen (Kingma and Welling 2014). Convolutions halve the image once for each width of channels; the decoder goes
/// the same way back. A pixel is the probability of being bright, so that the bound is of images whose pixels are drawn
/// bright or dark by it: a proper likelihood, in nats.
struct ImageVae : Module {
  struct Codes {
    Tensor mean, deviation;  ///< [B, latent]
  };

  /// ValueError if a size is below 1, or there are no channels.
  explicit ImageVae(const ImageVaeOptions& options);

  /// What each image costs, in nats [B, 2]: its pixels under a code drawn from default_rng(), and the divergence of its
  /// codes from the standard normal. Their sum is, in the mean over draws, at least -ln p of the image.
  Tensor forward(const Tensor& images) const;
  /// The mean cost of an image; whatever the targets.
  static Tensor loss(const Tensor& costs, const Tensor& targets);

  Codes encode(const Tensor& images) const;
  /// Images as probabilities of being bright.
  Tensor decode(const Tensor& codes) const;

  ModuleList<Conv2d> halvings{*this, "halvings"}, doublings{*this, "doublings"};
  Linear seen, code, unpacked, drawn;

 private:
  struct Size {
    std::int64_t height, width;
  };
  Tensor logits(const Tensor& codes) const;

  std::vector<Size> sizes_;  // of the image and each halving
};

}  // namespace tapegrad::nn::models
