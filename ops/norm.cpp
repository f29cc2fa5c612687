#include <cmath>
#include <limits>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/kernels/norm.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduction.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

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
                            [&](const T* row) { return static_cast<T>(kernels::norm(row, merged.slab.count, a.p)); });
    });
  }

  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, const Tensor& y) {
    const Shape unit = Reduction("norm", x.shape(), a).unit_shape();
    const Tensor whole = reshape(y, unit), cotangent = reshape(g, unit);
    if (a.p == 1) return cotangent * sign(x);
    if (a.p == kInfinity) {
      const Tensor chosen = cast(abs(x.detach()) == whole.detach() || isnan(x), x.dtype());
      return cotangent / sum(chosen, a.axes, true) * chosen * sign(x);
    }
    if (internal::is_moderate(whole)) return slope(a.p, cotangent, x, whole);
    // It does not depend on the size of x.
    const Tensor near_one = x * internal::scale_to_one(x, a.axes);
    return slope(a.p, cotangent, near_one, norm(near_one, a.p, a.axes, true));
  }
  static Tensor slope(double p, const Tensor& g, const Tensor& x, const Tensor& whole) {
    if (p == 2) {
      const Tensor factor = where(whole == 0, 0, g / whole);
      return internal::is_moderate(factor) ? factor * x : g * where(whole == 0, 0, x / whole);
    }
    // Powers of the small do not underflow where the quotient would, as long as they are below the first.
    const Tensor power = p < 2 ? pow(abs(x), p - 1) / pow(whole, p - 1) : pow(abs(x) / whole, p - 1);
    return where(x == 0, 0, g * sign(x) * power);
  }
  static Cost cost(const Attrs& a, const Node& node) {
    const Node& x = *node.edges()[0].node();
    const auto n = static_cast<double>(x.shape.numel());
    return {(a.p == 1 || a.p == 2 ? 2 : 14) * n, n * static_cast<double>(size_of(x.dtype))};
  }
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

struct CosineSimilarity {
  static constexpr OpInfo info{.name = "cosine_similarity",
                               .formula = "y = a·b / (|a| |b|) along an axis",
                               .doc = "In [-1, 1]; lengths below epsilon count as epsilon, also in the gradient.",
                               .inputs = {"a", "b"},
                               .saves = kSavesAll,
                               .group = Group::reduction};
  struct Attrs {
    std::int64_t axis = -1;
    double epsilon = 1e-8;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"axis", &Attrs::axis, "that goes away"},
                        Field{"epsilon", &Attrs::epsilon, "least length; not below 0"}};
    }
  };
  static int axis_of(const Attrs& a, const Shape& shape) {
    return normalized_axis("cosine_similarity", a.axis, shape.rank());
  }
  static TensorSpec result(const Attrs& at, const Tensor& a, const Tensor& b) {
    if (a.shape() != b.shape())
      throw ShapeError("cosine_similarity: a is " + to_string(a.shape()) + " and b " + to_string(b.shape()) +
                       "; they must have one shape");
    require_not_negative("cosine_similarity", "epsilon", at.epsilon);
    return {a.shape().erase(axis_of(at, a.shape())), a.dtype()};
  }
  static void forward(const Attrs& at, const Tensor& a, const Tensor& b, Tensor& y) {
    const Slab slab = slab_around(a.shape(), axis_of(at, a.shape()));
    const Tensor left = a.contiguous(), right = b.contiguous();
    dispatch_floating(y.dtype(), [&]<class T>() {
      T* out = y.mutable_data<T>().data();
      kernels::for_lane_groups(slab, [&](const kernels::LaneGroup& group) {
        const kernels::LaneReader<T> first(group, left.data<T>().data()), second(group, right.data<T>().data());
        for (std::int64_t l = 0; l < group.lanes; ++l)
          out[group.first + l] = static_cast<T>(kernels::cosine(first[l], second[l], slab.count, at.epsilon));
      });
    });
  }

  static Tensor vjp(wrt<0>, const Attrs& at, const Tensor& g, const Tensor& a, const Tensor& b, const Tensor& y) {
    return slope(at, g, a, b, y);
  }
  static Tensor vjp(wrt<1>, const Attrs& at, const Tensor& g, const Tensor& a, const Tensor& b, const Tensor& y) {
    return slope(at, g, b, a, y);
  }
  /// Of the first argument: g / |u| (v / |v| - y u / |u|), without the second part where |u| counts as epsilon.
  static Tensor slope(const Attrs& at, const Tensor& g, const Tensor& u, const Tensor& v, const Tensor& y) {
    const int axis = axis_of(at, u.shape());
    const Side own(u, axis, at.epsilon), other(v, axis, at.epsilon);
    const Tensor direction = other.values / other.length;
    const Tensor along = where(own.free, unsqueeze(y, axis), 0) * (own.values / own.length);
    const Tensor slope = unsqueeze(g, axis) / own.length * (direction - along);
    return own.scale.defined() ? slope * own.scale : slope;
  }
  /// Vectors and their lengths, both multiplied by powers of two where they are not moderate.
  struct Side {
    Side(const Tensor& x, int axis, double epsilon) : values(x), length(norm(x, 2, {axis}, true)) {
      Tensor least = scalar(epsilon, x.dtype());
      if (!internal::is_moderate(length)) {
        scale = internal::scale_to_one(x, {axis}, epsilon);
        values = x * scale;
        length = norm(values, 2, {axis}, true);
        least = scale * epsilon;
      }
      free = length > least;
      length = where(free, length, least);
    }
    Tensor values, scale, length, free;
  };
  static Cost cost(const Attrs&, const Node& node) {
    const Node& a = *node.edges()[0].node();
    const auto n = static_cast<double>(a.shape.numel());
    return {6 * n, 2 * n * static_cast<double>(size_of(a.dtype))};
  }
  static std::vector<SampleOf<CosineSimilarity>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({3, 4}), x({3, 4})}, {}},
            {{x({2, 3, 2}), x({2, 3, 2})}, {1}},
            {{x({2, 3}), x({2, 3})}, {-1, 100}},
            {{transpose(x({3, 2})), x({2, 3})}, {0}},
            {{x({4}), x({4})}, {}},
            {{x({0, 3}), x({0, 3})}, {}},
            {{x({2, 0}), x({2, 0})}, {}}};
  }
  static std::vector<BadInputOf<CosineSimilarity>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({3})}, {}, "cosine_similarity: a is [2, 3] and b [3]; they must have one shape"},
            {{zeros({2}), zeros({2})}, {1}, "axis 1 is outside a tensor of rank 1"},
            {{zeros({2}), zeros({2})}, {std::int64_t{1} << 32}, "axis 4294967296 is outside a tensor of rank 1"},
            {{zeros({2}), zeros({2})}, {0, -1}, "cosine_similarity: epsilon is -1; it must be finite and not below 0"}};
  }
};

using NormOps = OpList<Norm, CosineSimilarity>;

}  // namespace ops

using ops::NormOps;

Tensor norm(const Tensor& x, double p, const Axes& axes, bool keepdims) {
  return NormOps::apply<ops::Norm>(ops::Norm::Attrs{{axes, keepdims}, p}, x);
}

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int axis, double epsilon) {
  const Shape shape = broadcast_shapes("cosine_similarity", a.shape(), b.shape());
  return NormOps::apply<ops::CosineSimilarity>(ops::CosineSimilarity::Attrs{axis, epsilon}, broadcast_to(a, shape),
                                               broadcast_to(b, shape));
}

std::span<const OpEntry> norm_ops() { return NormOps::entries; }

}  // namespace tapegrad
