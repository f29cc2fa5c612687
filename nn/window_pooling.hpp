#pragma once
// Pooling over windows of one to three spatial axes, as layers: see ops/pooling.hpp.

#include <string>
#include <tapegrad/nn/layer.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <utility>

namespace tapegrad::nn {

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

}  // namespace tapegrad::nn
