#include <Eigen/Core>
#include <cmath>
#include <limits>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/reduction.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

template <class T>
using Row = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

struct MomentAttrs : ReductionAttrs {
  double correction = 1;
  bool operator==(const MomentAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(ReductionAttrs::fields(),
                          std::tuple{Field{"correction", &MomentAttrs::correction,
                                           "taken from the count: 1 estimates a population's, 0 is the sample's own"}});
  }
  /// What the squares are divided by; 0 where there are too few.
  double degrees(const Reduction& reduction) const {
    return std::max(0.0, static_cast<double>(reduction.count()) - correction);
  }
};

/// Σ (x - mean)² of a row. The second sum takes off what rounding left in the mean.
template <class T>
double squared_deviations(const T* row, std::int64_t n) {
  if (n == 0) return 0;
  const auto values = Row<T>(row, n).template cast<double>();
  const double mean = row[0] + (values - row[0]).sum() / static_cast<double>(n);
  const double rest = (values - mean).sum();
  return (values - mean).square().sum() - rest * rest / static_cast<double>(n);
}

Cost passes(const Node& node, double flops) {
  const Node& x = *node.edges()[0].node();
  const auto n = static_cast<double>(x.shape.numel());
  return {flops * n, n * static_cast<double>(size_of(x.dtype))};
}

Tensor deviation(const Tensor& x, const Axes& axes) { return x - mean(x, axes, true); }

template <class O>
std::vector<SampleOf<O>> moment_samples(Rng& rng) {
  const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
  return {{{x({3, 4})}, {}},
          {{x({3, 4})}, {{{0}, false}, 0}},
          {{x({2, 3, 4})}, {{{-1}, true}, 1}},
          {{x({2, 3, 2})}, {{{0, 2}, false}, 0.5}},
          {{transpose(x({3, 2}))}, {{{1}, false}, 1}},
          {{x({0, 3})}, {{{1}, false}, 1}}};
}

template <class O>
std::vector<BadInputOf<O>> moment_bad_inputs() {
  return {{{zeros({2, 3})}, {{{2}, false}}, "axis 2 is outside a tensor of rank 2"},
          {{zeros({2, 3})}, {{{1, -1}, false}}, "axis 1 is given twice"}};
}

}  // namespace

namespace ops {

struct Var {
  static constexpr OpInfo info{.name = "var",
                               .formula = "y = Σ (x - mean)² / (n - correction)",
                               .doc = "Variance over axes, in two passes; NaN where n is not above the correction.",
                               .inputs = {"x"},
                               .saves = {.inputs = {0}},
                               .group = Group::reduction};
  using Attrs = MomentAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    return {Reduction("var", x.shape(), a).shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Reduction reduction("var", x.shape(), a);
    const MergedAxes merged = merge_axes(reduction, x);
    const double degrees = a.degrees(reduction);
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::reduce_lanes(merged.slab, merged.x.data<T>().data(), y.mutable_data<T>().data(), [&](const T* row) {
        return static_cast<T>(squared_deviations(row, merged.slab.count) / degrees);
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, Unsaved) {
    const Reduction reduction("var", x.shape(), a);
    return reshape(g, reduction.unit_shape()) * (2 / a.degrees(reduction)) * deviation(x, a.axes);
  }
  static Cost cost(const Attrs&, const Node& node) { return passes(node, 6); }
  static std::vector<SampleOf<Var>> samples(Rng& rng) { return moment_samples<Var>(rng); }
  static std::vector<BadInputOf<Var>> bad_inputs() { return moment_bad_inputs<Var>(); }
};

struct Std {
  static constexpr OpInfo info{.name = "std",
                               .formula = "y = √(Σ (x - mean)² / (n - correction))",
                               .doc = "Standard deviation over axes; gradient 0 where all elements are equal.",
                               .inputs = {"x"},
                               .saves = kSavesAll,
                               .group = Group::reduction};
  using Attrs = MomentAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    return {Reduction("std", x.shape(), a).shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Reduction reduction("std", x.shape(), a);
    const MergedAxes merged = merge_axes(reduction, x);
    const double degrees = a.degrees(reduction);
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::reduce_lanes(merged.slab, merged.x.data<T>().data(), y.mutable_data<T>().data(), [&](const T* row) {
        return static_cast<T>(std::sqrt(std::max(0.0, squared_deviations(row, merged.slab.count)) / degrees));
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, const Tensor& y) {
    const Reduction reduction("std", x.shape(), a);
    const Tensor slope = where(y == 0, 0, g / y * (1 / a.degrees(reduction)));
    return reshape(slope, reduction.unit_shape()) * deviation(x, a.axes);
  }
  static Cost cost(const Attrs&, const Node& node) { return passes(node, 6); }
  static std::vector<SampleOf<Std>> samples(Rng& rng) { return moment_samples<Std>(rng); }
  static std::vector<BadInputOf<Std>> bad_inputs() { return moment_bad_inputs<Std>(); }
};

struct Norm {
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static constexpr OpInfo info{
      .name = "norm",
      .formula = "y = (Σ |x|ᵖ)^(1/p)",
      .doc = "For p = inf the largest magnitude. The gradient is 0 at 0; equal largest magnitudes share it evenly.",
      .inputs = {"x"},
      .saves = kSavesAll,
      .group = Group::reduction};
  struct Attrs : ReductionAttrs {
    double p = 2;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple_cat(std::tuple{Field{"p", &Attrs::p, "above 0; inf for the largest"}},
                            ReductionAttrs::fields());
    }
  };
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    if (!(a.p > 0)) throw ValueError("norm: p is " + format_attribute(a.p) + "; it must be above 0, or inf");
    return {Reduction("norm", x.shape(), a).shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const MergedAxes merged = merge_axes(Reduction("norm", x.shape(), a), x);
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::reduce_lanes(merged.slab, merged.x.data<T>().data(), y.mutable_data<T>().data(),
                            [&](const T* row) { return static_cast<T>(of_row(row, merged.slab.count, a.p)); });
    });
  }

  template <class T>
  static double of_row(const T* row, std::int64_t n, double p) {
    if (n == 0) return 0;
    const auto x = Row<T>(row, n).template cast<double>().abs();
    if (p == 1) return x.sum();
    if (p == 2) {
      const double sum = x.square().sum();
      if (sum > 1e-280 && sum < 1e300) return std::sqrt(sum);
    }
    // Scaled by the largest, so that no power leaves the range.
    const double largest = x.template maxCoeff<Eigen::PropagateNaN>();
    if (p == kInfinity || !(largest > 0 && largest < kInfinity)) return largest;
    return largest * std::pow((x / largest).pow(p).sum(), 1 / p);
  }

  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, const Tensor& y) {
    const Shape unit = Reduction("norm", x.shape(), a).unit_shape();
    const Tensor whole = reshape(y, unit), cotangent = reshape(g, unit);
    if (a.p == 1) return cotangent * sign(x);
    if (a.p == 2) return where(whole == 0, 0, cotangent / whole) * x;
    if (a.p == kInfinity) {
      const Tensor chosen = cast(abs(x.detach()) == whole.detach() || isnan(x), x.dtype());
      return cotangent / sum(chosen, a.axes, true) * chosen * sign(x);
    }
    return where(x == 0, 0, cotangent * sign(x) * pow(abs(x) / whole, a.p - 1));
  }
  static Cost cost(const Attrs& a, const Node& node) { return passes(node, a.p == 1 || a.p == 2 ? 2 : 14); }
  static std::vector<SampleOf<Norm>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({3, 4})}, {}},
            {{x({3, 4})}, {{{0}, false}, 1}},
            {{x({2, 3, 2})}, {{{0, 2}, true}, 3}},
            {{x({2, 3})}, {{{-1}, false}, kInfinity}},
            {{transpose(x({3, 2}))}, {{{1}, false}, 1.5}},
            {{x({})}, {}},
            {{x({0, 3})}, {{{0}, false}, 2}}};
  }
  static std::vector<BadInputOf<Norm>> bad_inputs() {
    return {{{zeros({2, 3})}, {{{2}, false}}, "axis 2 is outside a tensor of rank 2"},
            {{zeros({2, 3})}, {{{}, false}, 0}, "norm: p is 0; it must be above 0, or inf"}};
  }
};

using MomentOps = OpList<Var, Std, Norm>;

}  // namespace ops

using ops::MomentOps;

Tensor var(const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  return MomentOps::apply<ops::Var>(MomentAttrs{{axes, keepdims}, correction}, x);
}
Tensor std(const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  return MomentOps::apply<ops::Std>(MomentAttrs{{axes, keepdims}, correction}, x);
}
Tensor norm(const Tensor& x, double p, const Axes& axes, bool keepdims) {
  return MomentOps::apply<ops::Norm>(ops::Norm::Attrs{{axes, keepdims}, p}, x);
}

std::span<const OpEntry> moment_ops() { return MomentOps::entries; }

}  // namespace tapegrad
