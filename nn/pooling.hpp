#pragma once
// Pooling over sequences and over windows of one to three spatial axes, and upsampling, as layers.

#include <string>
#include <tapegrad/nn/module.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <tapegrad/ops/resample.hpp>
#include <utility>

namespace tapegrad::nn {

/// The mean of each sequence's vectors; 0 for a sequence without any.
class GlobalAveragePooling1D : public Layer<GlobalAveragePooling1D> {
 public:
  using Layer::Layer;

  /// Sequences of one length: x [B, L, D] to [B, D].
  Tensor forward(const Tensor& x) const;
  /// Padded sequences, with a mask (bool [B, L]) of what counts: x [B, L, D] to [B, D].
  /// Ragged sequences, with offsets (i64 or i32 [B + 1]): x [T, D], where sequence b is the rows from offsets[b] up to,
  /// not including, offsets[b + 1], to [B, D].
  Tensor forward(const Tensor& x, const Tensor& mask_or_offsets) const;
};

namespace detail {

struct MaxPooling {
  static constexpr const char* kName = "MaxPool";
  using Options = MaxPoolOptions;
  template <int kDimensions>
  static constexpr auto kPool = kDimensions == 1   ? max_pool1d
                                : kDimensions == 2 ? max_pool2d
                                                   : max_pool3d;
  template <int kDimensions>
  static constexpr auto kAdaptivePool = kDimensions == 1   ? adaptive_max_pool1d
                                        : kDimensions == 2 ? adaptive_max_pool2d
                                                           : adaptive_max_pool3d;
};

struct AvgPooling {
  static constexpr const char* kName = "AvgPool";
  using Options = AvgPoolOptions;
  template <int kDimensions>
  static constexpr auto kPool = kDimensions == 1   ? avg_pool1d
                                : kDimensions == 2 ? avg_pool2d
                                                   : avg_pool3d;
  template <int kDimensions>
  static constexpr auto kAdaptivePool = kDimensions == 1   ? adaptive_avg_pool1d
                                        : kDimensions == 2 ? adaptive_avg_pool2d
                                                           : adaptive_avg_pool3d;
};

}  // namespace detail

/// The largest element, or the mean, of each window: x [B, C, …] with kDimensions spatial axes.
template <class Pooling, int kDimensions>
class WindowPool : public Layer<WindowPool<Pooling, kDimensions>> {
 public:
  using Options = typename Pooling::Options;
  WindowPool(Owner owner, const MemberName& name, PerAxis kernel, Options options = {})
      : Layer<WindowPool>(owner, name), kernel_(std::move(kernel)), options_(std::move(options)) {}
  explicit WindowPool(PerAxis kernel, Options options = {})
      : WindowPool(kNoOwner, "", std::move(kernel), std::move(options)) {}

  /// ShapeError if x has other axes, or no window fits.
  Tensor forward(const Tensor& x) const { return Pooling::template kPool<kDimensions>(x, kernel_, options_); }
  std::string type_name() const override { return Pooling::kName + std::to_string(kDimensions) + "d"; }

 private:
  PerAxis kernel_;
  Options options_;
};
using MaxPool1d = WindowPool<detail::MaxPooling, 1>;
using MaxPool2d = WindowPool<detail::MaxPooling, 2>;
using MaxPool3d = WindowPool<detail::MaxPooling, 3>;
using AvgPool1d = WindowPool<detail::AvgPooling, 1>;
using AvgPool2d = WindowPool<detail::AvgPooling, 2>;
using AvgPool3d = WindowPool<detail::AvgPooling, 3>;

/// The same of windows that divide each axis into a given number of parts, so that the result has one size whatever
/// that of x: x [B, C, …] with kDimensions spatial axes to [B, C, output_size…].
template <class Pooling, int kDimensions>
class AdaptivePool : public Layer<AdaptivePool<Pooling, kDimensions>> {
 public:
  AdaptivePool(Owner owner, const MemberName& name, PerAxis output_size)
      : Layer<AdaptivePool>(owner, name), output_size_(std::move(output_size)) {}
  explicit AdaptivePool(PerAxis output_size) : AdaptivePool(kNoOwner, "", std::move(output_size)) {}

  /// ShapeError if x has other axes, or nothing on one of them; ValueError if the output's size has other axes.
  Tensor forward(const Tensor& x) const { return Pooling::template kAdaptivePool<kDimensions>(x, output_size_); }
  std::string type_name() const override {
    return std::string("Adaptive") + Pooling::kName + std::to_string(kDimensions) + "d";
  }

 private:
  PerAxis output_size_;
};
using AdaptiveMaxPool1d = AdaptivePool<detail::MaxPooling, 1>;
using AdaptiveMaxPool2d = AdaptivePool<detail::MaxPooling, 2>;
using AdaptiveMaxPool3d = AdaptivePool<detail::MaxPooling, 3>;
using AdaptiveAvgPool1d = AdaptivePool<detail::AvgPooling, 1>;
using AdaptiveAvgPool2d = AdaptivePool<detail::AvgPooling, 2>;
using AdaptiveAvgPool3d = AdaptivePool<detail::AvgPooling, 3>;

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
