#pragma once
// VGG (Simonyan and Zisserman 2015), without batch norm or with it.

#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/linear.hpp>
#include <vector>

namespace tapegrad::nn::models {

/// Those of VGG-16.
struct VggOptions {
  std::vector<std::int64_t> convolutions{2, 2, 3, 3, 3};       ///< of 3x3, in each stage; then height and width halve
  std::vector<std::int64_t> channels{64, 128, 256, 512, 512};  ///< of each stage
  bool batch_norm = false;                                     ///< after each convolution
  std::int64_t hidden = 4096;                                  ///< width of the two layers before the last
  std::int64_t colours = 3;
  std::int64_t classes = 1000;
  double dropout = 0.5;  ///< after each hidden layer
  Rng* rng = nullptr;    ///< null: default_rng()
};
/// Of 11, 13, 16 or 19 layers; ValueError for another number.
VggOptions vgg(int layers, bool batch_norm = false);

/// Images [B, colours, H, W] to logits [B, classes].
struct Vgg : Layer<Vgg> {
  /// ValueError if a size is below 1, or there are not as many stages of convolutions as of channels.
  Vgg(Owner owner, const MemberName& name, const VggOptions& options = {});
  explicit Vgg(const VggOptions& options = {}) : Vgg(kNoOwner, "", options) {}
  Tensor forward(const Tensor& images);

  Sequential features{*this, "features"};
  ModuleList<Linear> hidden{*this, "hidden"};
  Dropout dropout;
  Linear output;
};

}  // namespace tapegrad::nn::models
