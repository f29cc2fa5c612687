#pragma once
// Upsample: images at another size.

#include <tapegrad/nn/layer.hpp>
#include <tapegrad/ops/resample.hpp>

namespace tapegrad::nn {

/// x [B, C, …] with one to three spatial axes to [B, C, …] of another size, by interpolate() in ops/resample.hpp:
///
///   nn::Upsample twice({.scale_factor = 2, .mode = Interpolation::linear});  // bilinear, of images [B, C, H, W]
///   nn::Upsample fixed({.size = {32, 48}});                                  // the nearest element
class Upsample : public Layer<Upsample> {
 public:
  Upsample(Owner owner, const MemberName& name, InterpolateOptions options)
      : Layer(owner, name), options_(std::move(options)) {}
  explicit Upsample(InterpolateOptions options) : Upsample(kNoOwner, "", std::move(options)) {}

  /// ShapeError if x has other axes, or nothing on one of them; ValueError unless the options have either a size, of as
  /// many axes, or a scale factor.
  Tensor forward(const Tensor& x) const { return interpolate(x, options_); }

 private:
  InterpolateOptions options_;
};

}  // namespace tapegrad::nn
