#pragma once
// What ops over spatial axes share: attributes with one number for each, and their checks.

#include <functional>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/op/attributes.hpp>
#include <tapegrad/ops/kernels/axis_map.hpp>
#include <tapegrad/ops/kernels/windows.hpp>
#include <tapegrad/ops/per_axis.hpp>

namespace tapegrad {

/// An attribute with a number for each of `axes` spatial axes: as given, or one for all, or `otherwise` where there is
/// none. ValueError for another count, or a number below `least`.
Integers for_axes(const char* op, const char* name, const Integers& given, int axes, std::int64_t otherwise,
                  std::int64_t least);

/// The same numbers as the attribute of an op over `axes` spatial axes: left out where they are all `otherwise`, so
/// that labels stay short. A list of another length is kept, for the op to refuse.
Integers attribute_of(const PerAxis& option, int axes, std::int64_t otherwise);

/// The last extents of an array as the kernels count axes.
kernels::Extents spatial(std::span<const std::int64_t> extents, std::int64_t otherwise = 1);
/// Those of x [N, C, …].
kernels::Extents spatial_of(const Shape& x);

/// The spatial extents of x [N, C, …], and a shape that has them.
Integers extents_of(const Shape& x);
Shape with_extents(std::int64_t n, std::int64_t channels, const Integers& extents);

/// How many arrays of spatial axes there are in x [N, C, …].
inline std::int64_t planes(const Shape& x) { return x[0] * x[1]; }

/// y [N, C, …] from x by a map along each spatial axis. Where y has no elements, its extents may be too large for maps.
void map_axes(std::span<const kernels::AxisMap> maps, const Tensor& x, Tensor& y);
/// The adjoint maps.
std::vector<kernels::AxisMap> transposed(std::span<const kernels::AxisMap> maps);

/// x [N, C, …], of one to three spatial axes. ShapeError.
void check_images(const char* op, const Tensor& x);

/// Runs `f` on x [N, C, …] where x has `axes` spatial axes, and on a batch of one where it has no batch. ShapeError for
/// other ranks.
Tensor with_batch(const char* op, const Tensor& x, int axes, const std::function<Tensor(const Tensor&)>& f);

}  // namespace tapegrad
