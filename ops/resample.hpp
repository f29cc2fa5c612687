#pragma once
// Images at another size, and their windows as columns, over one to three spatial axes: x is [N, C, …].

#include <string>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/per_axis.hpp>

namespace tapegrad {

enum class Interpolation : std::uint8_t {
  nearest,        ///< the element at ⌊o · extent / size⌋
  nearest_exact,  ///< the element whose centre is nearest: at ⌊(o + 1/2) · extent / size⌋
  linear,         ///< between the two neighbours on each axis: bilinear over two axes, trilinear over three
  cubic,          ///< Keys' kernel over four neighbours, a = -0.75; what is outside repeats the edge
  area            ///< the mean of the part, as adaptive_avg_pool
};
/// "nearest", "nearest_exact", "linear", "cubic", "area".
std::string format_attribute(Interpolation value);
void parse_attribute(std::string_view name, std::string_view text, Interpolation& value);

/// Of interpolate().
struct InterpolateOptions {
  PerAxis size = {};        ///< extents of the result; or else
  double scale_factor = 0;  ///< what to multiply each extent with, rounded down
  Interpolation mode = Interpolation::nearest;
  bool align_corners =
      false;  ///< linear and cubic: the first and last elements keep their values, else pixels their areas
};
/// x [N, C, …] at another size.
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);

/// Of unfold() and fold().
struct UnfoldOptions {
  PerAxis stride = 1;
  PerAxis padding = 0;
  PerAxis dilation = 1;
};
/// Each window's elements as a column: x [N, C, …] to [N, C · window, windows]; 0 outside x.
Tensor unfold(const Tensor& x, const PerAxis& kernel_size, const UnfoldOptions& options = {});
/// The adjoint: adds the columns of x [N, C · window, windows] up in [N, C, output_size…]. Both sizes have a number for
/// each spatial axis.
Tensor fold(const Tensor& x, const PerAxis& output_size, const PerAxis& kernel_size, const UnfoldOptions& options = {});

/// Channels rearranged into space, factor² for each pixel: x [N, C · factor², H, W] to [N, C, H · factor, W · factor].
Tensor pixel_shuffle(const Tensor& x, std::int64_t factor);
/// The inverse: x [N, C, H · factor, W · factor] to [N, C · factor², H, W].
Tensor pixel_unshuffle(const Tensor& x, std::int64_t factor);

enum class Outside : std::uint8_t {
  zeros,   ///< 0
  border,  ///< the nearest element
  reflect  ///< mirrored at the edges
};
/// Of grid_sample().
struct GridSampleOptions {
  Interpolation mode = Interpolation::linear;  ///< linear or nearest
  Outside outside = Outside::zeros;
  bool align_corners = false;  ///< whether -1 and 1 are the centres of the outer pixels, else their outer edges
};
/// x [N, C, H, W] at the places that grid [N, h, w, 2] names, of [N, C, D, H, W] at those of [N, d, h, w, 3]: the last
/// axis counts from x's last axis on, each from -1 to 1. NaN gives 0. Gradients go to x and, where mode is
/// linear, to grid.
Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options = {});
/// The grid of points that theta [N, 2, 3] or [N, 3, 4] maps a regular grid to, for a result of extents `size` [N, C,
/// …].
Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners = false);

}  // namespace tapegrad
