#pragma once
// Convolution layers, and their transposes, over one to three spatial axes.

#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/module.hpp>
#include <tapegrad/ops/convolution.hpp>

namespace tapegrad::nn {

/// Of Conv1d, Conv2d and Conv3d.
struct ConvOptions {
  PerAxis stride = 1;
  Padding padding = 0;
  PerAxis dilation = 1;
  std::int64_t groups = 1;  ///< of channels that see only each other
  bool bias = true;
  init::Initializer weight_init = init::kaiming_uniform();
  init::Initializer bias_init = init::zeros();
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

/// x [B, in, …] with kDimensions spatial axes to [B, out, …]: see conv2d in ops/convolution.hpp.
template <int kDimensions>
class Conv : public Layer<Conv<kDimensions>> {
 public:
  /// `kernel`: the window's extents. ValueError if a size is below 1 or the groups do not divide the channels.
  Conv(Owner owner, const MemberName& name, std::int64_t in, std::int64_t out, const PerAxis& kernel,
       const ConvOptions& options = {});
  Conv(std::int64_t in, std::int64_t out, const PerAxis& kernel, const ConvOptions& options = {})
      : Conv(kNoOwner, "", in, out, kernel, options) {}

  /// ShapeError if x has other axes or channels.
  Tensor forward(const Tensor& x) const;
  std::string type_name() const override { return "Conv" + std::to_string(kDimensions) + "d"; }

  Parameter weight;  ///< [out, in / groups, kernel…]
  Parameter bias;    ///< [out]; undefined without one

 private:
  tapegrad::ConvOptions window_;  // without the bias
};
using Conv1d = Conv<1>;
using Conv2d = Conv<2>;
using Conv3d = Conv<3>;

/// Of ConvTranspose1d, ConvTranspose2d and ConvTranspose3d.
struct ConvTransposeOptions {
  PerAxis stride = 1;
  PerAxis padding = 0;
  PerAxis output_padding = 0;  ///< added at the end of each axis of the result; below the stride
  PerAxis dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  init::Initializer weight_init = init::kaiming_uniform();
  init::Initializer bias_init = init::zeros();
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

/// x [B, in, …] to [B, out, …], larger by the stride: see conv_transpose2d in ops/convolution.hpp.
template <int kDimensions>
class ConvTranspose : public Layer<ConvTranspose<kDimensions>> {
 public:
  /// As Conv.
  ConvTranspose(Owner owner, const MemberName& name, std::int64_t in, std::int64_t out, const PerAxis& kernel,
                const ConvTransposeOptions& options = {});
  ConvTranspose(std::int64_t in, std::int64_t out, const PerAxis& kernel, const ConvTransposeOptions& options = {})
      : ConvTranspose(kNoOwner, "", in, out, kernel, options) {}

  /// ShapeError if x has other axes or channels.
  Tensor forward(const Tensor& x) const;
  std::string type_name() const override { return "ConvTranspose" + std::to_string(kDimensions) + "d"; }

  Parameter weight;  ///< [in, out / groups, kernel…]
  Parameter bias;    ///< [out]; undefined without one

 private:
  tapegrad::ConvTransposeOptions window_;  // without the bias
};
using ConvTranspose1d = ConvTranspose<1>;
using ConvTranspose2d = ConvTranspose<2>;
using ConvTranspose3d = ConvTranspose<3>;

extern template class Conv<1>;
extern template class Conv<2>;
extern template class Conv<3>;
extern template class ConvTranspose<1>;
extern template class ConvTranspose<2>;
extern template class ConvTranspose<3>;

}  // namespace tapegrad::nn
