#pragma once
// Pooling over windows of one to three spatial axes, as layers: see ops/pooling.hpp.

#include <string>
#include <tapegrad/nn/layer.hpp>
#include <tapegrad/ops/pooling.hpp>

namespace tapegrad::nn {

/// The largest element of each window: x [B, C, …] with kDimensions spatial axes.
template <int kDimensions>
class MaxPool : public Layer<MaxPool<kDimensions>> {
 public:
  explicit MaxPool(const PerAxis& kernel, const MaxPoolOptions& options = {}) : kernel_(kernel), options_(options) {}
  MaxPool(Module& parent, const MemberName& name, const PerAxis& kernel, const MaxPoolOptions& options = {})
      : Layer<MaxPool>(parent, name), kernel_(kernel), options_(options) {}

  /// ShapeError if x has other axes, or no window fits.
  Tensor forward(const Tensor& x) const {
    if constexpr (kDimensions == 1) return max_pool1d(x, kernel_, options_);
    if constexpr (kDimensions == 2) return max_pool2d(x, kernel_, options_);
    if constexpr (kDimensions == 3) return max_pool3d(x, kernel_, options_);
  }
  std::string type_name() const override { return "MaxPool" + std::to_string(kDimensions) + "d"; }

 private:
  PerAxis kernel_;
  MaxPoolOptions options_;
};
using MaxPool1d = MaxPool<1>;
using MaxPool2d = MaxPool<2>;
using MaxPool3d = MaxPool<3>;

/// The mean of each window.
template <int kDimensions>
class AvgPool : public Layer<AvgPool<kDimensions>> {
 public:
  explicit AvgPool(const PerAxis& kernel, const AvgPoolOptions& options = {}) : kernel_(kernel), options_(options) {}
  AvgPool(Module& parent, const MemberName& name, const PerAxis& kernel, const AvgPoolOptions& options = {})
      : Layer<AvgPool>(parent, name), kernel_(kernel), options_(options) {}

  /// ShapeError if x has other axes, or no window fits.
  Tensor forward(const Tensor& x) const {
    if constexpr (kDimensions == 1) return avg_pool1d(x, kernel_, options_);
    if constexpr (kDimensions == 2) return avg_pool2d(x, kernel_, options_);
    if constexpr (kDimensions == 3) return avg_pool3d(x, kernel_, options_);
  }
  std::string type_name() const override { return "AvgPool" + std::to_string(kDimensions) + "d"; }

 private:
  PerAxis kernel_;
  AvgPoolOptions options_;
};
using AvgPool1d = AvgPool<1>;
using AvgPool2d = AvgPool<2>;
using AvgPool3d = AvgPool<3>;

}  // namespace tapegrad::nn
