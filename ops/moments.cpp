#include <cmath>
#include <limits>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/internal/reduction.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/kernels/norm.hpp>
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
  /// What the squares are divided by; NaN where there are too few, so that value and gradient are.
  double degrees(const Reduction& reduction) const {
    const double degrees = static_cast<double>(reduction.count()) - correction;
    return degrees > 0 ? degrees : std::numeric_limits<double>::quiet_NaN();
  }
};

Tensor deviation(const Tensor& x, const Axes& axes) { return x - mean(x, axes, true); }

/// What both moments declare alike.
template <class Self>
struct Moment : ReductionOp<Self, MomentAttrs> {
  using In = internal::Unary::In;
  using Out = internal::Unary::Out;

  static void check(const MomentAttrs& a, const In&) {
    if (!(a.correction >= 0 && std::isfinite(a.correction)))
      throw ValueError(std::string(Self::info.name) + ": the correction is " + format_attribute(a.correction) +
                       "; it must be zero or more, and finite");
  }
  static Cost cost(const MomentAttrs&, const In& in, const Out&) { return internal::one_pass(6, in.x, {in.x}); }
  /// result(squares, degrees) of each lane's squared deviations.
  template <class Result>
  static void compute(const MomentAttrs& a, const Tensor& x, Tensor& y, const Result& result) {
    const Reduction reduction = Moment::over(a, x.shape());
    const MergedAxes merged = merge_axes(reduction, x);
    const double degrees = a.degrees(reduction);
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::reduce_lanes(merged.slab, merged.x.data<T>().data(), y.mutable_data<T>().data(), [&](const T* row) {
        return static_cast<T>(result(kernels::squared_deviations(row, merged.slab.count), degrees));
      });
    });
  }
  static std::vector<SampleOf<Self>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({3, 4})}, {}},
            {{x({3, 4})}, {{{0}, false}, 0}},
            {{x({2, 3, 4})}, {{{-1}, true}, 1}},
            {{x({2, 3, 2})}, {{{0, 2}, false}, 0.5}},
            {{transpose(x({3, 2}))}, {{{1}, false}, 1}},
            {{x({0, 3})}, {{{1}, false}, 1}}};
  }
  static std::vector<BadInputOf<Self>> bad_inputs() {
    return {
        {{zeros({2, 3})}, {{{2}, false}}, "axis 2 is outside a tensor of rank 2"},
        {{zeros({2, 3})}, {{{1, -1}, false}}, "axis 1 is given twice"},
        {{zeros({2, 3})}, {{}, -1}, std::string(Self::info.name) + ": the correction is -1; it must be zero or more"}};
  }
};

}  // namespace

namespace ops {

struct Var : Moment<Var> {
  struct Kept {
    Tensor x, y;
  };
  static constexpr OpInfo info{.name = "var",
                               .formula = "y = Σ (x - mean)² / (n - correction)",
                               .doc = "Variance over axes, in two passes; NaN where n is not above the correction.",
                               .group = Group::reduction};
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    compute(a, in.x, out.y, [](const kernels::SquaredDeviations& squares, double degrees) {
      return std::ldexp(squares.sum / degrees, 2 * squares.exponent);
    });
    return {in.x, out.y};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const auto& [x, y] = kept;
    const Reduction reduction = over(a, x.shape());
    const Tensor factor = reshape(g.y, reduction.unit_shape()) * (2 / a.degrees(reduction));
    if (internal::is_far_from_infinity(y)) return {factor * deviation(x, a.axes)};
    // Elements far apart differ by more than the range holds.
    return {factor * 2 * deviation(x * 0.5, a.axes)};
  }
};

struct Std : Moment<Std> {
  struct Kept {
    Tensor x, y;
  };
  static constexpr OpInfo info{.name = "std",
                               .formula = "y = √(Σ (x - mean)² / (n - correction))",
                               .doc = "Standard deviation over axes; gradient 0 where all elements are equal.",
                               .group = Group::reduction};
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    compute(a, in.x, out.y, [](const kernels::SquaredDeviations& squares, double degrees) {
      return std::ldexp(std::sqrt(squares.sum / degrees), squares.exponent);
    });
    return {in.x, out.y};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const auto& [x, y] = kept;
    const Reduction reduction = over(a, x.shape());
    const Shape unit = reduction.unit_shape();
    const double degrees = a.degrees(reduction);
    if (internal::is_moderate(y, internal::Zeros::rounded))
      return {slope(reshape(g.y, unit), x, reshape(y, unit), a.axes, degrees)};
    // It does not depend on the size of x.
    const Tensor near_one = x * internal::scale_to_one(x, a.axes);
    return {slope(reshape(g.y, unit), near_one, stddev(near_one, a.axes, true, a.correction), a.axes, degrees)};
  }
  static Tensor slope(const Tensor& g, const Tensor& x, const Tensor& y, const Axes& axes, double degrees) {
    const Tensor factor = where(y == 0, 0, g / y * (1 / degrees));
    if (internal::is_moderate(factor)) return factor * deviation(x, axes);
    return g * (where(y == 0, 0, deviation(x, axes) / y) * (1 / degrees));
  }
};

using MomentOps = OpList<Var, Std>;

}  // namespace ops

using ops::MomentOps;

Tensor var(const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  return MomentOps::apply<ops::Var>({{axes, keepdims}, correction}, {x}).y;
}
Tensor stddev(const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  return MomentOps::apply<ops::Std>({{axes, keepdims}, correction}, {x}).y;
}

std::span<const OpEntry> moment_ops() { return MomentOps::entries; }

}  // namespace tapegrad
