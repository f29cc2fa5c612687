#pragma once
// Convolution and its two adjoints: the one seam through which all of them go.

#include <tapegrad/ops/kernels/windows.hpp>

namespace tapegrad::kernels {

/// x [batch, in_channels, in…], w [out_channels, in_channels / groups, kernel…], y [batch, out_channels, out…]; all
/// dense. Channels come in `groups`, each of which sees its own part of the others.
struct ConvGeometry {
  Windows windows = {};
  std::int64_t batch = 1, groups = 1, in_channels = 1, out_channels = 1;

  bool operator==(const ConvGeometry&) const = default;
  std::int64_t x_size() const { return in_channels * windows.in_size(); }    ///< of one sample
  std::int64_t y_size() const { return out_channels * windows.out_size(); }  ///< of one sample
  std::int64_t weight_size() const { return out_channels * (in_channels / groups) * windows.kernel_size(); }
  /// Arithmetic for one sample.
  double flops() const { return 2.0 * static_cast<double>(weight_size()) * static_cast<double>(windows.out_size()); }
};

/// y = w * x + bias, where `bias` [out_channels] may be null. The batch is cut into pieces that depend on the geometry
/// alone, and each is computed by one thread: the same bits on any number of threads.
template <class T>
void convolution(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y);
/// The x whose product with any x' is that of y with convolution(x').
template <class T>
void convolution_input(const ConvGeometry& g, const T* y, const T* w, T* x);
/// The w whose product with any w' is that of y with convolution(w').
template <class T>
void convolution_weight(const ConvGeometry& g, const T* x, const T* y, T* w);

}  // namespace tapegrad::kernels
