#pragma once
// ResNet (He, Zhang, Ren and Sun 2016), with the stride of a bottleneck at its middle convolution, as torchvision has
// it.

#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/normalization.hpp>
#include <vector>

namespace tapegrad::nn::models {

enum class ResNetBlockKind : std::uint8_t {
  basic,      ///< 3x3, 3x3
  bottleneck  ///< 1x1, 3x3, 1x1 to four times the channels
};

/// Those of ResNet-18.
struct ResNetOptions {
  ResNetBlockKind kind = ResNetBlockKind::basic;
  std::vector<std::int64_t> blocks{2, 2, 2, 2};  ///< of each stage
  std::int64_t channels = 64;                    ///< of the first stage; each later one has twice as many
  std::int64_t colours = 3;
  std::int64_t classes = 1000;
  Rng* rng = nullptr;  ///< null: default_rng()
};
/// Of 18, 34, 50, 101 or 152 layers; ValueError for another number.
ResNetOptions resnet(int layers);

/// x [B, in, H, W] to [B, out, H / stride, W / stride], around a shortcut that is a 1x1 convolution where shapes
/// differ.
struct ResNetBlock : Layer<ResNetBlock> {
  ResNetBlock(Owner owner, const MemberName& name, std::int64_t in, std::int64_t channels, std::int64_t stride,
              const ResNetOptions& options);
  Tensor forward(const Tensor& x);

  ModuleList<Conv2d> convolutions{*this, "convolutions"};
  ModuleList<BatchNorm> norms{*this, "norms"};
  Sequential shortcut{*this, "shortcut"};
};

/// Images [B, colours, H, W] to logits [B, classes].
struct ResNet : Layer<ResNet> {
  /// ValueError if a size is below 1, or there is no stage.
  ResNet(Owner owner, const MemberName& name, const ResNetOptions& options = {});
  explicit ResNet(const ResNetOptions& options = {}) : ResNet(kNoOwner, "", options) {}
  Tensor forward(const Tensor& images) { return output(features(images)); }
  /// What the last layer reads: [B, output.in()].
  Tensor features(const Tensor& images);

  Conv2d stem;
  BatchNorm stem_norm;
  ModuleList<ModuleList<ResNetBlock>> stages{*this, "stages"};
  Linear output;
};

}  // namespace tapegrad::nn::models
