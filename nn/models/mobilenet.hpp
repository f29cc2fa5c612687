#pragma once
// MobileNetV2 (Sandler, Howard, Zhu, Zhmoginov and Chen 2018).

#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/linear.hpp>
#include <vector>

namespace tapegrad::nn::models {

struct MobileNetOptions {
  struct Stage {
    std::int64_t expansion, channels, blocks, stride;  ///< the stride of the first block
  };
  std::vector<Stage> stages{{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                            {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  std::int64_t first = 32, last = 1280;  ///< channels before and after the stages
  std::int64_t colours = 3;
  std::int64_t classes = 1000;
  double dropout = 0.2;  ///< before the last layer
  Rng* rng = nullptr;    ///< null: default_rng()
};

/// 1x1 to `expansion` times the channels, 3x3 of each channel for itself, 1x1; around it x, where shapes agree.
struct InvertedResidual : Layer<InvertedResidual> {
  InvertedResidual(std::int64_t in, const MobileNetOptions::Stage& stage, std::int64_t stride, Rng* rng);
  Tensor forward(const Tensor& x);

  Sequential conv{*this, "conv"};

 private:
  bool around_;
};

/// Images [B, colours, H, W] to logits [B, classes].
struct MobileNet : Layer<MobileNet> {
  /// ValueError if a size is below 1.
  MobileNet(Owner owner, const MemberName& name, const MobileNetOptions& options = {});
  explicit MobileNet(const MobileNetOptions& options = {}) : MobileNet(kNoOwner, "", options) {}
  Tensor forward(const Tensor& images);

  Sequential features{*this, "features"};
  Dropout dropout;
  Linear output;
};

}  // namespace tapegrad::nn::models
