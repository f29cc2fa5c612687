#include <cmath>
#include <tapegrad/core/checked.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/internal/windows.hpp>
#include <tapegrad/ops/kernels/axis_map.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

using kernels::AxisMap;
using kernels::Windows;

struct InterpolateAttrs {
  Integers size = {};
  Interpolation mode = Interpolation::nearest;
  bool align_corners = false;
  bool operator==(const InterpolateAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        Field{"size", &InterpolateAttrs::size, "extents of the interpolated axes"},
        Field{"mode", &InterpolateAttrs::mode, "nearest or linear"},
        Field{"align_corners", &InterpolateAttrs::align_corners, "whether the outer elements keep their values"}};
  }
};

struct InterpolateAdjointAttrs : InterpolateAttrs {
  Integers extents = {};
  bool operator==(const InterpolateAdjointAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(InterpolateAttrs::fields(), std::tuple{Field{"extents", &InterpolateAdjointAttrs::extents,
                                                                       "of the axes before they were interpolated"}});
  }
};

struct UnfoldAttrs {
  Integers kernel_size = {}, stride = {}, padding = {}, dilation = {};
  bool operator==(const UnfoldAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"kernel_size", &UnfoldAttrs::kernel_size, "extents of the window"},
                      Field{"stride", &UnfoldAttrs::stride, "step of the window; none means 1"},
                      Field{"padding", &UnfoldAttrs::padding, "zeros before and behind each axis; none means 0"},
                      Field{"dilation", &UnfoldAttrs::dilation, "distance of a window's elements; none means 1"}};
  }
};

struct FoldAttrs : UnfoldAttrs {
  Integers output_size = {};
  bool operator==(const FoldAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(UnfoldAttrs::fields(),
                          std::tuple{Field{"output_size", &FoldAttrs::output_size, "a number for each axis"}});
  }
};

std::int64_t planes(const Shape& x) { return x[0] * x[1]; }

Shape with_extents(const Shape& x, const Integers& extents) {
  Integers dims{x[0], x[1]};
  dims.insert(dims.end(), extents.begin(), extents.end());
  return Shape(dims);
}

Integers extents_of(const Shape& x) { return {x.begin() + 2, x.end()}; }

Integers checked_size(const char* op, const char* name, const Integers& given, const Shape& x) {
  if (given.empty()) throw ValueError(std::string(op) + ": " + name + " is []; give the extents of the spatial axes");
  return for_axes(op, name, given, x.rank() - 2, 1, 0);
}

/// One axis of `in` elements at `out` positions.
AxisMap interpolation(const InterpolateAttrs& a, std::int64_t in, std::int64_t out) {
  AxisMap map(in);
  for (std::int64_t o = 0; o < out; ++o) {
    if (a.mode == Interpolation::nearest) {
      map.add(o * in / out, 1);
    } else {
      const auto n = static_cast<double>(in), m = static_cast<double>(out), position = static_cast<double>(o);
      const double corners = out > 1 ? position * (n - 1) / (m - 1) : 0;
      const double at = a.align_corners ? corners : std::clamp((position + 0.5) * n / m - 0.5, 0.0, n - 1);
      const auto before = static_cast<std::int64_t>(at);
      const double share = at - static_cast<double>(before);
      map.add(before, 1 - share);
      if (share > 0) map.add(before + 1, share);
    }
    map.end_row();
  }
  return map;
}

void check_not_empty(const char* op, const Shape& x, const Integers& size) {
  for (std::size_t i = 0; i < size.size(); ++i)
    if (x[static_cast<int>(i) + 2] == 0 && size[i] > 0)
      throw ShapeError(std::string(op) + ": there is nothing on axis " + std::to_string(i + 2) + " of " + to_string(x) +
                       " to interpolate");
}

std::vector<AxisMap> interpolations(const InterpolateAttrs& a, const Shape& x, const Integers& size) {
  std::vector<AxisMap> maps;
  for (std::size_t i = 0; i < size.size(); ++i) maps.push_back(interpolation(a, x[static_cast<int>(i) + 2], size[i]));
  return maps;
}

Cost one_pass(const Node& node, double flops) {
  const Node& x = *node.edges()[0].node();
  const auto elements = static_cast<double>(x.shape.numel() + node.shape.numel());
  return {flops * elements, elements * static_cast<double>(size_of(node.dtype))};
}

/// Windows over `extents`. ShapeError where none fits.
Windows windows_over(const char* op, const UnfoldAttrs& a, const Tensor& x, const Integers& extents) {
  const int axes = static_cast<int>(extents.size());
  if (a.kernel_size.empty()) throw ValueError(std::string(op) + ": kernel_size is []; give the extents of the window");
  Windows w{.in = spatial(extents),
            .kernel = spatial(for_axes(op, "kernel_size", a.kernel_size, axes, 1, 1)),
            .stride = spatial(for_axes(op, "stride", a.stride, axes, 1, 1)),
            .padding = spatial(for_axes(op, "padding", a.padding, axes, 0, 0), 0),
            .dilation = spatial(for_axes(op, "dilation", a.dilation, axes, 1, 1))};
  for (std::size_t i = 0; i < kernels::kSpatial; ++i) {
    const std::int64_t room =
        Checked(op, w.in[i]) + 2 * Checked(op, w.padding[i]) - Checked(op, w.dilation[i]) * (w.kernel[i] - 1) - 1;
    if (room < 0)
      throw ShapeError(std::string(op) + ": a window of " + format_attribute(a.kernel_size) + " does not fit " +
                       format_attribute(extents) + ", padded by " + std::to_string(w.padding[i]) + "; x is " +
                       to_string(x.shape()));
    w.out[i] = room / w.stride[i] + 1;
  }
  // The elements of all windows, so that no product of these extents wraps.
  Checked elements(op, 1);
  for (const std::int64_t extent : w.kernel) elements *= extent;
  for (const std::int64_t extent : w.out) elements *= extent;
  return w;
}

/// Calls `body(plane)` for each, in parts that depend on the extents alone.
template <class Body>
void for_planes(std::int64_t count, const Windows& w, const Body& body) {
  constexpr std::int64_t kParallelElements = 1 << 17;
  for_chunks(count, count * w.kernel_size() * w.out_size() >= kParallelElements, body);
}

}  // namespace

namespace ops {

struct InterpolateAdjoint;

struct Interpolate {
  static constexpr OpInfo info{.name = "interpolate",
                               .formula = "y[o] = Σ over neighbours of share · x[neighbour]",
                               .doc = "Spatial axes at another size.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = InterpolateAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    check_images("interpolate", x);
    const Integers size = checked_size("interpolate", "size", a.size, x.shape());
    check_not_empty("interpolate", x.shape(), size);
    return {with_extents(x.shape(), size), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    if (y.numel() == 0) return;
    const auto maps = interpolations(a, x.shape(), extents_of(y.shape()));
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::apply_maps<T>(planes(x.shape()), maps, x.data<T>().data(), y.mutable_data<T>().data());
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved x, Unsaved);
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 2); }
  static std::vector<SampleOf<Interpolate>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    const auto linear = Interpolation::linear;
    return {{{x({1, 2, 5})}, {{7}}},
            {{x({1, 2, 4})}, {{7}, linear}},
            {{x({1, 1, 3, 4})}, {{5, 2}, linear, true}},
            {{x({1, 1, 2, 3})}, {{3}, linear}},
            {{x({1, 1, 2, 3, 2})}, {{1, 2, 3}, linear, true}},
            {{transpose(x({1, 1, 3, 4}))}, {{2}}},
            {{x({0, 1, 4})}, {{2}}}};
  }
  static std::vector<BadInputOf<Interpolate>> bad_inputs() {
    return {{{zeros({4, 4})}, {{2}}, "x is [4, 4]; expected [N, C, L]"},
            {{zeros({1, 1, 4})}, {}, "size is []; give the extents of the spatial axes"},
            {{zeros({1, 1, 4})}, {{2, 3}}, "size is [2, 3] for 1 spatial axes"},
            {{zeros({1, 1, 0})}, {{2}}, "there is nothing on axis 2 of [1, 1, 0] to interpolate"}};
  }
};

struct InterpolateAdjoint {
  static constexpr OpInfo info{.name = "interpolate_adjoint",
                               .formula = "y[neighbour] += share · x[o]",
                               .doc = "What interpolate's gradient is.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = InterpolateAdjointAttrs;
  static constexpr const char* kName = "interpolate_adjoint";
  static TensorSpec result(const Attrs& a, const Tensor& y) {
    check_images(kName, y);
    const Shape x = with_extents(y.shape(), checked_size(kName, "extents", a.extents, y.shape()));
    const Integers size = checked_size(kName, "size", a.size, y.shape());
    if (extents_of(y.shape()) != size)
      throw ShapeError("interpolate_adjoint: x is " + to_string(y.shape()) + ", size " + format_attribute(size) +
                       "; expected x's own extents");
    check_not_empty(kName, x, size);
    return {x, y.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& y, Tensor& x) {
    if (x.numel() == 0) return;
    std::vector<AxisMap> maps;
    for (const AxisMap& map : interpolations(a, x.shape(), extents_of(y.shape()))) maps.push_back(map.transposed());
    dispatch_floating(x.dtype(), [&]<class T>() {
      kernels::apply_maps<T>(planes(x.shape()), maps, y.data<T>().data(), x.mutable_data<T>().data());
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved, Unsaved) { return apply<Interpolate>(a, g); }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 2); }
  static std::vector<SampleOf<InterpolateAdjoint>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({1, 2, 7})}, {{{7}}, {5}}},
            {{x({1, 1, 5, 2})}, {{{5, 2}, Interpolation::linear, true}, {3, 4}}},
            {{x({0, 1, 2})}, {{{2}}, {4}}}};
  }
  static std::vector<BadInputOf<InterpolateAdjoint>> bad_inputs() {
    return {{{zeros({1, 1, 4})}, {{{5}}, {2}}, "x is [1, 1, 4], size [5]; expected x's own extents"},
            {{zeros({1, 1, 4})}, {{{4}}, {}}, "extents is []; give the extents of the spatial axes"}};
  }
};

Tensor Interpolate::vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved x, Unsaved) {
  return apply<InterpolateAdjoint>({a, extents_of(x.shape())}, g);
}

struct Fold;

struct Unfold {
  static constexpr OpInfo info{.name = "unfold",
                               .formula = "y[c · window + k, p] = x[c, p · stride - padding + k · dilation]",
                               .doc = "Each window's elements as a column.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = UnfoldAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    check_images("unfold", x);
    const Windows w = windows_over("unfold", a, x, extents_of(x.shape()));
    return {{x.shape()[0], Checked("unfold", x.shape()[1]) * w.kernel_size(), w.out_size()}, x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Windows w = windows_over("unfold", a, x, extents_of(x.shape()));
    dispatch_floating(y.dtype(), [&]<class T>() {
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      for_planes(planes(x.shape()), w, [&](std::int64_t p) {
        kernels::unfold(w, 1, 0, w.lines(), from + p * w.in_size(), to + p * w.kernel_size() * w.out_size());
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved x, Unsaved);
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 0); }
  static std::vector<SampleOf<Unfold>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({1, 2, 5})}, {.kernel_size = {3}}},
            {{x({1, 1, 3, 4})}, {.kernel_size = {2}, .stride = {2, 1}, .padding = {1, 0}}},
            {{x({1, 1, 4, 4})}, {.kernel_size = {2}, .dilation = {2, 3}}},
            {{x({1, 1, 2, 2, 3})}, {.kernel_size = {1, 2, 2}}},
            {{transpose(x({1, 1, 3, 4}))}, {.kernel_size = {2}}},
            {{x({0, 1, 4})}, {.kernel_size = {2}}}};
  }
  static std::vector<BadInputOf<Unfold>> bad_inputs() {
    return {{{zeros({4, 4})}, {.kernel_size = {2}}, "x is [4, 4]; expected [N, C, L]"},
            {{zeros({1, 1, 4})}, {}, "kernel_size is []; give the extents of the window"},
            {{zeros({1, 1, 4})}, {.kernel_size = {5}}, "a window of [5] does not fit [4], padded by 0"}};
  }
};

struct Fold {
  static constexpr OpInfo info{.name = "fold",
                               .formula = "y[c, p · stride - padding + k · dilation] += x[c · window + k, p]",
                               .doc = "The adjoint of unfold: columns added up where they came from.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = FoldAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    if (a.output_size.empty() || a.output_size.size() > kernels::kSpatial)
      throw ValueError("fold: output_size is " + format_attribute(a.output_size) +
                       "; expected a number for each of one to three spatial axes");
    const Windows w = windows_over("fold", a, x, a.output_size);
    if (x.rank() != 3 || x.shape()[1] % w.kernel_size() != 0 || x.shape()[2] != w.out_size())
      throw ShapeError("fold: x is " + to_string(x.shape()) + "; windows of " + format_attribute(a.kernel_size) +
                       " over " + format_attribute(a.output_size) + " need [N, C * " + std::to_string(w.kernel_size()) +
                       ", " + std::to_string(w.out_size()) + "]");
    return {with_extents({x.shape()[0], x.shape()[1] / w.kernel_size()}, a.output_size), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Windows w = windows_over("fold", a, x, a.output_size);
    y.fill(0);
    dispatch_floating(y.dtype(), [&]<class T>() {
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      for_planes(planes(y.shape()), w, [&](std::int64_t p) {
        kernels::fold(w, 1, 0, w.lines(), from + p * w.kernel_size() * w.out_size(), to + p * w.in_size());
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved, Unsaved) { return apply<Unfold>(a, g); }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 1); }
  static std::vector<SampleOf<Fold>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({1, 6, 3})}, {{.kernel_size = {3}}, {5}}},
            {{x({1, 4, 4})}, {{.kernel_size = {2}, .stride = {2, 1}, .padding = {1, 0}}, {2, 3}}},
            {{x({0, 2, 3})}, {{.kernel_size = {2}}, {4}}}};
  }
  static std::vector<BadInputOf<Fold>> bad_inputs() {
    return {
        {{zeros({1, 6, 3})}, {{.kernel_size = {3}}, {}}, "output_size is []; expected a number for each of one to "},
        {{zeros({1, 6, 3})}, {{.kernel_size = {3}}, {6}}, "windows of [3] over [6] need [N, C * 3, 4]"},
        {{zeros({6, 3})}, {{.kernel_size = {3}}, {5}}, "fold: x is [6, 3]"}};
  }
};

Tensor Unfold::vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved x, Unsaved) {
  return apply<Fold>({a, extents_of(x.shape())}, g);
}

using ResampleOps = OpList<Interpolate, InterpolateAdjoint, Unfold, Fold>;

}  // namespace ops

using ops::ResampleOps;

std::string format_attribute(Interpolation value) { return value == Interpolation::nearest ? "nearest" : "linear"; }

void parse_attribute(std::string_view name, std::string_view text, Interpolation& value) {
  for (const Interpolation one : {Interpolation::nearest, Interpolation::linear})
    if (format_attribute(one) == text) {
      value = one;
      return;
    }
  throw ValueError("attribute " + std::string(name) + ": '" + std::string(text) + "' is not nearest or linear");
}

Tensor interpolate(const Tensor& x, const InterpolateOptions& options) {
  if (options.size.empty() == (options.scale_factor == 0))
    throw ValueError("interpolate: give either size or scale_factor");
  if (!(options.scale_factor >= 0 && std::isfinite(options.scale_factor)))
    throw ValueError("interpolate: scale_factor is " + format_attribute(options.scale_factor) +
                     "; expected a number above 0");
  check_images("interpolate", x);
  InterpolateAttrs a{options.size.values(), options.mode, options.align_corners};
  if (a.size.empty())
    for (const std::int64_t extent : extents_of(x.shape())) {
      const double size = std::floor(static_cast<double>(extent) * options.scale_factor);
      if (!(size < 0x1p62))
        throw ShapeError("interpolate: a scale_factor of " + format_attribute(options.scale_factor) + " of x " +
                         to_string(x.shape()) + " is too large to store");
      a.size.push_back(static_cast<std::int64_t>(size));
    }
  return ResampleOps::apply<ops::Interpolate>(a, x);
}

Tensor unfold(const Tensor& x, const PerAxis& kernel_size, const UnfoldOptions& o) {
  check_images("unfold", x);
  const int axes = x.rank() - 2;
  const UnfoldAttrs a{kernel_size.values(), attribute_of(o.stride, axes, 1), attribute_of(o.padding, axes, 0),
                      attribute_of(o.dilation, axes, 1)};
  return ResampleOps::apply<ops::Unfold>(a, x);
}

Tensor fold(const Tensor& x, const PerAxis& output_size, const PerAxis& kernel_size, const UnfoldOptions& o) {
  const int axes = static_cast<int>(std::max(output_size.values().size(), kernel_size.values().size()));
  const FoldAttrs a{{kernel_size.values(), attribute_of(o.stride, axes, 1), attribute_of(o.padding, axes, 0),
                     attribute_of(o.dilation, axes, 1)},
                    output_size.values()};
  return ResampleOps::apply<ops::Fold>(a, x);
}

std::span<const OpEntry> resample_ops() { return ResampleOps::entries; }

}  // namespace tapegrad
