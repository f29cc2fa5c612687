#pragma once
// Normalisation: elements brought to mean 0 and variance 1 in groups, then scaled and shifted. The variance is that of
// the group itself (divided by its count). A group of equal elements gives the bias, with finite gradients.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// Of layer_norm(), group_norm() and their like.
struct NormOptions {
  Tensor weight = {};  ///< factors; none means 1
  Tensor bias = {};    ///< summands; none means 0
  double eps = 1e-5;   ///< added to the variance; above 0
};

/// Each group is the last axes of x, whose extents are `normalized_shape`; so are those of weight and bias.
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const NormOptions& options = {});

/// Of rms_norm().
struct RmsNormOptions {
  Tensor weight = {};  ///< factors; none means 1
  double eps = 1e-5;   ///< added to the mean square; above 0
};
/// x / √(mean x² + eps) over the last axes of x, whose extents are `normalized_shape`; so are those of the weight.
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const RmsNormOptions& options = {});

/// Each group is one channel of x [N, C, …] over the whole batch, as in training; weight and bias are [C].
Tensor batch_norm(const Tensor& x, const NormOptions& options = {});
/// The same with a mean and variance [C] that are given, as when a trained model is used.
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const NormOptions& options = {});

/// Mean and variance of each channel.
struct BatchMoments {
  Tensor mean, var;  ///< [C]
};
/// Mean and variance of each channel of x [N, C, …], for running statistics: the variance estimates that of the
/// population (divided by count - 1; NaN where the count is 1). Not recorded.
BatchMoments batch_moments(const Tensor& x);

/// x / |x| along an axis, where |x| is the p-norm, or epsilon where that is less.
Tensor normalize(const Tensor& x, double p = 2, int axis = -1, double epsilon = 1e-12);

/// Each group is `groups` adjoining channels of one sample of x [N, C, …]; weight and bias are [C].
Tensor group_norm(const Tensor& x, std::int64_t groups, const NormOptions& options = {});
/// Each group is one channel of one sample of x [N, C, …]; weight and bias are [C].
Tensor instance_norm(const Tensor& x, const NormOptions& options = {});

}  // namespace tapegrad
