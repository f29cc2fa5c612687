#include <cmath>
#include <limits>
#include <numeric>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/internal/accuracy.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/in_f64.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/kernels/normalize.hpp>
#include <tapegrad/ops/normalization.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

using kernels::NormLayout;
using kernels::NormTerms;

constexpr Accuracy kDominated{
    .ulps = internal::kNoBound,
    .reason = "where one element of a group dwarfs the others, all terms of the gradient cancel but eps's"};

void check_coefficients(const char* op, const char* name, const Tensor& given, const Shape& wanted, const Tensor& x) {
  if (given.defined() && given.shape() != wanted)
    throw ShapeError(std::string(op) + ": " + name + " is " + to_string(given.shape()) + ", x " + to_string(x.shape()) +
                     "; expected " + to_string(wanted));
}

std::int64_t product(std::span<const std::int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
}

/// Extents behind the channels of x [N, C, …].
std::int64_t positions(const Shape& x) { return product(x.dims().subspan(2)); }

Shape channels_of(const char* op, const Tensor& x) {
  if (x.rank() < 2)
    throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) + "; expected [N, C] or [N, C, ...]");
  return {x.shape()[1]};
}

Shape trailing_of(const char* op, const Tensor& x, const Integers& wanted) {
  const auto count = wanted.size(), rank = static_cast<std::size_t>(x.rank());
  if (count == 0 || count > rank || !std::equal(wanted.begin(), wanted.end(), x.shape().end() - count))
    throw ShapeError(std::string(op) + ": normalized_shape is " + format_attribute(wanted) + ", x " +
                     to_string(x.shape()) + "; expected the extents of x's last axes, one or more");
  return Shape(wanted);
}

/// Null of an undefined tensor.
template <class T>
const T* values_of(const Tensor& t) {
  return t.defined() ? t.data<T>().data() : nullptr;
}
template <class T>
T* filled(Tensor& t) {
  return t.defined() ? t.mutable_data<T>().data() : nullptr;
}

template <class T>
NormTerms<T> terms_of(const Tensor& weight, const Tensor& bias, double eps, bool centered) {
  return {values_of<T>(weight), values_of<T>(bias), eps, centered};
}

// ---- the rules on tensors, in the layout's five axes ----------------------------------------------------------------

const Axes kMemberAxes{1, 3, 4}, kSampleAxes{0, 1, 4};

Tensor in_layout(const NormLayout& l, const Tensor& t) {
  return reshape(t, {l.outer, l.repeats, l.groups, l.channels, l.inner});
}

struct Standardized {
  Tensor values, scale;
  Tensor factor = {};  ///< a power of two by which x was multiplied first, if any

  Tensor slope(const Tensor& v) const { return factor.defined() ? v * scale * factor : v * scale; }
};

Standardized standardized(const Tensor& given, double eps, bool centered) {
  // Where elements, or eps, are far from 1, their squares are kept in range.
  const double root = std::sqrt(eps);
  Tensor x = given, factor, least;
  if (internal::is_moderate(x) && root > 0x1p-40) {
    least = scalar(eps, x.dtype());
  } else {
    factor = internal::scale_to_one(x, kMemberAxes, root);
    least = square(factor * root);
    x = x * factor;
  }
  const Tensor deviation = centered ? x - mean(x, kMemberAxes, true) : x;
  const Tensor scale = rsqrt(mean(square(deviation), kMemberAxes, true) + least);
  return {deviation * scale, scale, factor};
}

struct Affine {
  Tensor x;
  op::Optional<> weight = {}, bias = {};
};
struct Scaled {
  Tensor x;
  op::Optional<> weight = {};
};

/// What normalisations share: those of Affine inputs take off the mean, those of Scaled ones do not. Op has
/// `coefficients(attrs, x)`, the checked shape of weight and bias, and `layout(attrs, shape of x)`.
template <class Op, class Inputs, class Attributes>
struct NormOver {
  using In = Inputs;
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor x, weight;
    op::FirstOrder statistics;  ///< where they are few beside x
  };
  using Attrs = Attributes;
  static constexpr bool kCentered = std::is_same_v<Inputs, Affine>;
  static constexpr const char* name() { return Op::info.name.data(); }

  static void check(const Attrs& a, const Inputs& in) {
    const Shape wanted = Op::coefficients(a, in.x);
    check_coefficients(name(), "weight", in.weight, wanted, in.x);
    if constexpr (kCentered) check_coefficients(name(), "bias", in.bias, wanted, in.x);
    require_positive(name(), "eps", a.eps);
  }
  static Out shapes(const Attrs&, const Inputs& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }
  /// However large x is, it is brought near 1; its products with a weight may leave the range.
  static std::optional<Out> instead(const Attrs& a, const Inputs& in) {
    return internal::any_extreme(internal::Extremes::both, in.weight) ? internal::in_f64<Op>(in, a) : std::nullopt;
  }
  static Kept forward(const Attrs& a, const Inputs& in, Out& out) {
    const Tensor& x = in.x;
    Tensor &y = out.y, bias, statistics;
    if constexpr (kCentered) bias = in.bias;
    const NormLayout l = Op::layout(a, x.shape());
    const std::int64_t groups = l.outer * l.groups;
    constexpr std::int64_t kWorthLeaving = 32;
    if (x.requires_grad() && groups * kWorthLeaving <= x.numel())
      statistics = empty({groups, kernels::kNormStatistics}, x.dtype());
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::normalize(l, terms_of<T>(in.weight, bias, a.eps, kCentered), x.data<T>().data(),
                         y.mutable_data<T>().data(), filled<T>(statistics));
    });
    return {x, op::keep_for(x, in.weight), op::FirstOrder(statistics)};
  }

  static Inputs pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<Inputs> wanted) {
    const NormLayout l = Op::layout(a, g.y.shape());
    const bool reads_x = wanted(&Inputs::x) || wanted(&Inputs::weight);
    if (!reads_x || kept.x.dtype() == f64 || l.repeats * l.channels * l.inner > kFew)
      return pull(l, a, kept, g.y, wanted);
    Inputs d = pull(l, a, {cast(kept.x, f64), in_f64(kept.weight), {}}, in_f64(g.y), wanted);
    op::for_members(d, [](Tensor& t) { t = t.defined() ? cast(t, f32) : t; });
    return d;
  }

  static Cost cost(const Attrs&, const Inputs& in, const Out& out) {
    return internal::one_pass(8, out.y, {in.x, out.y});
  }

 private:
  /// Of so few elements all are about as far from their mean, so that most digits of the gradient's terms cancel.
  static constexpr std::int64_t kFew = 4;

  static Tensor in_f64(const Tensor& t) { return t.defined() ? cast(t, f64) : t; }

  static Inputs pull(const NormLayout& l, const Attrs& a, const Kept& kept, const Tensor& g,
                     const op::Wanted<Inputs>& wanted) {
    const bool reads_x = wanted(&Inputs::x) || wanted(&Inputs::weight);
    return reads_x && !grad_enabled() ? fused(l, a, kept, g, wanted) : composed(l, a, kept, g, wanted);
  }

  static Inputs fused(const NormLayout& l, const Attrs& a, const Kept& kept, const Tensor& g,
                      const op::Wanted<Inputs>& wanted) {
    const Tensor cotangent = g.contiguous(), x = kept.x.contiguous();
    const Tensor weight = kept.weight.defined() ? kept.weight.contiguous() : Tensor();
    const Tensor& statistics = kept.statistics.value();
    Inputs d;
    dispatch_floating(x.dtype(), [&]<class T>() {
      const auto made = [&](auto member) -> T* {
        if (!wanted(member)) return nullptr;
        return filled<T>(d.*member = empty(wanted.shape(member), x.dtype()));
      };
      kernels::NormGradients<T> gradients{made(&Inputs::x), made(&Inputs::weight), nullptr};
      if constexpr (kCentered) gradients.bias = made(&Inputs::bias);
      kernels::normalize_gradients(l, terms_of<T>(weight, {}, a.eps, kCentered), x.data<T>().data(),
                                   values_of<T>(statistics), cotangent.data<T>().data(), gradients);
    });
    return d;
  }

  static Inputs composed(const NormLayout& l, const Attrs& a, const Kept& kept, const Tensor& g,
                         const op::Wanted<Inputs>& wanted) {
    Inputs d;
    const bool for_x = wanted(&Inputs::x), for_weight = wanted(&Inputs::weight);
    if (for_x || for_weight) {
      const Standardized standard = standardized(in_layout(l, kept.x), a.eps, kCentered);
      const Tensor &values = standard.values, cotangent = in_layout(l, g);
      if (for_weight) d.weight = reshape(sum(cotangent * values, kSampleAxes), wanted.shape(&Inputs::weight));
      if (for_x) {
        const Tensor slope =
            kept.weight.defined() ? cotangent * reshape(kept.weight, {l.groups, l.channels, 1}) : cotangent;
        const Tensor along = values * mean(slope * values, kMemberAxes, true);
        const Tensor across = kCentered ? slope - mean(slope, kMemberAxes, true) : slope;
        d.x = reshape(standard.slope(across - along), g.shape());
      }
    }
    if constexpr (kCentered)
      if (wanted(&Inputs::bias)) {
        const Tensor samples = reshape(g, {l.outer * l.repeats, l.coefficients(), l.inner});
        d.bias = reshape(sum(samples, l.inner == 1 ? Axes{0} : Axes{0, 2}), wanted.shape(&Inputs::bias));
      }
    return d;
  }
};

struct TrailingAttrs {
  Integers normalized_shape;
  double eps = 1e-5;
  bool operator==(const TrailingAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"normalized_shape", &TrailingAttrs::normalized_shape, "extents of the last axes"},
                      Field{"eps", &TrailingAttrs::eps, "added to the variance"}};
  }
};

NormLayout trailing_layout(const Integers& normalized_shape, const Shape& x) {
  const auto lead = static_cast<std::size_t>(x.rank()) - normalized_shape.size();
  return {.outer = product(x.dims().first(lead)), .channels = product(normalized_shape)};
}

struct BatchAttrs {
  double eps = 1e-5;
  bool operator==(const BatchAttrs&) const = default;
  static constexpr auto fields() { return std::tuple{Field{"eps", &BatchAttrs::eps, "added to the variance"}}; }
};

NormLayout batch_layout(const Shape& x) { return {.repeats = x[0], .groups = x[1], .inner = positions(x)}; }

struct GroupAttrs {
  std::int64_t groups = 1;
  double eps = 1e-5;
  bool operator==(const GroupAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"groups", &GroupAttrs::groups, "of adjoining channels"},
                      Field{"eps", &GroupAttrs::eps, "added to the variance"}};
  }
};

}  // namespace

namespace ops {

struct LayerNorm : NormOver<LayerNorm, Affine, TrailingAttrs> {
  static constexpr OpInfo info{.name = "layer_norm",
                               .formula = "y = (x - mean x) / √(var x + eps) · weight + bias",
                               .doc = "Mean and variance over the last axes; weight and bias have their shape.",
                               .group = Group::normalization,
                               .source = "Ba, Kiros and Hinton, Layer Normalization, 2016",
                               .accuracy = {.normwise = true, .reason = "gradients that are differences"}};
  static Shape coefficients(const Attrs& a, const Tensor& x) { return trailing_of(name(), x, a.normalized_shape); }
  static NormLayout layout(const Attrs& a, const Shape& x) { return trailing_layout(a.normalized_shape, x); }

  static std::vector<SampleOf<LayerNorm>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({3, 4})}, {{4}}},
            {{x({2, 4}), x({4}), x({4})}, {{4}, 0.1}},
            {{x({2, 2, 3}), x({2, 3}), x({2, 3})}, {{2, 3}, 0.01}},
            {{transpose(x({3, 2})), transpose(x({3, 2}))}, {{2, 3}, 0.1}},
            {{x({4}), x({4}), x({4})}, {{4}}},
            {{x({2, 1}), x({1})}, {{1}, 1}},
            {{x({0, 3}), x({3}), x({3})}, {{3}}},
            {{x({2, 0})}, {{0}}}};
  }
  static std::vector<BadInputOf<LayerNorm>> bad_inputs() {
    const Tensor x = zeros({2, 3});
    return {{{x}, {{2}}, "normalized_shape is [2], x [2, 3]; expected the extents of x's last axes"},
            {{x}, {}, "normalized_shape is []"},
            {{zeros({})}, {{1}}, "normalized_shape is [1], x []"},
            {{x, zeros({2})}, {{3}}, "weight is [2], x [2, 3]; expected [3]"},
            {{x, zeros({3}), zeros({1})}, {{3}}, "bias is [1], x [2, 3]; expected [3]"},
            {{x}, {{3}, 0}, "eps is 0; it must be finite and above 0"}};
  }
};

struct RmsNorm : NormOver<RmsNorm, Scaled, TrailingAttrs> {
  static constexpr OpInfo info{.name = "rms_norm",
                               .formula = "y = x / √(mean x² + eps) · weight",
                               .doc = "The mean square is over the last axes; weight has their shape.",
                               .group = Group::normalization,
                               .source = "Zhang and Sennrich, Root Mean Square Layer Normalization, 2019",
                               .accuracy = {.normwise = true, .reason = "gradients that are differences"}};
  static Shape coefficients(const Attrs& a, const Tensor& x) { return trailing_of(name(), x, a.normalized_shape); }
  static NormLayout layout(const Attrs& a, const Shape& x) { return trailing_layout(a.normalized_shape, x); }

  static std::vector<SampleOf<RmsNorm>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({3, 4})}, {{4}}},
            {{x({2, 2, 3}), x({2, 3})}, {{2, 3}, 0.01}},
            {{transpose(x({3, 2})), transpose(x({3, 2}))}, {{2, 3}, 0.1}},
            {{x({1}), x({1})}, {{1}, 0.5}},
            {{x({0, 3}), x({3})}, {{3}}}};
  }
  static std::vector<BadInputOf<RmsNorm>> bad_inputs() {
    const Tensor x = zeros({2, 3});
    return {{{x}, {{2}}, "normalized_shape is [2], x [2, 3]; expected the extents of x's last axes"},
            {{x, zeros({2})}, {{3}}, "weight is [2], x [2, 3]; expected [3]"},
            {{x}, {{3}, -1}, "eps is -1; it must be finite and above 0"}};
  }
};

struct BatchNorm : NormOver<BatchNorm, Affine, BatchAttrs> {
  static constexpr OpInfo info{.name = "batch_norm",
                               .formula = "y = (x - mean x) / √(var x + eps) · weight + bias",
                               .doc = "Mean and variance of each channel over the batch, as in training.",
                               .group = Group::normalization,
                               .source = "Ioffe and Szegedy, Batch Normalization, ICML 2015",
                               .accuracy = kDominated};
  static Shape coefficients(const Attrs&, const Tensor& x) { return channels_of(name(), x); }
  static NormLayout layout(const Attrs&, const Shape& x) { return batch_layout(x); }

  static std::vector<SampleOf<BatchNorm>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({4, 2})}, {}},
            {{x({3, 2, 2}), x({2}), x({2})}, {0.1}},
            {{x({2, 2, 2, 2}), x({2}), x({2})}, {0.01}},
            {{transpose(x({2, 5})), x({2})}, {0.1}},
            {{x({1, 2, 3}), x({2}), x({2})}, {1e-3}},
            {{x({0, 2}), x({2}), x({2})}, {}}};
  }
  static std::vector<BadInputOf<BatchNorm>> bad_inputs() {
    return {{{zeros({3})}, {}, "x is [3]; expected [N, C] or [N, C, ...]"},
            {{zeros({2, 3}), zeros({2})}, {}, "weight is [2], x [2, 3]; expected [3]"},
            {{zeros({2, 3, 4}), zeros({3}), zeros({4})}, {}, "bias is [4], x [2, 3, 4]; expected [3]"},
            {{zeros({2, 3})}, {0}, "eps is 0; it must be finite and above 0"}};
  }
};

struct GroupNorm : NormOver<GroupNorm, Affine, GroupAttrs> {
  static constexpr OpInfo info{.name = "group_norm",
                               .formula = "y = (x - mean x) / √(var x + eps) · weight + bias",
                               .doc = "Mean and variance of adjoining channels of each sample.",
                               .group = Group::normalization,
                               .source = "Wu and He, Group Normalization, ECCV 2018",
                               .accuracy = kDominated};
  static Shape coefficients(const Attrs& a, const Tensor& x) {
    const Shape channels = channels_of(name(), x);
    if (a.groups < 1 || channels[0] % a.groups != 0)
      throw ValueError("group_norm: " + std::to_string(a.groups) + " groups of the " + std::to_string(channels[0]) +
                       " channels of x " + to_string(x.shape()) + "; expected a divisor of them");
    return channels;
  }
  static NormLayout layout(const Attrs& a, const Shape& x) {
    return {.outer = x[0], .groups = a.groups, .channels = x[1] / a.groups, .inner = positions(x)};
  }

  static std::vector<SampleOf<GroupNorm>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({2, 4})}, {2}},
            {{x({2, 4, 2}), x({4}), x({4})}, {2, 0.1}},
            {{x({2, 2, 2, 2}), x({2}), x({2})}, {2, 0.01}},
            {{transpose(x({4, 2})), x({4}), x({4})}, {1, 0.1}},
            {{x({0, 4}), x({4}), x({4})}, {2}}};
  }
  static std::vector<BadInputOf<GroupNorm>> bad_inputs() {
    return {{{zeros({3})}, {}, "x is [3]; expected [N, C] or [N, C, ...]"},
            {{zeros({2, 3})}, {2}, "2 groups of the 3 channels of x [2, 3]; expected a divisor of them"},
            {{zeros({2, 3})}, {0}, "0 groups of the 3 channels"},
            {{zeros({2, 4}), zeros({2})}, {2}, "weight is [2], x [2, 4]; expected [4]"},
            {{zeros({2, 4})}, {2, -1}, "eps is -1; it must be finite and above 0"}};
  }
};

using NormalizationOps = OpList<LayerNorm, RmsNorm, BatchNorm, GroupNorm>;

}  // namespace ops

using ops::NormalizationOps;

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const NormOptions& options) {
  const TrailingAttrs attributes{Integers(normalized_shape.begin(), normalized_shape.end()), options.eps};
  return NormalizationOps::apply<ops::LayerNorm>(attributes, {x, options.weight, options.bias}).y;
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const RmsNormOptions& options) {
  const TrailingAttrs attributes{Integers(normalized_shape.begin(), normalized_shape.end()), options.eps};
  return NormalizationOps::apply<ops::RmsNorm>(attributes, {x, options.weight}).y;
}

Tensor batch_norm(const Tensor& x, const NormOptions& options) {
  return NormalizationOps::apply<ops::BatchNorm>({options.eps}, {x, options.weight, options.bias}).y;
}

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const NormOptions& options) {
  const Shape channels = channels_of("batch_norm", x);
  check_coefficients("batch_norm", "running_mean", running_mean, channels, x);
  check_coefficients("batch_norm", "running_var", running_var, channels, x);
  check_coefficients("batch_norm", "weight", options.weight, channels, x);
  check_coefficients("batch_norm", "bias", options.bias, channels, x);
  require_positive("batch_norm", "eps", options.eps);
  Tensor scale = rsqrt(running_var + options.eps);
  if (options.weight.defined()) scale = scale * options.weight;
  Tensor shift = -running_mean * scale;
  if (options.bias.defined()) shift = shift + options.bias;
  Integers along(static_cast<std::size_t>(x.rank()) - 1, 1);
  along[0] = channels[0];
  return x * reshape(scale, along) + reshape(shift, along);
}

BatchMoments batch_moments(const Tensor& x) {
  const Shape channels = channels_of("batch_moments", x);
  if (!is_floating(x.dtype())) throw DTypeError("batch_moments: 'x' is " + describe(x) + "; f32 or f64 is expected");
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  BatchMoments m{full(channels, nothing, x.dtype()), full(channels, nothing, x.dtype())};
  const NormLayout l = batch_layout(x.shape());
  const Tensor dense = x.to_dense().contiguous();
  dispatch_floating(x.dtype(), [&]<class T>() {
    kernels::moments(l, 1, dense.data<T>().data(), m.mean.mutable_data<T>().data(), m.var.mutable_data<T>().data());
  });
  return m;
}

Tensor group_norm(const Tensor& x, std::int64_t groups, const NormOptions& options) {
  return NormalizationOps::apply<ops::GroupNorm>({groups, options.eps}, {x, options.weight, options.bias}).y;
}

Tensor instance_norm(const Tensor& x, const NormOptions& options) {
  return group_norm(x, channels_of("instance_norm", x)[0], options);
}

std::span<const OpEntry> normalization_ops() { return NormalizationOps::entries; }

}  // namespace tapegrad
