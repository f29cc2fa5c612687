#include <algorithm>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/view.hpp>
#include <vector>

namespace tapegrad {
namespace {

/// Places mirrored at `low` and `high` until they lie between them.
Tensor mirrored(const Tensor& at, double low, double high) {
  const double span = high - low;
  if (span == 0) return zeros(at.shape(), at.dtype());
  const Tensor distance = abs(at - low), turns = floor(distance / span).detach();
  const Tensor rest = distance - turns * span;
  return where(fmod(turns, 2) == 0, rest + low, high - rest);
}

/// Places in pixels of an axis of `extent`, from places between -1 and 1.
Tensor in_pixels(const Tensor& place, std::int64_t extent, const GridSampleOptions& o) {
  const auto n = static_cast<double>(extent);
  Tensor at = o.align_corners ? (place + 1) * ((n - 1) / 2) : (place + 1) * (n / 2) - 0.5;
  if (o.outside == Outside::reflect) at = o.align_corners ? mirrored(at, 0, n - 1) : mirrored(at, -0.5, n - 0.5);
  return o.outside == Outside::zeros ? at : clamp(at, 0, n - 1);
}

/// A neighbour along one axis: its position, and its share of the value, 0 where it is outside or NaN.
struct Neighbour {
  Tensor position, share;
};

Neighbour neighbour(const Tensor& position, const Tensor& share, std::int64_t extent) {
  const auto last = static_cast<double>(extent - 1);
  const Tensor inside = logical_and(position >= 0, position <= last);
  return {cast(where(inside, position, 0), i64), where(inside, share, 0)};
}

std::vector<Neighbour> neighbours(const Tensor& at, std::int64_t extent, Interpolation mode) {
  if (mode == Interpolation::nearest) {
    const Tensor position = round(at.detach());
    return {neighbour(position, ones(position.shape(), position.dtype()), extent)};
  }
  const Tensor before = floor(at.detach()), share = at - before;
  return {neighbour(before, 1 - share, extent), neighbour(before + 1, share, extent)};
}

void check_sampled(const Tensor& x, const Tensor& grid, const GridSampleOptions& o) {
  const int axes = x.rank() - 2;
  const std::string given = "grid_sample: x is " + to_string(x.shape()) + " and grid " + to_string(grid.shape());
  if ((axes != 2 && axes != 3) || grid.rank() != x.rank() || grid.shape()[-1] != axes ||
      grid.shape()[0] != x.shape()[0])
    throw ShapeError(given + "; expected [N, C, H, W] and [N, h, w, 2], or [N, C, D, H, W] and [N, d, h, w, 3]");
  if (x.dtype() != grid.dtype() || !is_floating(x.dtype()))
    throw DTypeError("grid_sample: x is " + describe(x) + " and grid " + describe(grid) +
                     "; both must be of one floating dtype: use cast()");
  if (o.mode != Interpolation::linear && o.mode != Interpolation::nearest)
    throw ValueError("grid_sample: mode is " + format_attribute(o.mode) + "; expected linear or nearest");
  for (int axis = 2; axis < x.rank(); ++axis)
    if (x.shape()[axis] == 0) throw ShapeError(given + "; there is nothing on axis " + std::to_string(axis) + " of x");
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options) {
  check_sampled(x, grid, options);
  const int axes = x.rank() - 2;
  const std::int64_t samples = x.shape()[0], channels = x.shape()[1];
  const std::int64_t elements = x.numel() / std::max<std::int64_t>(samples * channels, 1);
  const std::int64_t places = grid.numel() / std::max<std::int64_t>(samples * axes, 1);
  Shape result = grid.shape().erase(-1 + grid.rank()).insert(1, channels);
  if (result.numel() == 0) return zeros(result, x.dtype());

  // Every combination of a neighbour on each axis, from the first axis of x on.
  std::vector<Neighbour> corners{{zeros({samples, 1, places}, i64), ones({samples, 1, places}, x.dtype())}};
  for (int axis = 0; axis < axes; ++axis) {
    const std::int64_t extent = x.shape()[axis + 2];
    const Tensor place = reshape(select(grid, -1, axes - 1 - axis), {samples, 1, places});
    const Tensor at = in_pixels(place, extent, options);
    std::vector<Neighbour> further;
    for (const Neighbour& next : neighbours(at, extent, options.mode))
      for (const Neighbour& corner : corners)
        further.push_back({corner.position * extent + next.position, corner.share * next.share});
    corners = std::move(further);
  }

  const Tensor pixels = reshape(x, {samples, channels, elements});
  Tensor y;
  for (const Neighbour& corner : corners) {
    const Tensor part = gather(pixels, 2, broadcast_to(corner.position, {samples, channels, places})) * corner.share;
    y = y.defined() ? y + part : part;
  }
  return reshape(y, result);
}

Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners) {
  const int axes = size.rank() - 2;
  if ((axes != 2 && axes != 3) || theta.shape() != Shape{size[0], axes, axes + 1})
    throw ShapeError("affine_grid: theta is " + to_string(theta.shape()) + " for a result of " + to_string(size) +
                     "; expected [N, 2, 3] for [N, C, H, W], or [N, 3, 4] for [N, C, D, H, W]");
  std::vector<Tensor> lines;
  for (int axis = 2; axis < size.rank(); ++axis) {
    const auto n = static_cast<double>(size[axis]);
    const Tensor line = linspace(-1, 1, size[axis], theta.dtype());
    lines.push_back(size[axis] == 1 ? zeros({1}, theta.dtype()) : align_corners ? line : line * ((n - 1) / n));
  }
  std::vector<Tensor> parts = meshgrid(lines);
  std::reverse(parts.begin(), parts.end());
  parts.push_back(ones(parts[0].shape(), theta.dtype()));
  const Tensor points = stack(parts, -1);
  const Tensor flat = reshape(points, {1, points.numel() / (axes + 1), axes + 1});
  Shape result = size.erase(1);
  return reshape(matmul(flat, transpose(theta)), result.insert(result.rank(), axes));
}

}  // namespace tapegrad
