#pragma once
// Pooling over one to three spatial axes. x is [N, C, …] or, for one sample, [C, …]. Padding is at most half a window,
// so that each window has an element of x.

#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/per_axis.hpp>

namespace tapegrad {

/// Of max_pool1d(), max_pool2d() and max_pool3d().
struct MaxPoolOptions {
  PerAxis stride = {};  ///< none means the window's extents: windows that do not overlap
  PerAxis padding = 0;
  PerAxis dilation = 1;    ///< distance of a window's elements
  bool ceil_mode = false;  ///< a last window that reaches past the end counts too
};
/// The largest element of each window; NaN where there is one. The gradient goes to the first of equal ones.
Tensor max_pool1d(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool2d(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool3d(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options = {});

/// For each element of max_pool's result its place in x's spatial axes, in row-major order: i64.
Tensor max_pool1d_positions(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool2d_positions(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool3d_positions(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options = {});
/// x's elements at such positions of spatial axes of extents `output_size`, a number for each; 0 elsewhere. Elements at
/// one position are added.
Tensor max_unpool(const Tensor& x, const Tensor& positions, const PerAxis& output_size);

/// Of avg_pool1d(), avg_pool2d() and avg_pool3d().
struct AvgPoolOptions {
  PerAxis stride = {};  ///< none means the window's extents
  PerAxis padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;  ///< whether the zeros of the padding count in the mean
};
/// The mean of each window.
Tensor avg_pool1d(const Tensor& x, const PerAxis& kernel_size, const AvgPoolOptions& options = {});
Tensor avg_pool2d(const Tensor& x, const PerAxis& kernel_size, const AvgPoolOptions& options = {});
Tensor avg_pool3d(const Tensor& x, const PerAxis& kernel_size, const AvgPoolOptions& options = {});

/// The mean, or the largest element, of windows that divide each axis into `output_size` parts: part o is from
/// ⌊o · extent / output_size⌋ to ⌈(o + 1) · extent / output_size⌉.
Tensor adaptive_avg_pool1d(const Tensor& x, const PerAxis& output_size);
Tensor adaptive_avg_pool2d(const Tensor& x, const PerAxis& output_size);
Tensor adaptive_avg_pool3d(const Tensor& x, const PerAxis& output_size);
Tensor adaptive_max_pool1d(const Tensor& x, const PerAxis& output_size);
Tensor adaptive_max_pool2d(const Tensor& x, const PerAxis& output_size);
Tensor adaptive_max_pool3d(const Tensor& x, const PerAxis& output_size);

}  // namespace tapegrad
