#pragma once
// Normalisation layers: elements brought to mean 0 and variance 1 in groups, then scaled and shifted by parameters.

#include <tapegrad/nn/module.hpp>

namespace tapegrad {
struct BatchMoments;
}

namespace tapegrad::nn {

/// Of LayerNorm, GroupNorm and their like.
struct NormOptions {
  bool affine = true;  ///< parameters weight, from 1, and bias, from 0
  double eps = 1e-5;   ///< added to the variance; ValueError unless positive
  DType dtype = f32;
};

/// Over the last axes of x, of extents `shape` (Ba, Kiros and Hinton 2016).
class LayerNorm : public Layer<LayerNorm> {
 public:
  LayerNorm(Owner owner, const MemberName& name, const Shape& shape, const NormOptions& options = {});
  LayerNorm(Owner owner, const MemberName& name, std::int64_t width, const NormOptions& options = {})
      : LayerNorm(owner, name, Shape{width}, options) {}
  explicit LayerNorm(const Shape& shape, const NormOptions& options = {}) : LayerNorm(kNoOwner, "", shape, options) {}
  explicit LayerNorm(std::int64_t width, const NormOptions& options = {}) : LayerNorm(kNoOwner, "", width, options) {}

  /// ShapeError unless x ends with `shape`.
  Tensor forward(const Tensor& x) const;

  Parameter weight, bias;  ///< of `shape`

 private:
  Shape shape_;
  double eps_;
};

/// x / √(mean x² + eps) over the last axis (Zhang and Sennrich 2019); it has no bias.
class RmsNorm : public Layer<RmsNorm> {
 public:
  RmsNorm(Owner owner, const MemberName& name, std::int64_t width, const NormOptions& options = {});
  explicit RmsNorm(std::int64_t width, const NormOptions& options = {}) : RmsNorm(kNoOwner, "", width, options) {}

  /// ShapeError unless the last extent of x is `width`.
  Tensor forward(const Tensor& x) const;

  Parameter weight;  ///< [width]

 private:
  std::int64_t width_;
  double eps_;
};

/// Over groups of adjoining channels of each sample x [B, C, …] (Wu and He 2018).
class GroupNorm : public Layer<GroupNorm> {
 public:
  /// ValueError unless the groups divide the channels.
  GroupNorm(Owner owner, const MemberName& name, std::int64_t groups, std::int64_t channels,
            const NormOptions& options = {});
  GroupNorm(std::int64_t groups, std::int64_t channels, const NormOptions& options = {})
      : GroupNorm(kNoOwner, "", groups, channels, options) {}

  /// ShapeError unless x is [B, channels, …].
  Tensor forward(const Tensor& x) const;

  Parameter weight, bias;  ///< [channels]

 private:
  std::int64_t groups_, channels_;
  double eps_;
};

/// Over each channel of each sample x [B, C, …] (Ulyanov, Vedaldi and Lempitsky 2016).
class InstanceNorm : public Layer<InstanceNorm> {
 public:
  InstanceNorm(Owner owner, const MemberName& name, std::int64_t channels, const NormOptions& options = {});
  explicit InstanceNorm(std::int64_t channels, const NormOptions& options = {})
      : InstanceNorm(kNoOwner, "", channels, options) {}

  /// ShapeError unless x is [B, channels, …].
  Tensor forward(const Tensor& x) const;

  Parameter weight, bias;  ///< [channels]

 private:
  std::int64_t channels_;
  double eps_;
};

/// Of BatchNorm.
struct BatchNormOptions {
  bool affine = true;
  double eps = 1e-5;
  double momentum = 0.1;  ///< share of a batch in the running statistics, in (0, 1]
  DType dtype = f32;
};

/// Over each channel of the batch x [B, C, …] (Ioffe and Szegedy 2015). While training, by the batch's own statistics,
/// which running ones follow; in use, by the running ones.
class BatchNorm : public Layer<BatchNorm> {
 public:
  BatchNorm(Owner owner, const MemberName& name, std::int64_t channels, const BatchNormOptions& options = {});
  explicit BatchNorm(std::int64_t channels, const BatchNormOptions& options = {})
      : BatchNorm(kNoOwner, "", channels, options) {}

  /// ShapeError unless x is [B, channels, …]; ValueError for a training batch with one value a channel.
  Tensor forward(const Tensor& x);

  Parameter weight, bias;            ///< [channels]
  Buffer running_mean, running_var;  ///< [channels], from 0 and 1

 private:
  void follow(const BatchMoments& batch);
  std::int64_t channels_;
  double eps_, momentum_;
};

using BatchNorm1d = BatchNorm;  ///< [B, C] or [B, C, L]
using BatchNorm2d = BatchNorm;  ///< [B, C, H, W]
using BatchNorm3d = BatchNorm;  ///< [B, C, D, H, W]

}  // namespace tapegrad::nn
