#pragma once
// Images at another size, and their windows as columns, over one to three spatial axes: x is [N, C, …].

#include <string>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/per_axis.hpp>

namespace tapegrad {

enum class Interpolation : std::uint8_t {
  nearest,  ///< the element at ⌊o · extent / size⌋
  linear    ///< between the two neighbours on each axis: bilinear over two axes, trilinear over three
};
/// "nearest", "linear".
std::string format_attribute(Interpolation value);
void parse_attribute(std::string_view name, std::string_view text, Interpolation& value);

struct InterpolateOptions {
  PerAxis size = {};        ///< extents of the result; or else
  double scale_factor = 0;  ///< what to multiply each extent with, rounded down
  Interpolation mode = Interpolation::nearest;
  bool align_corners = false;  ///< linear only: the first and last elements keep their values, else pixels their areas
};
/// x [N, C, …] at another size.
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);

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

}  // namespace tapegrad
