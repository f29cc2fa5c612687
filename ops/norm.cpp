#include <cmath>
#include <limits>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/internal/reduction.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/kernels/norm.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/normalization.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

void require_p(const char* op, double p) {
  if (!(p > 0)) throw ValueError(std::string(op) + ": p is " + format_attribute(p) + "; it must be above 0, or inf");
}

}  // namespace

namespace ops {

struct NormAttrs : ReductionAttrs {
  double p = 2;
  bool operator==(const NormAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(std::tuple{Field{"p", &NormAttrs::p, "above 0; inf for the largest"}},
                          ReductionAttrs::fields());
  }
};

struct Norm : ReductionOp<Norm, NormAttrs> {
  struct Kept {
    Tensor x, y;
  };
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static constexpr OpInfo info{
      .name = "norm",
      .formula = "y = (Σ |x|ᵖ)^(1/p)",
      .doc = "For p = inf the largest magnitude. The gradient is 0 at 0; equal largest magnitudes share it evenly.",
      .group = Group::reduction};
  static void check(const Attrs& a, const In&) { require_p("norm", a.p); }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const MergedAxes merged = merge_axes(over(a, in.x.shape()), in.x);
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      kernels::reduce_lanes(merged.slab, merged.x.data<T>().data(), out.y.mutable_data<T>().data(),
                            [&](const T* row) { return static_cast<T>(kernels::norm(row, merged.slab.count, a.p)); });
    });
    return {in.x, out.y};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const Shape unit = over(a, kept.x.shape()).unit_shape();
    return {gradient(a, kept.x, reshape(kept.y, unit), reshape(g.y, unit))};
  }
  /// `whole`, the norm of x, and its cotangent g have extent 1 for the reduced axes.
  static Tensor gradient(const Attrs& a, const Tensor& x, const Tensor& whole, const Tensor& g) {
    if (a.p == 1) return g * sign(x);
    if (a.p == kInfinity) {
      const Tensor chosen = cast(abs(x.detach()) == whole.detach() || isnan(x), x.dtype());
      return g / sum(chosen, a.axes, true) * chosen * sign(x);
    }
    if (internal::is_moderate(whole)) return slope(a.p, g, x, whole);
    // It does not depend on the size of x.
    const Tensor near_one = x * internal::scale_to_one(x, a.axes);
    return slope(a.p, g, near_one, norm(near_one, a.p, a.axes, true));
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
  static Cost cost(const Attrs& a, const In& in, const Out&) {
    return internal::one_pass(a.p == 1 || a.p == 2 ? 2 : 14, in.x, {in.x});
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

/// Neither pass of the first derivative but the gradient itself stores all differences.
struct Cdist {
  struct In {
    Tensor a, b;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor a, b, y;
  };
  static constexpr OpInfo info{
      .name = "cdist",
      .formula = "y[i, j] = (Σ |a[i, k] - b[j, k]|ᵖ)^(1/p)",
      .doc = "Distances of all pairs of rows, with one batch. The gradient is that of norm: 0 for equal rows.",
      .group = Group::reduction};
  struct Attrs {
    double p = 2;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"p", &Attrs::p, "above 0; inf for the largest"}}; }
  };
  static void check(const Attrs& at, const In& in) {
    require_p("cdist", at.p);
    const Shape &a = in.a.shape(), &b = in.b.shape();
    if (a.rank() < 2 || a.rank() != b.rank() || a != b.with(-2, a[-2]))
      throw ShapeError("cdist: a is " + to_string(a) + " and b " + to_string(b) +
                       "; expected [..., n, d] and [..., m, d] with one batch");
    if (a.rank() == kMaxRank)
      throw ShapeError("cdist: a is " + to_string(a) + ", which leaves no axis for pairs; reshape() its batch");
  }
  static Out shapes(const Attrs&, const In& in) {
    return {op::spec(in.a.shape().with(-1, in.b.shape()[-2]), in.a.dtype())};
  }
  static Kept forward(const Attrs& at, const In& in, Out& out) {
    const std::int64_t n = in.a.shape()[-2], m = in.b.shape()[-2], d = in.a.shape()[-1];
    const std::int64_t rows = m ? out.y.numel() / m : 0;
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      const T *a = in.a.data<T>().data(), *b = in.b.data<T>().data();
      T* y = out.y.mutable_data<T>().data();
      constexpr std::int64_t kElements = 1 << 15;
      for_blocks(rows, rows_of(kElements, m * d), rows * m * d > kElements, [&](std::int64_t begin, std::int64_t end) {
        std::vector<T> difference(static_cast<std::size_t>(d));
        for (std::int64_t i = begin; i < end; ++i)
          for (std::int64_t j = 0; j < m; ++j) {
            const T *from = a + i * d, *other = b + (i / n * m + j) * d;
            for (std::int64_t k = 0; k < d; ++k) difference[static_cast<std::size_t>(k)] = from[k] - other[k];
            y[i * m + j] = static_cast<T>(kernels::norm(difference.data(), d, at.p));
          }
      });
    });
    return {in.a, in.b, out.y};
  }
  static In pull(const Attrs& at, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const Tensor a = unsqueeze(kept.a, -2), b = unsqueeze(kept.b, -3);
    Tensor differences = a - b, whole = unsqueeze(kept.y, -1);
    if (!internal::is_moderate(whole)) {
      // Slopes do not depend on the size: halves of differences that overflow do not.
      const Tensor scale = cast(where(isinf(whole.detach()), 0.5, 1.0), whole.dtype());
      differences = a * scale - b * scale;
      whole = norm(differences, at.p, {-1}, true);
    }
    const Tensor slopes = Norm::gradient({{{-1}, true}, at.p}, differences, whole, unsqueeze(g.y, -1));
    In d;
    if (wanted(&In::a)) d.a = sum(slopes, {-2});
    if (wanted(&In::b)) d.b = -sum(slopes, {-3});
    return d;
  }
  static Cost cost(const Attrs& at, const In& in, const Out& out) {
    Cost cost = internal::one_pass(at.p == 1 || at.p == 2 ? 3 : 15, out.y, {in.a, in.b, out.y});
    cost.flops *= static_cast<double>(in.a.shape()[-1]);
    return cost;
  }
  static std::vector<SampleOf<Cdist>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({3, 2}), x({2, 2})}, {}},
            {{x({2, 3}), x({2, 3})}, {1}},
            {{x({2, 2, 3}), x({2, 1, 3})}, {Norm::kInfinity}},
            {{transpose(x({3, 2})), x({1, 3})}, {1.5}},
            {{x({2, 2}), x({2, 2})}, {3}},
            {{x({2, 0}), x({3, 0})}, {}},
            {{x({0, 2}), x({3, 2})}, {}},
            {{x({3, 2}), x({0, 2})}, {}}};
  }
  static std::vector<BadInputOf<Cdist>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({2, 4})}, {}, "cdist: a is [2, 3] and b [2, 4]; expected [..., n, d]"},
            {{zeros({3}), zeros({3})}, {}, "cdist: a is [3] and b [3]"},
            {{zeros({1, 1, 1, 1, 1, 1, 1, 1}), zeros({1, 1, 1, 1, 1, 1, 1, 1})}, {}, "leaves no axis for pairs"},
            {{zeros({2, 3}), zeros({2, 3})}, {0}, "cdist: p is 0; it must be above 0, or inf"}};
  }
};

struct CosineSimilarity {
  struct In {
    Tensor a, b;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor a, b, y;
  };
  static constexpr OpInfo info{.name = "cosine_similarity",
                               .formula = "y = a·b / (|a| |b|) along an axis",
                               .doc = "In [-1, 1]; lengths below epsilon count as epsilon, also in the gradient.",
                               .group = Group::reduction,
                               .accuracy = {.normwise = true, .reason = "gradients that are differences"}};
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
  static void check(const Attrs& at, const In& in) {
    if (in.a.shape() != in.b.shape())
      throw ShapeError("cosine_similarity: a is " + to_string(in.a.shape()) + " and b " + to_string(in.b.shape()) +
                       "; they must have one shape");
    require_not_negative("cosine_similarity", "epsilon", at.epsilon);
  }
  static Out shapes(const Attrs& at, const In& in) {
    return {op::spec(in.a.shape().erase(axis_of(at, in.a.shape())), in.a.dtype())};
  }
  static Kept forward(const Attrs& at, const In& in, Out& out) {
    const Slab slab = slab_around(in.a.shape(), axis_of(at, in.a.shape()));
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      T* y = out.y.mutable_data<T>().data();
      kernels::for_lane_groups(slab, [&](const kernels::LaneGroup& group) {
        const kernels::LaneReader<T> a(group, in.a.data<T>().data()), b(group, in.b.data<T>().data());
        for (std::int64_t l = 0; l < group.lanes; ++l)
          y[group.first + l] = static_cast<T>(kernels::cosine(a[l], b[l], slab.count, at.epsilon));
      });
    });
    return {in.a, in.b, out.y};
  }
  static In pull(const Attrs& at, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const int axis = axis_of(at, kept.a.shape());
    const Side a(kept.a, axis, at.epsilon), b(kept.b, axis, at.epsilon);
    const Tensor cotangent = unsqueeze(g.y, axis), cosine = unsqueeze(kept.y, axis);
    In d;
    if (wanted(&In::a)) d.a = a.slope(cotangent, b, cosine);
    if (wanted(&In::b)) d.b = b.slope(cotangent, a, cosine);
    return d;
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
    /// g / |u| (v / |v| - y u / |u|), without the second part where |u| counts as epsilon.
    Tensor slope(const Tensor& g, const Side& other, const Tensor& y) const {
      const Tensor along = where(free, y, 0) * (values / length);
      const Tensor slope = g / length * (other.values / other.length - along);
      return scale.defined() ? slope * scale : slope;
    }
    Tensor values, scale, length, free;
  };
  static Cost cost(const Attrs&, const In& in, const Out&) { return internal::one_pass(6, in.a, {in.a, in.b}); }
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

using NormOps = OpList<Norm, Cdist, CosineSimilarity>;

}  // namespace ops

using ops::NormOps;

Tensor norm(const Tensor& x, double p, const Axes& axes, bool keepdims) {
  return NormOps::apply<ops::Norm>({{axes, keepdims}, p}, {x}).y;
}

Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p, bool keepdims) {
  return norm(a - b, p, {-1}, keepdims);
}

Tensor cdist(const Tensor& a, const Tensor& b, double p) {
  if (a.rank() < 2 || b.rank() < 2) return NormOps::apply<ops::Cdist>({p}, {a, b}).y;  // which refuses them
  const auto batch = [](const Shape& s) { return Shape(s.dims().first(static_cast<std::size_t>(s.rank() - 2))); };
  const Shape together = broadcast_shapes("cdist", batch(a.shape()), batch(b.shape()));
  const auto in_batch = [&](const Tensor& t) {
    const Shape rows = together.insert(together.rank(), t.shape()[-2]);
    return broadcast_to(t, rows.insert(rows.rank(), t.shape()[-1]));
  };
  return NormOps::apply<ops::Cdist>({p}, {in_batch(a), in_batch(b)}).y;
}

Tensor normalize(const Tensor& x, double p, int axis, double epsilon) {
  require_not_negative("normalize", "epsilon", epsilon);
  const Tensor length = norm(x, p, {axis}, true);
  if (internal::is_moderate(length)) return x / maximum(length, epsilon);
  const Tensor scale = internal::scale_to_one(x, {axis}, epsilon), near_one = x * scale;
  return near_one / maximum(norm(near_one, p, {axis}, true), scale * epsilon);
}

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int axis, double epsilon) {
  const Shape shape = broadcast_shapes("cosine_similarity", a.shape(), b.shape());
  return NormOps::apply<ops::CosineSimilarity>({axis, epsilon}, {broadcast_to(a, shape), broadcast_to(b, shape)}).y;
}

std::span<const OpEntry> norm_ops() { return NormOps::entries; }

}  // namespace tapegrad
