#include <algorithm>
#include <tapegrad/core/internal/checked.hpp>
#include <tapegrad/ops/internal/pool_windows.hpp>
#include <tapegrad/ops/internal/windows.hpp>

namespace tapegrad {

using kernels::AxisMap;
using kernels::AxisWindows;
using kernels::PoolWindows;

namespace {

/// One axis' windows, some of which may begin before the input or end behind it.
struct AxisSteps {
  std::int64_t in, kernel, stride, padding, dilation, out;

  std::int64_t begin(std::int64_t o) const { return o * stride - padding; }
};

std::vector<AxisSteps> steps_of(const char* op, const PoolAttrs& a, const Integers& dilation, const Shape& x) {
  const int axes = x.rank() - 2;
  if (a.kernel_size.empty()) throw ValueError(std::string(op) + ": kernel_size is []; give the extents of the window");
  const Integers kernel = for_axes(op, "kernel_size", a.kernel_size, axes, 1, 1);
  const Integers stride = a.stride.empty() ? kernel : for_axes(op, "stride", a.stride, axes, 1, 1);
  const Integers padding = for_axes(op, "padding", a.padding, axes, 0, 0);
  const Integers apart = for_axes(op, "dilation", dilation, axes, 1, 1);
  std::vector<AxisSteps> steps;
  for (std::size_t i = 0; i < static_cast<std::size_t>(axes); ++i) {
    AxisSteps s{x[static_cast<int>(i) + 2], kernel[i], stride[i], padding[i], apart[i], 0};
    if (s.padding > s.kernel / 2)
      throw ValueError(std::string(op) + ": padding is " + format_attribute(padding) + ", kernel_size " +
                       format_attribute(kernel) + "; expected at most half the window");
    const std::int64_t room =
        Checked(op, s.in) + Checked(op, s.padding) * 2 - Checked(op, s.dilation) * (s.kernel - 1) - 1;
    if (room < 0)
      throw ShapeError(std::string(op) + ": a window of " + format_attribute(kernel) + " does not fit x " +
                       to_string(x) + " on axis " + std::to_string(i + 2) + ", padded to " +
                       std::to_string(s.in + 2 * s.padding));
    s.out = room / s.stride + (a.ceil_mode && room % s.stride != 0) + 1;
    if (s.begin(s.out - 1) >= s.in) --s.out;  // it would begin in the padding behind
    steps.push_back(s);
  }
  return steps;
}

/// Bounds of adaptive windows.
struct Parts {
  std::int64_t in, out;

  std::int64_t begin(std::int64_t o) const { return o * in / out; }
  std::int64_t end(std::int64_t o) const { return ((o + 1) * in + out - 1) / out; }
};

std::vector<Parts> parts_of(const char* op, const AdaptiveAttrs& a, const Shape& x) {
  if (a.output_size.empty()) throw ValueError(std::string(op) + ": output_size is []; give the extents of the result");
  const Integers out = for_axes(op, "output_size", a.output_size, x.rank() - 2, 1, 0);
  std::vector<Parts> parts;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t in = x[static_cast<int>(i) + 2];
    if (in == 0 && out[i] > 0)
      throw ShapeError(std::string(op) + ": x is " + to_string(x) + "; there is nothing on axis " +
                       std::to_string(i + 2) + " to make " + std::to_string(out[i]) + " parts of");
    parts.push_back({in, out[i]});
  }
  return parts;
}

template <class Axes>
Shape shape_of(const Axes& axes, const Shape& x) {
  Integers dims{x[0], x[1]};
  for (const auto& axis : axes) dims.push_back(axis.out);
  return Shape(dims);
}

/// Puts the windows of each axis where the kernels look for them, and one window where there is no axis.
PoolWindows in_place(std::vector<AxisWindows> axes) {
  PoolWindows all;
  all.fill({.in = 1, .step = 1, .first = {0}, .count = {1}});
  std::move(axes.begin(), axes.end(), all.end() - static_cast<std::ptrdiff_t>(axes.size()));
  return all;
}

}  // namespace

Shape pooled_shape(const char* op, const MaxPoolAttrs& a, const Shape& x) {
  return shape_of(steps_of(op, a, a.dilation, x), x);
}
Shape pooled_shape(const char* op, const AvgPoolAttrs& a, const Shape& x) {
  return shape_of(steps_of(op, a, {}, x), x);
}
Shape pooled_shape(const char* op, const AdaptiveAttrs& a, const Shape& x) { return shape_of(parts_of(op, a, x), x); }

PoolWindows max_windows(const char* op, const MaxPoolAttrs& a, const Shape& x) {
  std::vector<AxisWindows> axes;
  for (const AxisSteps& s : steps_of(op, a, a.dilation, x)) {
    AxisWindows w{.in = s.in, .step = s.dilation, .first = {}, .count = {}};
    for (std::int64_t o = 0; o < s.out; ++o) {
      const std::int64_t before = s.begin(o) < 0 ? (s.dilation - 1 - s.begin(o)) / s.dilation : 0;
      const std::int64_t inside = (s.in - 1 - s.begin(o)) / s.dilation + 1;
      w.first.push_back(s.begin(o) + before * s.dilation);
      w.count.push_back(std::min(s.kernel, inside) - before);
      if (w.count.back() < 1)
        throw ShapeError(std::string(op) + ": window " + std::to_string(o) + " along an axis of x " + to_string(x) +
                         " covers padding only; use less padding or dilation");
    }
    axes.push_back(std::move(w));
  }
  return in_place(std::move(axes));
}
PoolWindows max_windows(const char* op, const AdaptiveAttrs& a, const Shape& x) {
  std::vector<AxisWindows> axes;
  for (const Parts& p : parts_of(op, a, x)) {
    AxisWindows w{.in = p.in, .step = 1, .first = {}, .count = {}};
    for (std::int64_t o = 0; o < p.out; ++o) {
      w.first.push_back(p.begin(o));
      w.count.push_back(p.end(o) - p.begin(o));
    }
    axes.push_back(std::move(w));
  }
  return in_place(std::move(axes));
}

std::vector<AxisMap> mean_maps(const char* op, const AvgPoolAttrs& a, const Shape& x) {
  std::vector<AxisMap> maps;
  for (const AxisSteps& s : steps_of(op, a, {}, x)) {
    AxisMap& map = maps.emplace_back(s.in);
    for (std::int64_t o = 0; o < s.out; ++o) {
      const std::int64_t begin = std::max<std::int64_t>(s.begin(o), 0), end = std::min(s.begin(o) + s.kernel, s.in);
      const std::int64_t padded = std::min(s.begin(o) + s.kernel, s.in + s.padding) - s.begin(o);
      const double weight = 1.0 / static_cast<double>(a.count_include_pad ? padded : end - begin);
      for (std::int64_t i = begin; i < end; ++i) map.add(i, weight);
      map.end_row();
    }
  }
  return maps;
}
std::vector<AxisMap> mean_maps(const char* op, const AdaptiveAttrs& a, const Shape& x) {
  std::vector<AxisMap> maps;
  for (const Parts& p : parts_of(op, a, x)) {
    AxisMap& map = maps.emplace_back(p.in);
    for (std::int64_t o = 0; o < p.out; ++o) {
      for (std::int64_t i = p.begin(o); i < p.end(o); ++i) map.add(i, 1.0 / static_cast<double>(p.end(o) - p.begin(o)));
      map.end_row();
    }
  }
  return maps;
}

}  // namespace tapegrad
