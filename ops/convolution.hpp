#pragma once
// Convolution (cross-correlation, as all of machine learning has it) and its transpose, over one to three spatial axes.
// x is [N, C, …] or, for one sample, [C, …].

#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/per_axis.hpp>

namespace tapegrad {

/// Zeros around the input: so many at both ends of each axis, or as many as make the result ⌈extent / stride⌉ long.
class Padding {
 public:
  Padding(PerAxis both) : both_(std::move(both)) {}
  Padding(std::integral auto both) : both_(both) {}
  Padding(std::initializer_list<std::int64_t> both) : both_(both) {}
  static Padding same() {
    Padding p(0);
    p.same_ = true;
    return p;
  }

  bool is_same() const { return same_; }
  const PerAxis& both() const { return both_; }

 private:
  PerAxis both_;
  bool same_ = false;
};

/// Of conv1d(), conv2d() and conv3d().
struct ConvOptions {
  Tensor bias = {};  ///< [O]; none means 0
  PerAxis stride = 1;
  Padding padding = 0;
  PerAxis dilation = 1;     ///< distance of a window's elements
  std::int64_t groups = 1;  ///< of channels that see only each other
};
/// y[n, o, p] = bias[o] + Σ weight[o, c, k] x[n, c, p · stride - padding + k · dilation]. weight is
/// [O, C / groups, kernel…]; the result is [N, O, …].
Tensor conv1d(const Tensor& x, const Tensor& weight, const ConvOptions& options = {});
Tensor conv2d(const Tensor& x, const Tensor& weight, const ConvOptions& options = {});
Tensor conv3d(const Tensor& x, const Tensor& weight, const ConvOptions& options = {});

/// Of conv_transpose1d(), conv_transpose2d() and conv_transpose3d().
struct ConvTransposeOptions {
  Tensor bias = {};  ///< [O]; none means 0
  PerAxis stride = 1;
  PerAxis padding = 0;
  PerAxis output_padding = 0;  ///< added at the end of each axis of the result; below the stride
  PerAxis dilation = 1;
  std::int64_t groups = 1;
};
/// The adjoint of the convolution with the same options: it spreads each element of x [N, C, …] over a window of the
/// result [N, O, …]. weight is [C, O / groups, kernel…].
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const ConvTransposeOptions& options = {});
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const ConvTransposeOptions& options = {});
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const ConvTransposeOptions& options = {});

}  // namespace tapegrad
