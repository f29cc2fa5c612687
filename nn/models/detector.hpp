#pragma once
// A detector of objects in pictures, in one stage and without anchors.

#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <tapegrad/nn/normalization.hpp>
#include <tapegrad/ops/detection.hpp>
#include <vector>

namespace tapegrad::nn::models {

/// Sizes of a Detector.
struct DetectorOptions {
  std::int64_t height = 160, width = 160;
  std::int64_t colours = 1;
  std::int64_t classes = 10;
  std::vector<std::int64_t> channels{24, 48, 96, 128, 128};
  std::int64_t features = 96;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the classes, which are kept by name, and the generator.
  static constexpr auto fields() {
    using Self = DetectorOptions;
    constexpr Range kSide{1, std::int64_t{1} << 14};
    return std::tuple{Setting{"height", &Self::height, "Of a picture, in pixels", kSide},
                      Setting{"width", &Self::width, "Of a picture, in pixels", kSide},
                      Setting{"colours", &Self::colours, "Of a pixel: 1, or 3 for red, green and blue", Range{1, 3}},
                      Setting{"channels", &Self::channels, "Of each halving of the picture, three at least"},
                      Setting{"features", &Self::features, "Channels that boxes and classes are told from"}};
  }
};

/// A convolution, batch normalisation and ReLU.
struct ConvBlock : Layer<ConvBlock> {
  ConvBlock(Owner owner, const MemberName& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
            std::int64_t stride, Rng* rng);
  Tensor forward(const Tensor& x);

  Conv2d conv;
  BatchNorm norm;
};

/// Which of the boxes are kept.
struct DetectOptions {
  double least_score = 0.05;
  double overlap = 0.6;     ///< above which the lesser of two boxes of one class goes
  std::int64_t most = 100;  ///< boxes in a picture
};

/// What outputs say, cell by cell, row after row of them.
struct DetectorCells {
  Tensor logits;  ///< of the classes [B, cells, classes]
  Tensor boxes;   ///< in pixels [B, cells, 4]
};

/// Pictures [B, colours, H, W] to [B, classes + 4, H / 8, W / 8], rounded up: of each cell of 8 × 8 pixels the logits
/// of the classes, and how far the edges of the object in whose middle it lies are from its own middle: left, top,
/// right and bottom, through softplus and in cells (Tian et al. 2019). Convolutions halve the picture once for each
/// width of channels; what the coarser of them see is added to the finer, down to the third (Lin et al. 2017). H and W
/// need not be those of the options.
struct Detector : Module {
  static constexpr std::int64_t kCell = 8;  ///< pixels
  /// ValueError if a size is below 1, or there are fewer than three channels.
  explicit Detector(const DetectorOptions& options);
  Tensor forward(const Tensor& pictures);

  static DetectorCells cells(const Tensor& outputs);

  /// Focal loss of the classes, whose targets are how well the boxes fit (Li et al. 2020), and twice the giou_loss of
  /// the boxes. Objects are [B, n, 5]: left, top, right and bottom in pixels, and a class; a negative class marks a row
  /// that is none. Cells within one and a half cells of an object's middle, and in its box, are to tell it; of several
  /// objects, the smallest.
  static Tensor loss(const Tensor& outputs, const Tensor& objects);

  /// What outputs say of each picture.
  static std::vector<Detections> detections(const Tensor& outputs, const DetectOptions& options = {});

  ModuleList<ConvBlock> halvings{*this, "halvings"}, refinements{*this, "refinements"};
  ModuleList<ConvBlock> laterals{*this, "laterals"};
  ModuleList<ConvBlock> head{*this, "head"};
  Conv2d classify, locate;
};

}  // namespace tapegrad::nn::models
