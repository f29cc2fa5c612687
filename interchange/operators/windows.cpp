// Convolution and pooling.

#include <fmt/format.h>

#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/interchange/internal/onnx_windows.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/convolution.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {

Windows::Windows(const Call& c, const Tensor& x, std::vector<std::int64_t> kernel_size)
    : kernel(std::move(kernel_size)), stride(c.integers("strides")), dilation(c.integers("dilations")) {
  const auto axes = static_cast<std::size_t>(std::max(0, x.rank() - 2));
  if (stride.empty()) stride.assign(axes, 1);
  if (dilation.empty()) dilation.assign(axes, 1);
  std::vector<std::int64_t> pads = c.integers("pads");
  if (pads.empty()) pads.assign(2 * axes, 0);
  if (axes < 1 || axes > 3 || kernel.size() != axes || stride.size() != axes || dilation.size() != axes ||
      pads.size() != 2 * axes)
    c.fail(
        fmt::format("input {} with kernel_shape, strides, dilations and pads of {}, {}, {} and {} numbers do not fit",
                    to_string(x.shape()), kernel.size(), stride.size(), dilation.size(), pads.size()));
  const std::string automatic = c.text("auto_pad", "NOTSET");
  const bool ceil = c.integer("ceil_mode", 0) != 0;
  for (std::size_t i = 0; i < axes; ++i) {
    const std::int64_t extent = x.shape()[static_cast<int>(i) + 2];
    constexpr std::int64_t kMost = std::int64_t{1} << 40;
    if (kernel[i] < 1 || stride[i] < 1 || dilation[i] < 1 || kernel[i] > kMost || stride[i] > kMost ||
        dilation[i] > kMost / kernel[i] || std::abs(pads[i]) > kMost || std::abs(pads[i + axes]) > kMost)
      c.fail("an extent, stride, dilation or padding is out of range");
    const std::int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
    Pad pad{pads[i], pads[i + axes]};
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const std::int64_t wanted = (extent + stride[i] - 1) / stride[i];
      const std::int64_t total = std::max<std::int64_t>(0, (wanted - 1) * stride[i] + reach - extent);
      const std::int64_t less = total / 2;
      pad = automatic == "SAME_UPPER" ? Pad{less, total - less} : Pad{total - less, less};
    } else if (automatic == "VALID") {
      pad = {};
    } else if (automatic != "NOTSET") {
      c.fail("auto_pad is '" + automatic + "'");
    }
    const std::int64_t room = extent + pad.before + pad.after - reach;
    if (room < 0) c.fail(fmt::format("a window of {} does not fit input {}", reach, to_string(x.shape())));
    declared.push_back(pad);
    result.push_back((room + (ceil ? stride[i] - 1 : 0)) / stride[i] + 1);
    // A window that reaches past the end needs elements there.
    needed.push_back({pad.before, std::max(pad.after, (result[i] - 1) * stride[i] + reach - extent - pad.before)});
  }
}

bool Windows::symmetric() const {
  for (std::size_t i = 0; i < needed.size(); ++i)
    if (needed[i].before != needed[i].after || needed[i].before < 0) return false;
  return true;
}

std::vector<std::int64_t> Windows::both() const {
  std::vector<std::int64_t> all;
  for (const Pad& pad : needed) all.push_back(pad.before);
  return all;
}

namespace {

/// f1, f2 or f3 by the number of spatial axes.
template <class F>
auto of_rank(std::size_t axes, F f1, F f2, F f3) {
  return axes == 1 ? f1 : axes == 2 ? f2 : f3;
}

std::vector<std::int64_t> kernel_of(const Call& c, const Tensor& weight) {
  std::vector<std::int64_t> kernel = c.integers("kernel_shape");
  if (kernel.empty() && weight.rank() > 2) kernel.assign(weight.shape().begin() + 2, weight.shape().end());
  return kernel;
}

Tensor with_bias(const Tensor& y, const Tensor& bias) {
  Shape shape{bias.numel()};
  for (int i = 2; i < y.rank(); ++i) shape = shape.insert(shape.rank(), 1);
  return y + reshape(bias, shape);
}

Tensor conv_transpose(const Call& c) {
  const Tensor &x = c.in(0), &weight = c.in(1);
  const std::size_t axes = static_cast<std::size_t>(std::max(0, x.rank() - 2));
  const std::vector<std::int64_t> kernel = kernel_of(c, weight), shape = c.integers("output_shape");
  std::vector<std::int64_t> stride = c.integers("strides"), dilation = c.integers("dilations"),
                            pads = c.integers("pads"), extra = c.integers("output_padding");
  if (stride.empty()) stride.assign(axes, 1);
  if (dilation.empty()) dilation.assign(axes, 1);
  if (extra.empty()) extra.assign(axes, 0);
  if (pads.empty()) pads.assign(2 * axes, 0);
  if (axes < 1 || axes > 3 || kernel.size() != axes || stride.size() != axes || dilation.size() != axes ||
      extra.size() != axes || pads.size() != 2 * axes || (!shape.empty() && shape.size() < axes))
    c.fail("the attributes do not fit the input's spatial axes");
  const std::string automatic = c.text("auto_pad", "NOTSET");
  std::vector<Pad> around;
  for (std::size_t i = 0; i < axes; ++i) {
    const std::int64_t full = stride[i] * (x.shape()[static_cast<int>(i) + 2] - 1) + (kernel[i] - 1) * dilation[i] + 1;
    std::int64_t before = pads[i], after = pads[i + axes] - extra[i];
    if (!shape.empty() || automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const std::int64_t wanted =
          shape.empty() ? stride[i] * x.shape()[static_cast<int>(i) + 2] : shape[shape.size() - axes + i];
      const std::int64_t total = full + extra[i] - wanted, less = total / 2;
      before = automatic == "SAME_LOWER" ? total - less : less;
      after = total - before - extra[i];
    } else if (automatic == "VALID") {
      before = 0;
      after = -extra[i];
    }
    around.push_back({-before, -after});
  }
  const auto f = of_rank(axes, conv_transpose1d, conv_transpose2d, conv_transpose3d);
  const Tensor y = pad(f(x, weight, {.stride = stride, .dilation = dilation, .groups = c.integer("group", 1)}), around);
  return c.has(2) ? with_bias(y, c.in(2)) : y;
}

/// Integers are pooled as floats, in which they are exact.
Tensor as_floats(const Tensor& x) { return is_floating(x.dtype()) ? x : cast(x, f64); }

/// For each window the position of its largest element in x, flattened; its spatial axes in the reverse order with
/// `column_major`.
Tensor positions_of_largest(const Tensor& given, const Windows& w, bool column_major) {
  const Tensor x = cast(given.detach(), f64).contiguous();
  const std::size_t axes = w.kernel.size();
  Shape shape{x.size(0), x.size(1)};
  std::int64_t plane = 1, places = 1, offsets = 1;
  for (std::size_t i = 0; i < axes; ++i) {
    shape = shape.insert(shape.rank(), w.result[i]);
    plane *= x.shape()[static_cast<int>(i) + 2];
    places *= w.result[i];
    offsets *= w.kernel[i];
  }
  Tensor found = empty(shape, i64);
  const auto values = x.data<double>();
  auto to = found.mutable_data<std::int64_t>();
  for (std::size_t p = 0; p < to.size(); ++p) {
    const std::int64_t channel = static_cast<std::int64_t>(p) / places;
    double best = -std::numeric_limits<double>::infinity();
    to[p] = channel * plane;
    for (std::int64_t offset = 0; offset < offsets; ++offset) {
      std::int64_t place = static_cast<std::int64_t>(p) % places, in_window = offset, at = 0, turned = 0;
      std::int64_t step = 1, turned_step = plane;
      bool inside = true;
      for (std::size_t i = axes; i-- > 0;) {
        const std::int64_t extent = x.shape()[static_cast<int>(i) + 2];
        const std::int64_t here =
            place % w.result[i] * w.stride[i] - w.needed[i].before + in_window % w.kernel[i] * w.dilation[i];
        place /= w.result[i];
        in_window /= w.kernel[i];
        inside = inside && here >= 0 && here < extent;
        at += here * step;
        step *= extent;
        turned_step /= std::max<std::int64_t>(1, extent);
        turned += here * turned_step;
      }
      if (!inside) continue;
      const double value = values[static_cast<std::size_t>(channel * plane + at)];
      if (value > best) {
        best = value;
        to[p] = channel * plane + (column_major ? turned : at);
      }
    }
  }
  return found;
}

std::vector<Value> max_pool(const Call& c) {
  const Tensor& x = c.in(0);
  const Windows w(c, x, c.integers("kernel_shape"));
  MaxPoolOptions options{.stride = w.stride, .dilation = w.dilation};
  Tensor from = as_floats(x);
  bool within = w.symmetric();  // and at most half a window
  for (std::size_t i = 0; i < w.kernel.size(); ++i) within = within && 2 * w.needed[i].before <= w.kernel[i];
  if (within)
    options.padding = w.both();
  else
    from = pad(from, w.needed, PadMode::constant, -std::numeric_limits<double>::infinity());
  const auto f = of_rank(w.kernel.size(), max_pool1d, max_pool2d, max_pool3d);
  std::vector<Value> results{{cast(f(from, w.kernel, options), x.dtype()), c.type(0)}};
  if (c.wants(1)) results.emplace_back(positions_of_largest(x, w, c.integer("storage_order", 0) != 0));
  return results;
}

Tensor mean_of_windows(const Tensor& x, const Windows& w) {
  return of_rank(w.kernel.size(), avg_pool1d, avg_pool2d, avg_pool3d)(x, w.kernel, {.stride = w.stride});
}

/// Elements beyond the input count only if they were declared as padding, and count_include_pad says so.
Tensor average_pool(const Call& c) {
  const Tensor& x = c.in(0);
  const Windows w(c, x, c.integers("kernel_shape"));
  for (const std::int64_t dilation : w.dilation)
    if (dilation != 1) c.fail("dilations other than 1 are not supported");
  bool padded = false;
  for (const Pad& pad : w.needed) padded = padded || pad.before != 0 || pad.after != 0;
  if (!padded) return mean_of_windows(x, w);
  std::vector<Pad> beyond = w.needed;
  Shape counted = x.shape().with(0, 1).with(1, 1);
  if (c.integer("count_include_pad", 0) != 0)
    for (std::size_t i = 0; i < beyond.size(); ++i) {
      const int axis = static_cast<int>(i) + 2;
      counted = counted.with(axis, counted[axis] + w.declared[i].before + w.declared[i].after);
      beyond[i] = {beyond[i].before - w.declared[i].before, beyond[i].after - w.declared[i].after};
    }
  return mean_of_windows(pad(x, w.needed), w) / mean_of_windows(pad(ones(counted, x.dtype()), beyond), w);
}

Tensor lp_pool(const Call& c) {
  const Tensor& x = c.in(0);
  const Windows w(c, x, c.integers("kernel_shape"));
  const double p = c.version() < 2 ? c.number("p", 2) : static_cast<double>(c.integer("p", 2));
  double size = 1;
  for (const std::int64_t k : w.kernel) size *= static_cast<double>(k);
  return pow(mean_of_windows(pad(pow(abs(x), p), w.needed), w) * size, 1 / p);
}

Axes spatial_axes(const Tensor& x) {
  Axes axes;
  for (int i = 2; i < x.rank(); ++i) axes.push_back(i);
  return axes;
}
Tensor global_mean(const Call& c) { return mean(c.in(0), spatial_axes(c.in(0)), true); }
Tensor global_max(const Call& c) { return amax(c.in(0), spatial_axes(c.in(0)), true); }
Tensor global_norm(const Call& c) {
  return norm(c.in(0), static_cast<double>(c.integer("p", 2)), spatial_axes(c.in(0)), true);
}

Tensor max_unpool(const Call& c) {
  const Tensor &x = c.in(0), &indices = c.in(1);
  const std::vector<std::int64_t> kernel = c.integers("kernel_shape");
  std::vector<std::int64_t> stride = c.integers("strides"), pads = c.integers("pads");
  if (stride.empty()) stride.assign(kernel.size(), 1);
  if (pads.empty()) pads.assign(2 * kernel.size(), 0);
  if (x.rank() != static_cast<int>(kernel.size()) + 2 || stride.size() != kernel.size() ||
      pads.size() != 2 * kernel.size())
    c.fail("the attributes do not fit the input's spatial axes");
  Shape natural = x.shape();
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    const int axis = static_cast<int>(i) + 2;
    natural = natural.with(axis, (x.shape()[axis] - 1) * stride[i] - pads[i] - pads[i + kernel.size()] + kernel[i]);
  }
  // Indices are of the natural size; a larger one has its elements in its corner.
  const Tensor flat = scatter(zeros({natural.numel()}, x.dtype()), 0, reshape(indices, {-1}), reshape(x, {-1}));
  const Tensor y = reshape(flat, natural);
  if (!c.has(2)) return y;
  const std::vector<std::int64_t> wanted = c.integers_in(2);
  if (static_cast<int>(wanted.size()) != y.rank()) c.fail("output_shape must have an extent for each axis");
  std::vector<Pad> more;
  for (std::size_t i = 0; i < wanted.size(); ++i) more.push_back({0, wanted[i] - y.shape()[static_cast<int>(i)]});
  return pad(y, more);
}

constexpr Importer kImporters[] = {
    {"AveragePool", average_pool},
    {"Conv", convolved},
    {"ConvTranspose", conv_transpose},
    {"GlobalAveragePool", global_mean},
    {"GlobalLpPool", global_norm},
    {"GlobalMaxPool", global_max},
    {"LpPool", lp_pool},
    {"MaxPool", max_pool},
    {"MaxUnpool", max_unpool},
};

}  // namespace

Tensor convolution(const Call& c, Tensor x, const Tensor& weight, const Tensor& bias) {
  const Windows w(c, x, kernel_of(c, weight));
  ConvOptions options{.bias = bias, .stride = w.stride, .dilation = w.dilation, .groups = c.integer("group", 1)};
  if (w.symmetric())
    options.padding = PerAxis(w.both());
  else
    x = pad(x, w.needed);
  return of_rank(w.kernel.size(), conv1d, conv2d, conv3d)(x, weight, options);
}

Tensor convolved(const Call& c) { return convolution(c, c.in(0), c.in(1), c.has(2) ? c.in(2) : Tensor{}); }

std::span<const Importer> window_importers() { return kImporters; }

}  // namespace tapegrad::onnx
