#pragma once
// Classifiers of small images: a multi-layer perceptron and a convolutional network.

#include <array>
#include <string_view>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <tapegrad/nn/normalization.hpp>
#include <vector>

namespace tapegrad::nn::models {

enum class ImageClassifierKind : std::uint8_t { mlp, cnn };
/// Their names, in order.
constexpr std::array<std::string_view, 2> choices(ImageClassifierKind) { return {"mlp", "cnn"}; }

/// Kind and sizes of an ImageClassifier.
struct ImageClassifierOptions {
  ImageClassifierKind kind = ImageClassifierKind::mlp;
  std::int64_t height = 28, width = 28;
  std::int64_t colours = 1;
  std::int64_t classes = 10;
  std::vector<std::int64_t> hidden{512, 256};
  std::vector<std::int64_t> channels{32, 64, 128};
  double dropout = 0.2;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the classes, which are kept by name, and the generator.
  static constexpr auto fields() {
    using Self = ImageClassifierOptions;
    constexpr Range kSide{1, std::int64_t{1} << 14};
    return std::tuple{
        Setting{"model", &Self::kind, "mlp or cnn"},
        Setting{"height", &Self::height, "Of an image, in pixels", kSide},
        Setting{"width", &Self::width, "Of an image, in pixels", kSide},
        Setting{"colours", &Self::colours, "Of a pixel: 1, or 3 for red, green and blue", Range{1, 3}, Since::later},
        Setting{"hidden", &Self::hidden, "Widths of the hidden layers of an mlp"},
        Setting{"channels", &Self::channels, "Channels of the convolutions of a cnn"},
        Setting{"dropout", &Self::dropout, "Before the last layer and, of an mlp, after each hidden one"}};
  }
};

/// Images [B, colours, H, W] to logits [B, classes]. An mlp is Linear and ReLU, layer by layer. A cnn has two
/// convolutions for each width of channels, each with BatchNorm and ReLU, the second of them halving height and width;
/// then the mean over the places, and Linear.
struct ImageClassifier : Module {
  /// ValueError if a size is below 1, or a cnn has no channels.
  explicit ImageClassifier(const ImageClassifierOptions& options);
  Tensor forward(const Tensor& images);

  ModuleList<Linear> hidden{*this, "hidden"};
  ModuleList<Conv2d> convolutions{*this, "convolutions"};
  ModuleList<BatchNorm> norms{*this, "norms"};
  Dropout dropout;
  Linear output;
};

}  // namespace tapegrad::nn::models
