// Values between elements: images at another size, at given points, in given regions.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

/// How Resize finds and weighs the elements of one axis.
struct Axis {
  std::string mode, coordinates, nearest;
  double cubic = -0.75, extrapolation = 0;
  bool exclude_outside = false;
  double scale = 1, roi_start = 0, roi_end = 1;
  std::int64_t extent = 0, size = 0;
  double exact_size = 0;  ///< by the scale, before it is rounded down: where corners are aligned

  double place(const Call& c, std::int64_t i) const {
    const double x = static_cast<double>(i), in = static_cast<double>(extent), out = exact_size;
    if (coordinates == "half_pixel") return (x + 0.5) / scale - 0.5;
    if (coordinates == "pytorch_half_pixel") return size > 1 ? (x + 0.5) / scale - 0.5 : 0;
    if (coordinates == "align_corners") return out != 1 ? x * (in - 1) / (out - 1) : 0;
    if (coordinates == "asymmetric") return x / scale;
    if (coordinates == "tf_half_pixel_for_nn") return (x + 0.5) / scale;  // of opset 11 alone
    if (coordinates == "half_pixel_symmetric") {
      const double adjustment = static_cast<double>(size) / (scale * in), centre = in / 2;
      return centre * (1 - adjustment) + (x + 0.5) / scale - 0.5;
    }
    if (coordinates == "tf_crop_and_resize")
      return out != 1 ? roi_start * (in - 1) + x * (roi_end - roi_start) * (in - 1) / (out - 1)
                      : 0.5 * (roi_start + roi_end) * (in - 1);
    c.fail("coordinate_transformation_mode is '" + coordinates + "', which is not known");
  }

  std::int64_t nearest_to(const Call& c, double x) const {
    if (nearest == "round_prefer_floor") return static_cast<std::int64_t>(std::ceil(x - 0.5));
    if (nearest == "round_prefer_ceil") return static_cast<std::int64_t>(std::floor(x + 0.5));
    if (nearest == "floor") return static_cast<std::int64_t>(std::floor(x));
    if (nearest == "ceil") return static_cast<std::int64_t>(std::ceil(x));
    c.fail("nearest_mode is '" + nearest + "', which is not known");
  }

  /// Keys' convolution kernel (1981).
  double cubic_weight(double distance) const {
    const double d = std::abs(distance), a = cubic;
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    return 0;
  }
};

/// x at another extent along `axis`: sums of its elements, weighed.
Tensor resampled(const Call& c, const Tensor& x, int axis, const Axis& a) {
  const std::size_t taps = a.mode == "nearest" ? 1 : a.mode == "linear" ? 2 : 4;
  const auto size = static_cast<std::size_t>(a.size);
  std::vector<std::vector<std::int64_t>> from(taps, std::vector<std::int64_t>(size));
  std::vector<std::vector<double>> weight(taps, std::vector<double>(size, 1));
  std::vector<double> beyond(size, 0);
  for (std::size_t i = 0; i < size; ++i) {
    const double at = a.place(c, static_cast<std::int64_t>(i));
    if (!(std::abs(at) < 0x1p40)) c.fail("a coordinate is out of range");
    if (taps == 1) {
      from[0][i] = a.nearest_to(c, at);
    } else {
      const double below = std::floor(at);
      double total = 0;
      for (std::size_t t = 0; t < taps; ++t) {
        const double place = below + static_cast<double>(t) - (taps == 4 ? 1 : 0);
        from[t][i] = static_cast<std::int64_t>(place);
        weight[t][i] = taps == 2 ? 1 - std::abs(at - place) : a.cubic_weight(at - place);
        if (a.exclude_outside && (place < 0 || place >= static_cast<double>(a.extent))) weight[t][i] = 0;
        total += weight[t][i];
      }
      if (a.exclude_outside)
        for (std::size_t t = 0; t < taps; ++t) weight[t][i] /= total;
    }
    if (a.coordinates == "tf_crop_and_resize" && (at < 0 || at > static_cast<double>(a.extent - 1))) beyond[i] = 1;
    for (std::size_t t = 0; t < taps; ++t) from[t][i] = std::clamp<std::int64_t>(from[t][i], 0, a.extent - 1);
  }
  Shape outline{a.size};
  for (int i = axis + 1; i < x.rank(); ++i) outline = outline.insert(outline.rank(), 1);
  Tensor y;
  for (std::size_t t = 0; t < taps; ++t) {
    Tensor part = take(x, copy_of(from[t]), axis);
    if (taps > 1) part = part * cast(reshape(copy_of(weight[t]), outline), x.dtype());
    y = y.defined() ? y + part : part;
  }
  if (std::ranges::any_of(beyond, [](double b) { return b != 0; }))
    y = where(reshape(copy_of(beyond), outline) != 0, cast(scalar(a.extrapolation), x.dtype()), y);
  return y;
}

/// The operation that does the same as all axes' resampling, where there is one.
std::optional<InterpolateOptions> as_interpolation(const Tensor& x, const std::map<int, Axis>& axes) {
  if (x.rank() < 3 || x.rank() > 5 || !is_floating(x.dtype()) || axes.empty()) return {};
  std::vector<std::int64_t> size(x.shape().begin() + 2, x.shape().end());
  for (const auto& [axis, a] : axes) {
    if (axis < 2 || a.size < 2 || a.exclude_outside || a.scale * static_cast<double>(a.extent) != a.exact_size ||
        a.exact_size != static_cast<double>(a.size))
      return {};
    size[static_cast<std::size_t>(axis) - 2] = a.size;
  }
  const Axis& any = axes.begin()->second;
  InterpolateOptions options{.size = PerAxis(size), .align_corners = any.coordinates == "align_corners"};
  const bool pixels = any.coordinates == "half_pixel" || any.coordinates == "pytorch_half_pixel";
  if (any.mode == "nearest" && any.coordinates == "asymmetric" && any.nearest == "floor")
    options.mode = Interpolation::nearest;
  else if (any.mode == "nearest" && pixels && any.nearest == "round_prefer_ceil")
    options.mode = Interpolation::nearest_exact;
  else if (any.mode == "linear" && (pixels || options.align_corners))
    options.mode = Interpolation::linear;
  else if (any.mode == "cubic" && any.cubic == -0.75 && (pixels || options.align_corners))
    options.mode = Interpolation::cubic;
  else
    return {};
  return options;
}

Tensor resize(const Call& c) {
  Tensor x = c.in(0);
  const bool upsample = c.node().op_type == "Upsample", old = upsample || c.version() < 11;
  const auto rank = static_cast<std::size_t>(x.rank());
  std::vector<double> scales, roi;
  std::vector<std::int64_t> sizes;
  const std::size_t scales_at = old ? 1 : 2;
  if (upsample && c.version() < 9)
    for (const float s : c.numbers("scales")) scales.push_back(s);
  else if (c.has(scales_at))
    scales = c.in(scales_at).values();
  if (!old && c.has(3)) sizes = c.integers_in(3);
  if (!old && c.has(1)) roi = c.in(1).values();
  std::vector<std::int64_t> axes = c.integers("axes");
  if (axes.empty())
    for (int i = 0; i < x.rank(); ++i) axes.push_back(i);
  const bool by_size = scales.empty();
  if ((by_size ? sizes.size() : scales.size()) != axes.size() || (!roi.empty() && roi.size() != 2 * axes.size()) ||
      axes.size() > rank)
    c.fail("scales, sizes and roi must have a number, or two, for each axis");
  std::string mode = c.text("mode", "nearest");
  if (mode == "bilinear" || mode == "trilinear") mode = "linear";
  if (mode != "nearest" && mode != "linear" && mode != "cubic") c.fail("mode is '" + mode + "', which is not known");
  if (c.integer("antialias", 0) != 0) c.fail("antialias is not supported");
  const std::string policy = c.text("keep_aspect_ratio_policy", "stretch");
  double common = 0;
  if (by_size && policy != "stretch") {
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const double ratio = static_cast<double>(sizes[i]) / static_cast<double>(x.shape()[c.axis(axes[i])]);
      if (i == 0 || (policy == "not_larger" ? ratio < common : ratio > common)) common = ratio;
    }
  }
  std::map<int, Axis> changed;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int axis = c.axis(axes[i]);
    const std::int64_t extent = x.shape()[axis];
    Axis a{.mode = mode,
           .coordinates = c.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel"),
           .nearest = c.text("nearest_mode", old ? "floor" : "round_prefer_floor"),
           .cubic = c.number("cubic_coeff_a", -0.75),
           .extrapolation = c.number("extrapolation_value", 0),
           .exclude_outside = c.integer("exclude_outside", 0) != 0,
           .extent = extent};
    if (!roi.empty()) {
      a.roi_start = roi[i];
      a.roi_end = roi[i + axes.size()];
    }
    if (!by_size) {
      if (!(scales[i] > 0) || !(scales[i] < 0x1p30)) c.fail(fmt::format("a scale is {}", scales[i]));
      a.scale = scales[i];
      const bool crop = a.coordinates == "tf_crop_and_resize";
      const double part = crop ? a.roi_end - a.roi_start : 1;
      a.exact_size = static_cast<double>(extent) * part * scales[i];
      a.size = static_cast<std::int64_t>(std::floor(a.exact_size));
    } else {
      a.size =
          common > 0 ? static_cast<std::int64_t>(std::floor(common * static_cast<double>(extent) + 0.5)) : sizes[i];
      if (a.size < 0) c.fail("a size is negative");
      a.scale = common > 0 ? common : static_cast<double>(a.size) / static_cast<double>(extent);
      a.exact_size = static_cast<double>(a.size);
    }
    if (a.size > 0 && extent == 0) c.fail("nothing cannot be enlarged");
    if (a.size > std::int64_t{1} << 32) c.fail("a size is out of range");
    const bool same = a.size == extent && a.scale == 1 && a.coordinates != "tf_crop_and_resize";
    if (!same && !changed.emplace(axis, a).second) c.fail(fmt::format("axis {} is listed twice", axis));
  }
  if (const auto options = as_interpolation(x, changed)) return interpolate(x, *options);
  for (const auto& [axis, a] : changed) x = resampled(c, x, axis, a);
  return x;
}

/// The elements of x [N, C, H, W] at rows and columns (each [N, P], whole numbers as floats): [N, C, P]. 0 outside,
/// or the nearest inside.
Tensor elements_at(const Tensor& x, const Tensor& rows, const Tensor& columns, bool zeros_outside) {
  const std::int64_t n = x.size(0), channels = x.size(1), h = x.size(2), w = x.size(3), points = rows.size(1);
  const auto inside = [](const Tensor& at, std::int64_t extent) {
    return clamp(at, 0., static_cast<double>(extent - 1));
  };
  const Tensor r = inside(rows, h), col = inside(columns, w);
  const Tensor place = cast(r, i64) * w + cast(col, i64);
  const Tensor spread = broadcast_to(unsqueeze(place, 1), {n, channels, points});
  const Tensor found = gather(reshape(x, {n, channels, h * w}), 2, spread);
  if (!zeros_outside) return found;
  return where(unsqueeze(equal(r, rows) && equal(col, columns), 1), found, zeros_like(found));
}

/// Between the four neighbours of each point.
Tensor bilinear(const Tensor& x, const Tensor& rows, const Tensor& columns, bool zeros_outside) {
  const Tensor top = floor(rows.detach()), left = floor(columns.detach());
  const Tensor down = rows - top, right = columns - left;
  Tensor y;
  for (const int dr : {0, 1})
    for (const int dc : {0, 1}) {
      const Tensor weight = (dr != 0 ? down : 1 - down) * (dc != 0 ? right : 1 - right);
      const Tensor part = elements_at(x, top + dr, left + dc, zeros_outside) * unsqueeze(weight, 1);
      y = y.defined() ? y + part : part;
    }
  return y;
}

Tensor bicubic(const Tensor& x, const Tensor& rows, const Tensor& columns, bool zeros_outside) {
  constexpr double a = -0.75;
  const auto weight = [](const Tensor& distance, bool near) {
    const Tensor d = abs(distance);
    return near ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  };
  const Tensor top = floor(rows.detach()), left = floor(columns.detach());
  Tensor y;
  for (const int dr : {-1, 0, 1, 2})
    for (const int dc : {-1, 0, 1, 2}) {
      const Tensor down = weight(rows - top - dr, dr == 0 || dr == 1),
                   right = weight(columns - left - dc, dc == 0 || dc == 1);
      const Tensor part = elements_at(x, top + dr, left + dc, zeros_outside) * unsqueeze(down * right, 1);
      y = y.defined() ? y + part : part;
    }
  return y;
}

/// Reflected at `low` and `high` until it is between them.
Tensor reflected(const Tensor& at, double low, double high) {
  if (high <= low) return zeros_like(at);
  const Tensor turned = remainder(at - low, 2 * (high - low));
  return low + where(turned > high - low, 2 * (high - low) - turned, turned);
}

/// What the operation has not: Keys' kernel between points.
Tensor cubic_grid_sample(const Call& c, const GridSampleOptions& options) {
  const Tensor &x = c.in(0), &grid = c.in(1);
  if (x.rank() != 4 || grid.rank() != 4 || grid.size(3) != 2 || grid.size(0) != x.size(0))
    c.fail("x must be [N, C, H, W] and the grid [N, rows, columns, 2] for a mode of cubic");
  const std::int64_t n = x.size(0), rows = grid.size(1), columns = grid.size(2);
  const auto place = [&](int coordinate, std::int64_t extent) {
    const Tensor g = reshape(select(grid, 3, coordinate), {n, rows * columns});
    const double size = static_cast<double>(extent);
    const Tensor at = options.align_corners ? (g + 1) * ((size - 1) / 2) : ((g + 1) * size - 1) / 2;
    if (options.outside == Outside::border) return clamp(at, 0., size - 1);
    if (options.outside == Outside::reflect)
      return options.align_corners ? reflected(at, 0, size - 1) : reflected(at, -0.5, size - 0.5);
    return at;
  };
  const Tensor column = place(0, x.size(3)), row = place(1, x.size(2));
  return reshape(bicubic(x, row, column, options.outside == Outside::zeros), {n, x.size(1), rows, columns});
}

Tensor sampled_by_grid(const Call& c) {
  const std::string mode = c.text("mode", "bilinear"), padding = c.text("padding_mode", "zeros");
  GridSampleOptions options{.align_corners = c.integer("align_corners", 0) != 0};
  if (padding == "border")
    options.outside = Outside::border;
  else if (padding == "reflection")
    options.outside = Outside::reflect;
  else if (padding != "zeros")
    c.fail("padding_mode is '" + padding + "', which is not known");
  if (mode == "bicubic" || mode == "cubic") return cubic_grid_sample(c, options);
  if (mode == "nearest")
    options.mode = Interpolation::nearest;
  else if (mode != "bilinear" && mode != "linear")
    c.fail("mode is '" + mode + "', which is not known");
  return grid_sample(c.in(0), c.in(1), options);
}

/// Each region of interest as a grid of bins, each the mean or the maximum of points in it.
Tensor roi_align(const Call& c) {
  const Tensor &x = c.in(0), &rois = c.in(1);
  const std::vector<std::int64_t> batches = c.integers_in(2);
  const std::int64_t height = c.integer("output_height", 1), width = c.integer("output_width", 1);
  const std::int64_t ratio = c.integer("sampling_ratio", 0);
  const double scale = c.number("spatial_scale", 1);
  const bool half =
      c.text("coordinate_transformation_mode", c.version() < 16 ? "output_half_pixel" : "half_pixel") == "half_pixel";
  const bool largest = c.text("mode", "avg") == "max";
  if (x.rank() != 4 || rois.rank() != 2 || rois.size(1) != 4 ||
      rois.size(0) != static_cast<std::int64_t>(batches.size()) || height < 1 || width < 1 || ratio < 0)
    c.fail("x must be [N, C, H, W], rois [R, 4] and batch_indices [R]");
  const std::vector<double> corners = rois.values();
  std::vector<Tensor> results;
  for (std::size_t r = 0; r < batches.size(); ++r) {
    const double shift = half ? 0.5 : 0, *box = &corners[4 * r];
    const double left = box[0] * scale - shift, top = box[1] * scale - shift;
    double w = box[2] * scale - shift - left, h = box[3] * scale - shift - top;
    if (!half) {
      w = std::max(w, 1.0);
      h = std::max(h, 1.0);
    }
    const double bin_h = h / static_cast<double>(height), bin_w = w / static_cast<double>(width);
    const auto count = [&](double bin) {
      return ratio > 0 ? ratio : static_cast<std::int64_t>(std::clamp(std::ceil(bin), 1.0, 4096.0));
    };
    const std::int64_t down = count(bin_h), across = count(bin_w), bins = height * width, points = down * across;
    std::vector<double> rows, columns, inside;
    for (std::int64_t bin = 0; bin < bins; ++bin)
      for (std::int64_t p = 0; p < points; ++p) {
        const auto at = [](double start, double size, std::int64_t bin_at, std::int64_t i, std::int64_t n) {
          return start + static_cast<double>(bin_at) * size +
                 (static_cast<double>(i) + 0.5) * size / static_cast<double>(n);
        };
        const double y = at(top, bin_h, bin / width, p / across, down),
                     z = at(left, bin_w, bin % width, p % across, across);
        const auto hh = static_cast<double>(x.size(2)), ww = static_cast<double>(x.size(3));
        inside.push_back(y >= -1 && y <= hh && z >= -1 && z <= ww);
        rows.push_back(std::clamp(y, 0.0, hh - 1));
        columns.push_back(std::clamp(z, 0.0, ww - 1));
      }
    const auto row_of = [&](const std::vector<double>& v) {
      return cast(reshape(copy_of(v), {1, bins * points}), x.dtype());
    };
    const Tensor image = slice(x, 0, batches[r], batches[r] + 1);
    if (batches[r] < 0 || batches[r] >= x.size(0)) c.fail("a batch index is outside the batch");
    if (!largest) {
      const Tensor found = bilinear(image, row_of(rows), row_of(columns), false) * unsqueeze(row_of(inside), 1);
      results.push_back(reshape(mean(reshape(found, {x.size(1), bins, points}), {2}), {x.size(1), height, width}));
      continue;
    }
    // The format's maximum is over the four weighed neighbours of each point, each for itself.
    const Tensor y = row_of(rows), z = row_of(columns), row0 = floor(y), column0 = floor(z);
    std::vector<Tensor> candidates;
    for (const int dr : {0, 1})
      for (const int dc : {0, 1}) {
        const Tensor weight = (dr != 0 ? y - row0 : 1 - (y - row0)) * (dc != 0 ? z - column0 : 1 - (z - column0));
        candidates.push_back(elements_at(image, row0 + dr, column0 + dc, false) *
                             unsqueeze(weight * row_of(inside), 1));
      }
    const Tensor found = amax(stack(candidates), {0});
    results.push_back(reshape(amax(reshape(found, {x.size(1), bins, points}), {2}), {x.size(1), height, width}));
  }
  if (results.empty()) return zeros({0, x.size(1), height, width}, x.dtype());
  return stack(results);
}

constexpr Importer kImporters[] = {
    {"GridSample", sampled_by_grid},
    {"Resize", resize, 1, 0b1110},
    {"RoiAlign", roi_align},
    {"Upsample", resize, 1, 0b10},
};

}  // namespace

std::span<const Importer> resampling_importers() { return kImporters; }

}  // namespace tapegrad::onnx
