#include <algorithm>
#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/checked.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/internal/windows.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/view.hpp>
#include <utility>

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
        Field{"mode", &InterpolateAttrs::mode, "nearest, nearest_exact, linear, cubic or area"},
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

Integers checked_size(const char* op, const char* name, const Integers& given, const Shape& x) {
  if (given.empty()) throw ValueError(std::string(op) + ": " + name + " is []; give the extents of the spatial axes");
  return for_axes(op, name, given, x.rank() - 2, 1, 0);
}

constexpr std::pair<Interpolation, std::string_view> kModes[] = {{Interpolation::nearest, "nearest"},
                                                                 {Interpolation::nearest_exact, "nearest_exact"},
                                                                 {Interpolation::linear, "linear"},
                                                                 {Interpolation::cubic, "cubic"},
                                                                 {Interpolation::area, "area"}};

/// Where the centre of `o`, of `out` elements, lies among `in` elements.
double source(bool align_corners, std::int64_t o, std::int64_t in, std::int64_t out) {
  const auto n = static_cast<double>(in), m = static_cast<double>(out), position = static_cast<double>(o);
  if (align_corners) return out > 1 ? position * (n - 1) / (m - 1) : 0;
  return (position + 0.5) * n / m - 0.5;
}

/// Keys' cubic convolution (1981) at a distance.
double keys(double distance) {
  constexpr double kA = -0.75;
  const double d = std::abs(distance);
  if (d <= 1) return ((kA + 2) * d - (kA + 3)) * d * d + 1;
  return d < 2 ? ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA : 0;
}

void add_linear(AxisMap& map, double at) {
  at = std::clamp(at, 0.0, static_cast<double>(map.in() - 1));
  const auto before = static_cast<std::int64_t>(at);
  const double share = at - static_cast<double>(before);
  map.add(before, 1 - share);
  if (share > 0) map.add(before + 1, share);
}

void add_cubic(AxisMap& map, double at) {
  const double before = std::floor(at);
  for (int tap = -1; tap <= 2; ++tap) {
    const auto position = static_cast<std::int64_t>(before) + tap;
    if (const double weight = keys(at - before - tap); weight != 0)
      map.add(std::clamp<std::int64_t>(position, 0, map.in() - 1), weight);
  }
}

void add_mean(AxisMap& map, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) map.add(i, 1 / static_cast<double>(end - begin));
}

/// One axis of `in` elements at `out` positions.
AxisMap interpolation(const InterpolateAttrs& a, std::int64_t in, std::int64_t out) {
  AxisMap map(in);
  for (std::int64_t o = 0; o < out; ++o) {
    switch (a.mode) {
      case Interpolation::nearest:
        map.add(o * in / out, 1);
        break;
      case Interpolation::nearest_exact:
        map.add((2 * o + 1) * in / (2 * out), 1);
        break;
      case Interpolation::linear:
        add_linear(map, source(a.align_corners, o, in, out));
        break;
      case Interpolation::cubic:
        add_cubic(map, source(a.align_corners, o, in, out));
        break;
      case Interpolation::area:
        add_mean(map, o * in / out, ((o + 1) * in + out - 1) / out);
        break;
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

std::vector<AxisMap> interpolations(const InterpolateAttrs& a, const Shape& x, const Shape& y) {
  std::vector<AxisMap> maps;
  for (int axis = 2; axis < x.rank(); ++axis) maps.push_back(interpolation(a, x[axis], y[axis]));
  return maps;
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

struct Interpolate : internal::Unary {
  using Attrs = InterpolateAttrs;
  static constexpr const char* kName = "interpolate";
  static constexpr OpInfo info{.name = kName,
                               .formula = "y[o] = Σ over neighbours of share · x[neighbour]",
                               .doc = "Spatial axes at another size.",
                               .forward = Forward::linear,
                               .group = Group::indexing};

  static void check(const Attrs&, const In& in) { check_images(kName, in.x); }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& x = in.x.shape();
    const Integers size = checked_size(kName, "size", a.size, x);
    check_not_empty(kName, x, size);
    return {op::spec(with_extents(x[0], x[1], size), in.x.dtype())};
  }
  static void forward(const Attrs& a, const In& in, Out& out) {
    if (out.y.numel() > 0) map_axes(interpolations(a, in.x.shape(), out.y.shape()), in.x, out.y);
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In> wanted);
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(2, out.y, {in.x, out.y}); }

  static std::vector<SampleOf<Interpolate>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    const auto linear = Interpolation::linear;
    return {{{x({1, 2, 5})}, {{7}}},
            {{x({1, 2, 4})}, {{7}, linear}},
            {{x({1, 1, 3, 4})}, {{5, 2}, linear, true}},
            {{x({1, 1, 2, 3})}, {{3}, linear}},
            {{x({1, 1, 2, 3, 2})}, {{1, 2, 3}, linear, true}},
            {{x({1, 1, 5})}, {{7}, Interpolation::cubic}},
            {{x({1, 1, 4})}, {{3}, Interpolation::cubic, true}},
            {{x({1, 1, 5})}, {{3}, Interpolation::area}},
            {{x({1, 1, 3})}, {{4}, Interpolation::nearest_exact}},
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

struct InterpolateAdjoint : internal::Unary {
  using Attrs = InterpolateAdjointAttrs;
  static constexpr const char* kName = "interpolate_adjoint";
  static constexpr OpInfo info{.name = kName,
                               .formula = "y[neighbour] += share · x[o]",
                               .doc = "What interpolate's gradient is.",
                               .forward = Forward::linear,
                               .group = Group::indexing};

  static void check(const Attrs&, const In& in) { check_images(kName, in.x); }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& x = in.x.shape();
    const Shape y = with_extents(x[0], x[1], checked_size(kName, "extents", a.extents, x));
    const Integers size = checked_size(kName, "size", a.size, x);
    if (extents_of(x) != size)
      throw ShapeError("interpolate_adjoint: x is " + to_string(x) + ", size " + format_attribute(size) +
                       "; expected x's own extents");
    check_not_empty(kName, y, size);
    return {op::spec(y, in.x.dtype())};
  }
  static void forward(const Attrs& a, const In& in, Out& out) {
    if (out.y.numel() > 0) map_axes(transposed(interpolations(a, out.y.shape(), in.x.shape())), in.x, out.y);
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) { return {apply<Interpolate>(a, {g.y}).y}; }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(2, in.x, {in.x, out.y}); }

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

Interpolate::In Interpolate::pull(const Attrs& a, const Out& g, op::Wanted<In> wanted) {
  return {apply<InterpolateAdjoint>({a, extents_of(wanted.shape(&In::x))}, {g.y}).y};
}

struct Unfold : internal::Unary {
  using Attrs = UnfoldAttrs;
  static constexpr OpInfo info{.name = "unfold",
                               .formula = "y[c · window + k, p] = x[c, p · stride - padding + k · dilation]",
                               .doc = "Each window's elements as a column.",
                               .forward = Forward::linear,
                               .group = Group::indexing};

  static void check(const Attrs&, const In& in) { check_images("unfold", in.x); }
  static Windows windows(const Attrs& a, const In& in) {
    return windows_over("unfold", a, in.x, extents_of(in.x.shape()));
  }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& x = in.x.shape();
    const Windows w = windows(a, in);
    return {op::spec({x[0], Checked("unfold", x[1]) * w.kernel_size(), w.out_size()}, in.x.dtype())};
  }
  static void forward(const Attrs& a, const In& in, Out& out) {
    const Windows w = windows(a, in);
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      const T* from = in.x.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      for_planes(planes(in.x.shape()), w, [&](std::int64_t p) {
        kernels::unfold(w, 1, 0, w.lines(), from + p * w.in_size(), to + p * w.kernel_size() * w.out_size());
      });
    });
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In> wanted);
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(0, out.y, {in.x, out.y}); }

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

struct Fold : internal::Unary {
  using Attrs = FoldAttrs;
  static constexpr OpInfo info{.name = "fold",
                               .formula = "y[c, p · stride - padding + k · dilation] += x[c · window + k, p]",
                               .doc = "The adjoint of unfold: columns added up where they came from.",
                               .forward = Forward::linear,
                               .group = Group::indexing};

  static void check(const Attrs& a, const In&) {
    if (a.output_size.empty() || a.output_size.size() > kernels::kSpatial)
      throw ValueError("fold: output_size is " + format_attribute(a.output_size) +
                       "; expected a number for each of one to three spatial axes");
  }
  static Windows windows(const Attrs& a, const In& in) { return windows_over("fold", a, in.x, a.output_size); }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& x = in.x.shape();
    const Windows w = windows(a, in);
    if (x.rank() != 3 || x[1] % w.kernel_size() != 0 || x[2] != w.out_size())
      throw ShapeError("fold: x is " + to_string(x) + "; windows of " + format_attribute(a.kernel_size) + " over " +
                       format_attribute(a.output_size) + " need [N, C * " + std::to_string(w.kernel_size()) + ", " +
                       std::to_string(w.out_size()) + "]");
    return {op::spec(with_extents(x[0], x[1] / w.kernel_size(), a.output_size), in.x.dtype())};
  }
  static void forward(const Attrs& a, const In& in, Out& out) {
    const Windows w = windows(a, in);
    out.y.fill(0);
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      const T* from = in.x.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      for_planes(planes(out.y.shape()), w, [&](std::int64_t p) {
        kernels::fold(w, 1, 0, w.lines(), from + p * w.kernel_size() * w.out_size(), to + p * w.in_size());
      });
    });
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) { return {apply<Unfold>(a, {g.y}).y}; }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(1, in.x, {in.x, out.y}); }

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

Unfold::In Unfold::pull(const Attrs& a, const Out& g, op::Wanted<In> wanted) {
  return {apply<Fold>({a, extents_of(wanted.shape(&In::x))}, {g.y}).y};
}

using ResampleOps = OpList<Interpolate, InterpolateAdjoint, Unfold, Fold>;

}  // namespace ops

using ops::ResampleOps;

std::string format_attribute(Interpolation value) {
  return std::string(std::ranges::find(kModes, value, &std::pair<Interpolation, std::string_view>::first)->second);
}

void parse_attribute(std::string_view name, std::string_view text, Interpolation& value) {
  std::string all;
  for (const auto& [mode, mode_name] : kModes) {
    if (mode_name == text) {
      value = mode;
      return;
    }
    all += (all.empty() ? "" : ", ") + std::string(mode_name);
  }
  throw ValueError("attribute " + std::string(name) + ": '" + std::string(text) + "' is none of " + all);
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
  return ResampleOps::apply<ops::Interpolate>(a, {x}).y;
}

Tensor unfold(const Tensor& x, const PerAxis& kernel_size, const UnfoldOptions& o) {
  check_images("unfold", x);
  const int axes = x.rank() - 2;
  const UnfoldAttrs a{kernel_size.values(), attribute_of(o.stride, axes, 1), attribute_of(o.padding, axes, 0),
                      attribute_of(o.dilation, axes, 1)};
  return ResampleOps::apply<ops::Unfold>(a, {x}).y;
}

Tensor fold(const Tensor& x, const PerAxis& output_size, const PerAxis& kernel_size, const UnfoldOptions& o) {
  const int axes = static_cast<int>(std::max(output_size.values().size(), kernel_size.values().size()));
  const FoldAttrs a{{kernel_size.values(), attribute_of(o.stride, axes, 1), attribute_of(o.padding, axes, 0),
                     attribute_of(o.dilation, axes, 1)},
                    output_size.values()};
  return ResampleOps::apply<ops::Fold>(a, {x}).y;
}

namespace {

/// `factor` as it must be, so that `extent`s of x are divisible by `divisor`.
void check_shuffle(const char* op, const Tensor& x, std::int64_t factor) {
  if (factor < 1)
    throw ValueError(std::string(op) + ": the factor is " + std::to_string(factor) + "; expected 1 or more");
  if (x.rank() != 4) throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) + "; expected [N, C, H, W]");
}

}  // namespace

Tensor pixel_shuffle(const Tensor& x, std::int64_t factor) {
  check_shuffle("pixel_shuffle", x, factor);
  const Shape& s = x.shape();
  const std::int64_t square = Checked("pixel_shuffle", factor) * factor, channels = s[1] / square;
  if (s[1] % square != 0)
    throw ShapeError("pixel_shuffle: x is " + to_string(s) + "; its channels must be a multiple of " +
                     std::to_string(square) + " for a factor of " + std::to_string(factor));
  const Tensor split = reshape(x, {s[0], channels, factor, factor, s[2], s[3]});
  return reshape(permute(split, {0, 1, 4, 2, 5, 3}), {s[0], channels, s[2] * factor, s[3] * factor});
}

Tensor pixel_unshuffle(const Tensor& x, std::int64_t factor) {
  check_shuffle("pixel_unshuffle", x, factor);
  const Shape& s = x.shape();
  if (s[2] % factor != 0 || s[3] % factor != 0)
    throw ShapeError("pixel_unshuffle: x is " + to_string(s) + "; its height and width must be multiples of " +
                     std::to_string(factor));
  const std::int64_t height = s[2] / factor, width = s[3] / factor;
  const Tensor split = reshape(x, {s[0], s[1], height, factor, width, factor});
  return reshape(permute(split, {0, 1, 3, 5, 2, 4}), {s[0], s[1] * factor * factor, height, width});
}

std::span<const OpEntry> resample_ops() { return ResampleOps::entries; }

}  // namespace tapegrad
