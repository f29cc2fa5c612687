#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/checked.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/convolution.hpp>
#include <tapegrad/ops/internal/windows.hpp>
#include <tapegrad/ops/kernels/convolution.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

using kernels::ConvGeometry;

struct ConvAttrs {
  Integers stride = {}, padding = {}, padding_end = {}, dilation = {};
  std::int64_t groups = 1;
  bool operator==(const ConvAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"stride", &ConvAttrs::stride, "step of the window; none means 1"},
                      Field{"padding", &ConvAttrs::padding, "zeros before each axis; none means 0"},
                      Field{"padding_end", &ConvAttrs::padding_end, "zeros behind each axis; none means as before"},
                      Field{"dilation", &ConvAttrs::dilation, "distance of a window's elements; none means 1"},
                      Field{"groups", &ConvAttrs::groups, "of channels that see only each other"}};
  }
};

struct ConvTransposeAttrs : ConvAttrs {
  Integers output_padding = {};
  bool operator==(const ConvTransposeAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(ConvAttrs::fields(),
                          std::tuple{Field{"output_padding", &ConvTransposeAttrs::output_padding,
                                           "added at the end of each axis of the result; none means 0"}});
  }
};

struct ConvWeightAttrs : ConvAttrs {
  Integers kernel = {};
  bool operator==(const ConvWeightAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(ConvAttrs::fields(),
                          std::tuple{Field{"kernel", &ConvWeightAttrs::kernel, "extents of the window"}});
  }
};

/// Attributes with a number for each spatial axis.
struct Steps {
  const char* op;
  Integers stride, padding, padding_end, dilation;

  Steps(const char* name, const ConvAttrs& a, int axes)
      : op(name),
        stride(for_axes(op, "stride", a.stride, axes, 1, 1)),
        padding(for_axes(op, "padding", a.padding, axes, 0, 0)),
        padding_end(a.padding_end.empty() ? padding : for_axes(op, "padding_end", a.padding_end, axes, 0, 0)),
        dilation(for_axes(op, "dilation", a.dilation, axes, 1, 1)) {}

  /// What an axis of the input has more than the reach of a window.
  Checked room(std::size_t axis, std::int64_t in, std::int64_t kernel) const {
    return Checked(op, in) + padding[axis] + padding_end[axis] - Checked(op, dilation[axis]) * (kernel - 1) - 1;
  }
};

/// `x` [N, C, …] is the array whose windows are weighed, `w` [O, C / groups, …] the weights.
ConvGeometry geometry_of(const char* op, const ConvAttrs& a, const Shape& x, const Shape& w, const Shape& y) {
  const Steps s(op, a, x.rank() - 2);
  ConvGeometry g{.batch = x[0], .groups = a.groups, .in_channels = x[1], .out_channels = y[1]};
  g.windows = {.in = spatial_of(x),
               .kernel = spatial_of(w),
               .out = spatial_of(y),
               .stride = spatial(s.stride),
               .padding = spatial(s.padding, 0),
               .dilation = spatial(s.dilation)};
  return g;
}

void check_ranks(const char* op, const Tensor& x, const char* other_name, const Tensor& other) {
  check_images(op, x);
  if (other.rank() != x.rank())
    throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) + " and " + other_name + " " +
                     to_string(other.shape()) + "; expected the same rank");
}

void check_groups(const char* op, std::int64_t groups, std::int64_t channels, const Shape& shape) {
  if (groups < 1 || channels % groups != 0)
    throw ValueError(std::string(op) + ": " + std::to_string(groups) + " groups of the " + std::to_string(channels) +
                     " channels in " + to_string(shape) + "; expected a divisor of them");
}

void check_bias(const char* op, const Tensor& bias, std::int64_t channels, const Tensor& weight) {
  if (bias.defined() && bias.shape() != Shape{channels})
    throw ShapeError(std::string(op) + ": bias is " + to_string(bias.shape()) + ", weight " +
                     to_string(weight.shape()) + "; expected " + to_string(Shape{channels}));
}

/// [N, O, …] for x [N, C, …].
Shape output_shape(const char* op, const Steps& s, const Shape& x, const Shape& w, std::int64_t channels) {
  Integers dims{x[0], channels};
  for (int axis = 2; axis < x.rank(); ++axis) {
    const auto i = static_cast<std::size_t>(axis - 2);
    const std::int64_t room = s.room(i, x[axis], w[axis]);
    if (w[axis] < 1 || room < 0)
      throw ShapeError(std::string(op) + ": a window of " + to_string(w) + " does not fit x " + to_string(x) +
                       " on axis " + std::to_string(axis) + ", padded to " +
                       std::to_string(x[axis] + s.padding[i] + s.padding_end[i]) + "; add padding");
    dims.push_back(room / s.stride[i] + 1);
  }
  return Shape(dims);
}

/// What is left over at the end of each axis of x when windows step through it.
Integers left_over(const Steps& s, const Shape& x, const Shape& w) {
  Integers left;
  for (int axis = 2; axis < x.rank(); ++axis) {
    const auto i = static_cast<std::size_t>(axis - 2);
    left.push_back(s.room(i, x[axis], w[axis]) % s.stride[i]);
  }
  return attribute_of(left, x.rank() - 2, 0);
}

Tensor channel_sums(const Tensor& g) { return sum(flatten(g, 2), {0, 2}); }

Cost cost_of(const ConvGeometry& g, DType dtype) {
  const auto n = static_cast<double>(g.batch);
  const double elements = n * static_cast<double>(g.x_size() + g.y_size()) + static_cast<double>(g.weight_size());
  return {n * g.flops(), elements * static_cast<double>(size_of(dtype))};
}

}  // namespace

namespace ops {

// Three operations, each linear in both of its factors and each the adjoint of the others: their gradients are again
// among them. Of one convolution they compute the third of x, weight and y from the two others.

namespace {

Tensor to_input(const ConvAttrs& a, const Tensor& weight, const Tensor& y, const Shape& x);
Tensor to_output(const ConvAttrs& a, const Tensor& x, const Tensor& weight);
Tensor to_weight(const ConvAttrs& a, const Tensor& x, const Tensor& y, const Shape& weight);

}  // namespace

/// What an operation with a weight and perhaps a bias takes, gives and keeps.
struct Weighted {
  struct In {
    Tensor x, weight;
    op::Optional<> bias = {};
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor x, weight;
  };
};

struct Conv : Weighted {
  using Attrs = ConvAttrs;
  static constexpr const char* kName = "conv";
  static constexpr OpInfo info{
      .name = kName,
      .formula = "y[o, p] = bias[o] + Σ weight[o, c, k] x[c, p · stride - padding + k · dilation]",
      .doc = "Convolution over one to three spatial axes.",
      .group = Group::contraction};

  static void check(const Attrs& a, const In& in) {
    const Shape &x = in.x.shape(), &w = in.weight.shape();
    check_ranks(kName, in.x, "weight", in.weight);
    check_groups(kName, a.groups, w[0], w);
    const std::int64_t channels = Checked(kName, w[1]) * a.groups;
    if (x[1] != channels)
      throw ShapeError("conv: x is " + to_string(x) + " and weight " + to_string(w) + "; for " +
                       std::to_string(a.groups) + " groups, x needs " + std::to_string(channels) + " channels");
    check_bias(kName, in.bias, w[0], in.weight);
  }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape &x = in.x.shape(), &w = in.weight.shape();
    return {op::spec(output_shape(kName, Steps(kName, a, x.rank() - 2), x, w, w[0]), in.x.dtype())};
  }
  static ConvGeometry geometry(const Attrs& a, const In& in, const Out& out) {
    return geometry_of(kName, a, in.x.shape(), in.weight.shape(), out.y.shape());
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      kernels::convolution(geometry(a, in, out), in.x.data<T>().data(), in.weight.data<T>().data(),
                           in.bias.defined() ? in.bias.data<T>().data() : nullptr, out.y.mutable_data<T>().data());
    });
    return {op::keep_for(in.weight, in.x), op::keep_for(in.x, in.weight)};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    if (wanted(&In::x)) d.x = to_input(a, kept.weight, g.y, wanted.shape(&In::x));
    if (wanted(&In::weight)) d.weight = to_weight(a, kept.x, g.y, wanted.shape(&In::weight));
    if (wanted(&In::bias)) d.bias = channel_sums(g.y);
    return d;
  }
  static Cost cost(const Attrs& a, const In& in, const Out& out) {
    return cost_of(geometry(a, in, out), out.y.dtype());
  }

  static std::vector<SampleOf<Conv>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({2, 1, 5}), x({2, 1, 3})}, {}},
            {{x({1, 2, 6}), x({3, 2, 2}), x({3})}, {.stride = {2}, .padding = {1}, .dilation = {2}}},
            {{x({1, 2, 3, 4}), x({2, 2, 2, 2}), x({2})}, {.padding = {1, 0}}},
            {{x({1, 4, 3, 2}), x({2, 2, 2, 1})}, {.stride = {2, 1}, .groups = 2}},
            {{x({1, 1, 4, 4}), x({1, 1, 2, 2})}, {.padding = {0}, .padding_end = {1}}},
            {{x({1, 1, 2, 3, 2}), x({2, 1, 2, 2, 1}), x({2})}, {.padding = {1, 0, 0}}},
            {{transpose(x({1, 1, 3, 4})), transpose(x({2, 1, 2, 3}))}, {}},
            {{x({0, 1, 4}), x({2, 1, 2}), x({2})}, {}},
            {{x({2, 0, 4}), x({2, 0, 2}), x({2})}, {}}};
  }
  static std::vector<BadInputOf<Conv>> bad_inputs() {
    const Tensor x = zeros({1, 4, 5, 5}), w = zeros({2, 4, 3, 3});
    return {
        {{zeros({4, 5}), w}, {}, "x is [4, 5]; expected [N, C, L], [N, C, H, W] or [N, C, D, H, W]"},
        {{x, zeros({2, 4, 3})}, {}, "x is [1, 4, 5, 5] and weight [2, 4, 3]; expected the same rank"},
        {{x, zeros({2, 3, 3, 3})}, {}, "for 1 groups, x needs 3 channels"},
        {{x, zeros({3, 2, 3, 3})}, {.groups = 2}, "2 groups of the 3 channels in [3, 2, 3, 3]"},
        {{x, w, zeros({4})}, {}, "bias is [4], weight [2, 4, 3, 3]; expected [2]"},
        {{x, zeros({2, 4, 6, 3})}, {}, "a window of [2, 4, 6, 3] does not fit x [1, 4, 5, 5] on axis 2, padded to 5"},
        {{x, zeros({2, 4, 0, 3})}, {}, "a window of [2, 4, 0, 3] does not fit"},
        {{x, w}, {.stride = {1, 1, 1}}, "stride is [1, 1, 1] for 2 spatial axes; expected one number, or one for "},
        {{x, w}, {.stride = {0}}, "stride is [0]; expected 1 or more"},
        {{x, w}, {.padding = {-1}}, "padding is [-1]; expected 0 or more"},
        {{x, w}, {.dilation = {1, 0}}, "dilation is [1, 0]; expected 1 or more"}};
  }
};

struct ConvTranspose : Weighted {
  using Attrs = ConvTransposeAttrs;
  static constexpr const char* kName = "conv_transpose";
  static constexpr OpInfo info{.name = kName,
                               .formula = "y[o, p · stride - padding + k · dilation] += weight[c, o, k] x[c, p]",
                               .doc = "The adjoint of conv for its input.",
                               .group = Group::contraction};

  static void check(const Attrs& a, const In& in) {
    const Shape &x = in.x.shape(), &w = in.weight.shape();
    check_ranks(kName, in.x, "weight", in.weight);
    check_groups(kName, a.groups, w[0], w);
    if (x[1] != w[0])
      throw ShapeError("conv_transpose: x is " + to_string(x) + " and weight " + to_string(w) +
                       "; weight is [channels of x, channels of the result / groups, window...]");
    check_bias(kName, in.bias, Checked(kName, w[1]) * a.groups, in.weight);
  }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape &x = in.x.shape(), &w = in.weight.shape();
    const Steps s(kName, a, x.rank() - 2);
    const Integers added = for_axes(kName, "output_padding", a.output_padding, x.rank() - 2, 0, 0);
    Integers dims{x[0], Checked(kName, w[1]) * a.groups};
    for (int axis = 2; axis < x.rank(); ++axis) {
      const auto i = static_cast<std::size_t>(axis - 2);
      if (added[i] >= s.stride[i])
        throw ValueError("conv_transpose: output_padding is " + format_attribute(added) + ", stride " +
                         format_attribute(s.stride) + "; expected less than the stride");
      // The extent that leaves so much room.
      const std::int64_t extent = (Checked(kName, x[axis]) - 1) * s.stride[i] + added[i] - s.room(i, 0, w[axis]);
      if (w[axis] < 1 || x[axis] < 1 || extent < 1)
        throw ShapeError("conv_transpose: x is " + to_string(x) + " and weight " + to_string(w) +
                         "; with a padding of " + std::to_string(s.padding[i]) + " nothing is left of axis " +
                         std::to_string(axis));
      dims.push_back(extent);
    }
    return {op::spec(Shape(dims), in.x.dtype())};
  }
  static ConvGeometry geometry(const Attrs& a, const In& in, const Out& out) {
    return geometry_of(kName, a, out.y.shape(), in.weight.shape(), in.x.shape());
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      T* y = out.y.mutable_data<T>().data();
      const ConvGeometry g = geometry(a, in, out);
      kernels::convolution_input(g, in.x.data<T>().data(), in.weight.data<T>().data(), y);
      if (!in.bias.defined()) return;
      const std::span<const T> summands = in.bias.data<T>();
      const std::int64_t size = g.windows.in_size();
      for (std::int64_t row = 0; row < g.batch * g.in_channels; ++row)
        for (std::int64_t i = 0; i < size; ++i)
          y[row * size + i] += summands[static_cast<std::size_t>(row % g.in_channels)];
    });
    return {op::keep_for(in.weight, in.x), op::keep_for(in.x, in.weight)};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    if (wanted(&In::x)) d.x = to_output(a, g.y, kept.weight);
    if (wanted(&In::weight)) d.weight = to_weight(a, g.y, kept.x, wanted.shape(&In::weight));
    if (wanted(&In::bias)) d.bias = channel_sums(g.y);
    return d;
  }
  static Cost cost(const Attrs& a, const In& in, const Out& out) {
    return cost_of(geometry(a, in, out), out.y.dtype());
  }

  static std::vector<SampleOf<ConvTranspose>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({2, 1, 3}), x({1, 2, 3})}, {}},
            {{x({1, 3, 3}), x({3, 2, 2}), x({2})}, {{.stride = {2}, .padding = {1}, .dilation = {2}}, {1}}},
            {{x({1, 2, 2, 3}), x({2, 2, 2, 2}), x({2})}, {{.padding = {1, 0}}, {}}},
            {{x({1, 4, 2, 2}), x({4, 1, 2, 1})}, {{.stride = {2, 1}, .groups = 2}, {1, 0}}},
            {{x({1, 1, 2, 2, 2}), x({1, 2, 2, 1, 1}), x({2})}, {{.stride = {1, 2, 1}}, {}}},
            {{transpose(x({1, 1, 3, 2})), transpose(x({1, 2, 2, 2}))}, {}},
            {{x({0, 1, 4}), x({1, 2, 2}), x({2})}, {}}};
  }
  static std::vector<BadInputOf<ConvTranspose>> bad_inputs() {
    const Tensor x = zeros({1, 4, 5, 5}), w = zeros({4, 2, 3, 3});
    return {{{zeros({4, 5}), w}, {}, "x is [4, 5]; expected [N, C, L]"},
            {{x, zeros({4, 2, 3})}, {}, "x is [1, 4, 5, 5] and weight [4, 2, 3]; expected the same rank"},
            {{x, zeros({2, 4, 3, 3})}, {}, "weight is [channels of x, channels of the result / groups, window...]"},
            {{x, w}, {{.groups = 3}, {}}, "3 groups of the 4 channels in [4, 2, 3, 3]"},
            {{x, w, zeros({4})}, {}, "bias is [4], weight [4, 2, 3, 3]; expected [2]"},
            {{x, w}, {{.stride = {2}}, {2}}, "output_padding is [2, 2], stride [2, 2]; expected less than the stride"},
            {{zeros({1, 4, 1, 1}), w}, {{.padding = {2}}, {}}, "with a padding of 2 nothing is left of axis 2"}};
  }
};

struct ConvWeight {
  struct In {
    Tensor x, g;
  };
  struct Out {
    Tensor weight;
  };
  struct Kept {
    Tensor x, g;
  };
  using Attrs = ConvWeightAttrs;
  static constexpr const char* kName = "conv_weight";
  static constexpr OpInfo info{.name = kName,
                               .formula = "y[o, c, k] = Σ g[n, o, p] x[n, c, p · stride - padding + k · dilation]",
                               .doc = "The adjoint of conv for its weight.",
                               .forward = Forward::multilinear,
                               .group = Group::contraction};

  static void check(const Attrs& a, const In& in) {
    check_ranks(kName, in.x, "g", in.g);
    check_groups(kName, a.groups, in.x.shape()[1], in.x.shape());
    check_groups(kName, a.groups, in.g.shape()[1], in.g.shape());
  }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape &x = in.x.shape(), &g = in.g.shape();
    const Integers kernel = for_axes(kName, "kernel", a.kernel, x.rank() - 2, 1, 1);
    const Shape w = with_extents(g[1], x[1] / a.groups, kernel);
    const Shape wanted = output_shape(kName, Steps(kName, a, x.rank() - 2), x, w, g[1]);
    if (g != wanted)
      throw ShapeError("conv_weight: g is " + to_string(g) + "; windows of " + format_attribute(kernel) + " over x " +
                       to_string(x) + " give " + to_string(wanted));
    return {op::spec(w, in.x.dtype())};
  }
  static ConvGeometry geometry(const Attrs& a, const In& in, const Out& out) {
    return geometry_of(kName, a, in.x.shape(), out.weight.shape(), in.g.shape());
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    dispatch_floating(out.weight.dtype(), [&]<class T>() {
      kernels::convolution_weight(geometry(a, in, out), in.x.data<T>().data(), in.g.data<T>().data(),
                                  out.weight.mutable_data<T>().data());
    });
    return {op::keep_for(in.g, in.x), op::keep_for(in.x, in.g)};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    if (wanted(&In::x)) d.x = to_input(a, g.weight, kept.g, wanted.shape(&In::x));
    if (wanted(&In::g)) d.g = to_output(a, kept.x, g.weight);
    return d;
  }
  static Cost cost(const Attrs& a, const In& in, const Out& out) {
    return cost_of(geometry(a, in, out), out.weight.dtype());
  }

  static std::vector<SampleOf<ConvWeight>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({2, 1, 5}), x({2, 2, 3})}, {{}, {3}}},
            {{x({1, 2, 6}), x({1, 3, 3})}, {{.stride = {2}, .padding = {1}, .dilation = {2}}, {2}}},
            {{x({1, 4, 3, 2}), x({1, 2, 1, 2})}, {{.stride = {2, 1}, .groups = 2}, {2, 1}}},
            {{transpose(x({1, 1, 3, 4})), transpose(x({1, 2, 2, 2}))}, {{}, {3, 2}}},
            {{x({0, 1, 4}), x({0, 2, 3})}, {{}, {2}}}};
  }
  static std::vector<BadInputOf<ConvWeight>> bad_inputs() {
    const Tensor x = zeros({1, 4, 5, 5});
    return {{{x, zeros({1, 2, 3})}, {}, "x is [1, 4, 5, 5] and g [1, 2, 3]; expected the same rank"},
            {{x, zeros({1, 2, 5, 5})},
             {{}, {3}},
             "g is [1, 2, 5, 5]; windows of [3, 3] over x [1, 4, 5, 5] give [1, 2, 3, "},
            {{x, zeros({1, 2, 5, 5})}, {{.groups = 3}, {1}}, "3 groups of the 4 channels"},
            {{x, zeros({1, 2, 5, 5})}, {{}, {0}}, "kernel is [0]; expected 1 or more"}};
  }
};

using ConvolutionOps = OpList<Conv, ConvTranspose, ConvWeight>;

namespace {

Tensor to_input(const ConvAttrs& a, const Tensor& weight, const Tensor& y, const Shape& x) {
  const Integers output_padding = left_over(Steps(ConvTranspose::kName, a, x.rank() - 2), x, weight.shape());
  return ConvolutionOps::apply<ConvTranspose>({a, output_padding}, {y, weight}).y;
}
Tensor to_output(const ConvAttrs& a, const Tensor& x, const Tensor& weight) {
  return ConvolutionOps::apply<Conv>(a, {x, weight}).y;
}
Tensor to_weight(const ConvAttrs& a, const Tensor& x, const Tensor& y, const Shape& weight) {
  return ConvolutionOps::apply<ConvWeight>({a, extents_of(weight)}, {x, y}).weight;
}

}  // namespace

}  // namespace ops

namespace {

using ops::ConvolutionOps;

// Zeros on both sides so that each axis ends up ⌈extent / stride⌉ long; of an odd number one more behind.
void pad_to_same(ConvAttrs& a, const Shape& x, const Shape& w) {
  const Steps s("conv", a, x.rank() - 2);
  for (int axis = 2; axis < x.rank(); ++axis) {
    const auto i = static_cast<std::size_t>(axis - 2);
    const std::int64_t windows = x[axis] / s.stride[i] + (x[axis] % s.stride[i] != 0);
    const std::int64_t reach = Checked("conv", windows - 1) * s.stride[i] - s.room(i, 0, w[axis]);
    const std::int64_t total = std::max<std::int64_t>(0, reach - x[axis]);
    a.padding.push_back(total / 2);
    a.padding_end.push_back(total - total / 2);
  }
  if (a.padding_end == a.padding) a.padding_end.clear();
  a.padding = attribute_of(a.padding, x.rank() - 2, 0);
}

Tensor convolve(const char* name, int axes, const Tensor& x, const Tensor& weight, const ConvOptions& o) {
  return with_batch(name, x, axes, [&](const Tensor& batch) {
    ConvAttrs a{.stride = attribute_of(o.stride, axes, 1),
                .padding = attribute_of(o.padding.both(), axes, 0),
                .dilation = attribute_of(o.dilation, axes, 1),
                .groups = o.groups};
    if (o.padding.is_same() && weight.rank() == batch.rank()) pad_to_same(a, batch.shape(), weight.shape());
    return ConvolutionOps::apply<ops::Conv>(a, {batch, weight, o.bias}).y;
  });
}

Tensor convolve_transposed(const char* name, int axes, const Tensor& x, const Tensor& weight,
                           const ConvTransposeOptions& o) {
  return with_batch(name, x, axes, [&](const Tensor& batch) {
    const ConvTransposeAttrs a{{.stride = attribute_of(o.stride, axes, 1),
                                .padding = attribute_of(o.padding, axes, 0),
                                .dilation = attribute_of(o.dilation, axes, 1),
                                .groups = o.groups},
                               attribute_of(o.output_padding, axes, 0)};
    return ConvolutionOps::apply<ops::ConvTranspose>(a, {batch, weight, o.bias}).y;
  });
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const ConvOptions& options) {
  return convolve("conv1d", 1, x, weight, options);
}
Tensor conv2d(const Tensor& x, const Tensor& weight, const ConvOptions& options) {
  return convolve("conv2d", 2, x, weight, options);
}
Tensor conv3d(const Tensor& x, const Tensor& weight, const ConvOptions& options) {
  return convolve("conv3d", 3, x, weight, options);
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const ConvTransposeOptions& options) {
  return convolve_transposed("conv_transpose1d", 1, x, weight, options);
}
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const ConvTransposeOptions& options) {
  return convolve_transposed("conv_transpose2d", 2, x, weight, options);
}
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const ConvTransposeOptions& options) {
  return convolve_transposed("conv_transpose3d", 3, x, weight, options);
}

std::span<const OpEntry> convolution_ops() { return ConvolutionOps::entries; }

}  // namespace tapegrad
