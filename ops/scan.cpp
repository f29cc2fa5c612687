#include <cmath>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <utility>

namespace tapegrad {
namespace {

struct ScanAttrs {
  int axis = 0;
  bool operator==(const ScanAttrs&) const = default;
  static constexpr auto fields() { return std::tuple{Field{"axis", &ScanAttrs::axis, "along which it runs"}}; }
};

struct DirectedAttrs {
  int axis = 0;
  bool reverse = false;
  bool operator==(const DirectedAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"axis", &DirectedAttrs::axis, "along which it runs"},
                      Field{"reverse", &DirectedAttrs::reverse, "from the end"}};
  }
};

/// As dispatch, for a result's dtype: small integers have been widened.
template <class F>
void dispatch_wide(DType dtype, const F& f) {
  dispatch(dtype, [&]<class T>() {
    if constexpr (sizeof(T) > 1) f.template operator()<T>();
  });
}

DType widened(DType dtype) { return size_of(dtype) == 1 ? i64 : dtype; }

Slab slab_of(const OpInfo& op, const Tensor& x, int axis) {
  return slab_around(x.shape(), normalized_axis(op.name.data(), axis, x.rank()));
}

template <class Body>
void walk(std::int64_t n, bool reverse, const Body& body) {
  for (std::int64_t i = 0; i < n; ++i) body(reverse ? n - 1 - i : i);
}

/// 1 at a position of an axis, else 0; broadcasts to `shape`.
Tensor one_at(std::int64_t position, const Shape& shape, int axis, DType dtype) {
  axis = normalized_axis("scan", axis, shape.rank());
  Shape along(std::vector<std::int64_t>(static_cast<std::size_t>(shape.rank()), 1));
  Tensor one = zeros(along.with(axis, shape[axis]), dtype);
  if (shape[axis] > 0) select(one, axis, position).fill(1);
  return one;
}

template <class O>
std::vector<SampleOf<O>> scan_samples(Rng& rng) {
  const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
  std::vector<SampleOf<O>> all{
      {{x({4})}, {}}, {{x({3, 4})}, {}}, {{x({2, 3, 2})}, {}}, {{x({3, 4})}, {}}, {{transpose(x({4, 3}))}, {}},
      {{x({1})}, {}}, {{x({0, 3})}, {}}, {{x({2, 0})}, {}}};
  all[2].attributes.axis = 1;
  all[3].attributes.axis = -1;
  all[7].attributes.axis = 1;
  return all;
}

/// What scans of one tensor declare alike.
template <class Self, class A>
struct ScanOp : internal::Unary {
  using Attrs = A;
  static void check(const A& a, const In& in) { normalized_axis(Self::info.name.data(), a.axis, in.x.rank()); }
  static Out shapes(const A&, const In& in) { return {op::spec(in.x.shape(), widened(in.x.dtype()))}; }
  static std::vector<SampleOf<Self>> samples(Rng& rng) { return scan_samples<Self>(rng); }
  static std::vector<BadInputOf<Self>> bad_inputs() {
    std::vector<BadInputOf<Self>> bad{
        {{zeros({2, 3})}, {}, std::string(Self::info.name) + ": axis 2 is outside a tensor of rank 2"},
        {{zeros({})}, {}, "a scalar has no axes"}};
    bad[0].attributes.axis = 2;
    return bad;
  }
};

}  // namespace

namespace ops {

struct CumSum : ScanOp<CumSum, DirectedAttrs> {
  static constexpr OpInfo info{.name = "cumsum",
                               .formula = "y[i] = x[0] + … + x[i]",
                               .doc = "Running sum along an axis.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::reduction};
  static void forward(const Attrs& a, const In& in, Out& out) {
    const Tensor x = cast(in.x, out.y.dtype());
    const Slab s = slab_of(info, x, a.axis);
    dispatch_wide(out.y.dtype(), [&]<class T>() {
      kernels::map_lanes(s, x.data<T>().data(), out.y.mutable_data<T>().data(), [&](const T* row, T* y) {
        Total<T> total = 0;
        walk(s.count, a.reverse,
             [&](std::int64_t i) { y[i] = static_cast<T>(total += static_cast<Total<T>>(row[i])); });
      });
    });
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) { return {cumsum(g.y, a.axis, !a.reverse)}; }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(1, out.y, {in.x, out.y}); }
  static std::vector<SampleOf<CumSum>> samples(Rng& rng) {
    auto all = scan_samples<CumSum>(rng);
    all.push_back({{randn({3, 2}, f64, rng)}, {.axis = 0, .reverse = true}});
    return all;
  }
};

/// Closed under differentiation: its gradient is a linear scan in the other direction.
struct LinearScan {
  struct In {
    Tensor a, b;
  };
  struct Out {
    Tensor h;
  };
  struct Kept {
    Tensor a, h;  ///< h for the gradient of a
  };
  using Attrs = DirectedAttrs;
  static constexpr OpInfo info{.name = "linear_scan",
                               .formula = "h[i] = a[i] h[i-1] + b[i]",
                               .doc = "A linear recurrence along an axis, from h[-1] = 0.",
                               .group = Group::reduction};
  static void check(const Attrs& at, const In& in) {
    if (in.a.shape() != in.b.shape())
      throw ShapeError("linear_scan: a is " + to_string(in.a.shape()) + ", b " + to_string(in.b.shape()) +
                       "; they must have one shape: use broadcast_to()");
    normalized_axis("linear_scan", at.axis, in.a.rank());
  }
  static Out shapes(const Attrs&, const In& in) { return {op::spec(in.a.shape(), in.a.dtype())}; }
  static Kept forward(const Attrs& at, const In& in, Out& out) {
    const Slab s = slab_of(info, in.a, at.axis);
    dispatch_floating(out.h.dtype(), [&]<class T>() {
      const T *factors = in.a.data<T>().data(), *terms = in.b.data<T>().data();
      T* states = out.h.mutable_data<T>().data();
      kernels::for_lane_groups(s, [&](const kernels::LaneGroup& group) {
        const kernels::LaneReader<T> factor(group, factors), term(group, terms);
        kernels::LaneWriter<T> state(group, states);
        for (std::int64_t l = 0; l < group.lanes; ++l) {
          const T *a_row = factor[l], *b_row = term[l];
          T* row = state[l];
          bool first = true;  // the first factor is not used: it may be infinite
          Total<T> before = 0;
          walk(s.count, at.reverse, [&](std::int64_t i) {
            before =
                std::exchange(first, false) ? Total<T>(b_row[i]) : Total<T>(a_row[i]) * before + Total<T>(b_row[i]);
            row[i] = static_cast<T>(before);
          });
        }
      });
    });
    return {in.a, op::keep_for(in.a, out.h)};
  }
  static In pull(const Attrs& at, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const int back = at.reverse ? 1 : -1;
    In d;
    d.b = linear_scan(shift(kept.a, at.axis, back), g.h, at.axis, !at.reverse);
    if (!wanted(&In::a)) return d;
    // The first factor is not used: its slope is 0 whatever stands beside it.
    const Tensor behind = shift(d.b, at.axis, back), slopes = behind * kept.h;
    const bool beyond = !internal::is_far_from_infinity(kept.h);  // 0 times an infinite state
    d.a = shift(beyond ? where(behind == 0, 0, slopes) : slopes, at.axis, -back);
    return d;
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) {
    return internal::one_pass(2, out.h, {in.a, in.b, out.h});
  }
  static std::vector<SampleOf<LinearScan>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    const Tensor same = x({3});
    return {{{x({4}), x({4})}, {}},
            {{x({3, 2}), x({3, 2})}, {.axis = 0, .reverse = true}},
            {{x({2, 3, 2}), x({2, 3, 2})}, {.axis = 1}},
            {{transpose(x({3, 2})), x({2, 3})}, {.axis = -1}},
            {{same, same}, {}},
            {{x({0, 2}), x({0, 2})}, {}}};
  }
  static std::vector<BadInputOf<LinearScan>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({3})}, {}, "linear_scan: a is [2, 3], b [3]; they must have one shape"},
            {{zeros({2}), zeros({2})}, {.axis = 1}, "axis 1 is outside"}};
  }
};

struct CumProd : ScanOp<CumProd, ScanAttrs> {
  struct Kept {
    Tensor x, y;
  };
  static constexpr OpInfo info{.name = "cumprod",
                               .formula = "y[i] = x[0] · … · x[i]",
                               .doc = "Running product along an axis; the gradient is exact where factors are 0.",
                               .kind = Kind::numeric,
                               .group = Group::reduction};
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Tensor x = cast(in.x, out.y.dtype());
    const Slab s = slab_of(info, x, a.axis);
    dispatch_wide(out.y.dtype(), [&]<class T>() {
      kernels::map_lanes(s, x.data<T>().data(), out.y.mutable_data<T>().data(), [&](const T* row, T* y) {
        Total<T> product = 1;
        for (std::int64_t i = 0; i < s.count; ++i) y[i] = static_cast<T>(product *= static_cast<Total<T>>(row[i]));
      });
    });
    return {in.x, out.y};
  }
  // dx[i] = y[i-1] Σ over j ≥ i of g[j] x[i+1] … x[j]; the sums are a linear scan from the end.
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const Tensor x = internal::in_range_of_products(kept.x, kept.x.shape()[a.axis]);
    const Tensor y = x.same_as(kept.x) ? kept.y : cumprod(x, a.axis);
    const Tensor sums = linear_scan(shift(x, a.axis, -1), cast(g.y, x.dtype()), a.axis, true);
    return {cast(before_each(y, a.axis) * sums, kept.x.dtype())};
  }
  static Tensor before_each(const Tensor& y, int axis) {
    return shift(y, axis, 1) + one_at(0, y.shape(), axis, y.dtype());
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(1, out.y, {in.x, out.y}); }
  static std::vector<SampleOf<CumProd>> samples(Rng& rng) {
    auto all = scan_samples<CumProd>(rng);
    all.push_back({{tensor({2, 0, 3, 0, 2}, f64)}, {}});
    return all;
  }
};

struct LogCumSumExp : ScanOp<LogCumSumExp, ScanAttrs> {
  struct Kept {
    Tensor x, y;
  };
  static constexpr OpInfo info{
      .name = "logcumsumexp",
      .formula = "y[i] = ln(exp x[0] + … + exp x[i])",
      .doc = "Running logsumexp along an axis, with a running maximum; gradient 0 where y is -inf.",
      .group = Group::reduction};
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Slab s = slab_of(info, in.x, a.axis);
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      kernels::map_lanes(s, in.x.data<T>().data(), out.y.mutable_data<T>().data(), [&](const T* row, T* y) {
        constexpr double kInfinity = std::numeric_limits<double>::infinity();
        double max = -kInfinity, total = 0;  // Σ exp(x - max)
        for (std::int64_t i = 0; i < s.count; ++i) {
          const auto v = static_cast<double>(row[i]);
          if (v == max)
            total += v == -kInfinity ? 0 : 1;
          else if (v < max)
            total += std::exp(v - max);
          else
            total = total * std::exp(max - v) + 1, max = v;
          y[i] = static_cast<T>(max + std::log(total));
        }
      });
    });
    return {in.x, out.y};
  }
  // With t[i] = Σ over j ≥ i of g[j] exp(y[i] - y[j]), a scan whose factors exp(y[i] - y[i+1]) do not exceed 1,
  // dx = exp(x - y) t. The last factor is not used.
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const Tensor x = cast(kept.x, f64), y = cast(kept.y, f64);  // the factors' rounding would add up
    const Tensor factors = share_of(y, shift(y, a.axis, -1));
    return {cast(share_of(x, y) * linear_scan(factors, cast(g.y, f64), a.axis, true), kept.x.dtype())};
  }
  // exp(x - y) for x <= y; 0 where both are -inf, and 1 where both are +inf.
  static Tensor share_of(const Tensor& x, const Tensor& y) {
    const Tensor fixed_x = x.detach(), same = fixed_x == y.detach();
    const Tensor infinite = same && fixed_x * 0 != 0;
    return where(infinite, where(fixed_x > 0, 1, 0), exp(x - y));
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(24, out.y, {in.x, out.y}); }
};

/// The gradient goes through gather(), to where the values come from.
template <bool kLargest>
struct CumPosition : ScanOp<CumPosition<kLargest>, ScanAttrs> {
  using typename internal::Unary::In, typename internal::Unary::Out;
  static constexpr OpInfo info{.name = kLargest ? "cummax_positions" : "cummin_positions",
                               .formula = kLargest ? "y[i] = the last position of max x[0] … x[i]"
                                                   : "y[i] = the last position of min x[0] … x[i]",
                               .doc = "From the first NaN on, the position of the last NaN.",
                               .kind = Kind::numeric,
                               .differentiable = false,
                               .group = Group::reduction};
  static Out shapes(const ScanAttrs&, const In& in) { return {op::spec(in.x.shape(), i64)}; }
  static void forward(const ScanAttrs& a, const In& in, Out& out) {
    const Slab s = slab_of(info, in.x, a.axis);
    dispatch(in.x.dtype(), [&]<class T>() {
      kernels::map_lanes(s, in.x.data<T>().data(), out.y.mutable_data<std::int64_t>().data(),
                         [&](const T* row, std::int64_t* y) {
                           std::int64_t best = 0;
                           for (std::int64_t i = 0; i < s.count; ++i) {
                             if (row[i] != row[i] || (kLargest ? row[i] >= row[best] : row[i] <= row[best])) best = i;
                             y[i] = best;
                           }
                         });
    });
  }
  static Cost cost(const ScanAttrs&, const In& in, const Out& out) {
    return internal::one_pass(1, out.y, {in.x, out.y});
  }
};

using ScanOps = OpList<CumSum, LinearScan, CumProd, LogCumSumExp, CumPosition<true>, CumPosition<false>>;

}  // namespace ops

using ops::ScanOps;

Tensor cumsum(const Tensor& x, int axis, bool reverse) { return ScanOps::apply<ops::CumSum>({axis, reverse}, {x}).y; }
Tensor cumprod(const Tensor& x, int axis, bool exclusive) {
  const Tensor products = ScanOps::apply<ops::CumProd>({axis}, {x}).y;
  return exclusive ? ops::CumProd::before_each(products, axis) : products;
}
Tensor logcumsumexp(const Tensor& x, int axis) { return ScanOps::apply<ops::LogCumSumExp>({axis}, {x}).y; }
Tensor linear_scan(const Tensor& a, const Tensor& b, int axis, bool reverse) {
  return ScanOps::apply<ops::LinearScan>({axis, reverse}, {a, b}).h;
}

namespace {

template <bool kLargest>
ValuesAndIndices running_extremum(const Tensor& x, int axis) {
  const Tensor positions = ScanOps::apply<ops::CumPosition<kLargest>>({axis}, {x}).y;
  return {gather(x, axis, positions), positions};
}

}  // namespace

ValuesAndIndices cummax(const Tensor& x, int axis) { return running_extremum<true>(x, axis); }
ValuesAndIndices cummin(const Tensor& x, int axis) { return running_extremum<false>(x, axis); }

Tensor shift(const Tensor& x, int axis, std::int64_t by) {
  const std::int64_t n = x.shape()[normalized_axis("shift", axis, x.rank())];
  const std::int64_t moved = std::min(n, by < 0 ? -by : by);
  if (by >= 0) return slice_scatter(slice(x, axis, 0, n - moved), axis, moved, n, 1, n);
  return slice_scatter(slice(x, axis, moved, n), axis, 0, n - moved, 1, n);
}

std::span<const OpEntry> scan_ops() { return ScanOps::entries; }

}  // namespace tapegrad
