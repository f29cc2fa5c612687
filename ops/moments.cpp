#include <cmath>
#include <limits>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/kernels/norm.hpp>
#include <tapegrad/ops/reduction.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

struct MomentAttrs : ReductionAttrs {
  double correction = 1;
  bool operator==(const MomentAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(ReductionAttrs::fields(),
                          std::tuple{Field{"correction", &MomentAttrs::correction,
                                           "taken from the count: 1 estimates a population's, 0 is the sample's own"}});
  }
  void check(const char* op) const {
    if (!(correction >= 0 && std::isfinite(correction)))
      throw ValueError(std::string(op) + ": the correction is " + format_attribute(correction) +
                       "; it must be zero or more, and finite");
  }
  /// What the squares are divided by; NaN where there are too few, so that value and gradient are.
  double degrees(const Reduction& reduction) const {
    const double degrees = static_cast<double>(reduction.count()) - correction;
    return degrees > 0 ? degrees : std::numeric_limits<double>::quiet_NaN();
  }
};

Cost passes(const Node& node, double flops) {
  const Node& x = *node.edges()[0].node();
  const auto n = static_cast<double>(x.shape.numel());
  return {flops * n, n * static_cast<double>(size_of(x.dtype))};
}

Tensor deviation(const Tensor& x, const Axes& axes) { return x - internal::mean_in_range(x, axes); }

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
    a.check("var");
    return {Reduction("var", x.shape(), a).shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Reduction reduction("var", x.shape(), a);
    const MergedAxes merged = merge_axes(reduction, x);
    const double degrees = a.degrees(reduction);
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::reduce_lanes(merged.slab, merged.x.data<T>().data(), y.mutable_data<T>().data(), [&](const T* row) {
        const kernels::SquaredDeviations squares = kernels::squared_deviations(row, merged.slab.count);
        return static_cast<T>(std::ldexp(squares.sum / degrees, 2 * squares.exponent));
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
    a.check("std");
    return {Reduction("std", x.shape(), a).shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Reduction reduction("std", x.shape(), a);
    const MergedAxes merged = merge_axes(reduction, x);
    const double degrees = a.degrees(reduction);
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::reduce_lanes(merged.slab, merged.x.data<T>().data(), y.mutable_data<T>().data(), [&](const T* row) {
        const kernels::SquaredDeviations squares = kernels::squared_deviations(row, merged.slab.count);
        return static_cast<T>(std::ldexp(std::sqrt(squares.sum / degrees), squares.exponent));
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, const Tensor& y) {
    const Reduction reduction("std", x.shape(), a);
    const Shape unit = reduction.unit_shape();
    const double degrees = a.degrees(reduction);
    if (internal::is_moderate(y, internal::Zeros::rounded))
      return slope(reshape(g, unit), x, reshape(y, unit), a.axes, degrees);
    // It does not depend on the size of x.
    const Tensor near_one = x * internal::scale_to_one(x, a.axes);
    return slope(reshape(g, unit), near_one, stddev(near_one, a.axes, true, a.correction), a.axes, degrees);
  }
  static Tensor slope(const Tensor& g, const Tensor& x, const Tensor& y, const Axes& axes, double degrees) {
    const Tensor factor = where(y == 0, 0, g / y * (1 / degrees));
    if (internal::is_moderate(factor)) return factor * deviation(x, axes);
    return g * (where(y == 0, 0, deviation(x, axes) / y) * (1 / degrees));
  }
  static Cost cost(const Attrs&, const Node& node) { return passes(node, 6); }
  static std::vector<SampleOf<Std>> samples(Rng& rng) { return moment_samples<Std>(rng); }
  static std::vector<BadInputOf<Std>> bad_inputs() { return moment_bad_inputs<Std>(); }
};

using MomentOps = OpList<Var, Std>;

}  // namespace ops

using ops::MomentOps;

Tensor var(const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  return MomentOps::apply<ops::Var>(MomentAttrs{{axes, keepdims}, correction}, x);
}
Tensor stddev(const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  return MomentOps::apply<ops::Std>(MomentAttrs{{axes, keepdims}, correction}, x);
}

std::span<const OpEntry> moment_ops() { return MomentOps::entries; }

}  // namespace tapegrad
