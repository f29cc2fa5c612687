#include <cmath>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/core/summation.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/cast.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/scan.hpp>
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

Slab slab_of(const char* op, const Tensor& x, int axis) {
  return slab_around(x.shape(), normalized_axis(op, axis, x.rank()));
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

Cost one_pass(const Node& node, double flops) {
  const auto n = static_cast<double>(node.shape.numel());
  return {flops * n, 2 * n * static_cast<double>(size_of(node.dtype))};
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

template <class O>
std::vector<BadInputOf<O>> scan_bad_inputs() {
  std::vector<BadInputOf<O>> bad{
      {{zeros({2, 3})}, {}, std::string(O::info.name) + ": axis 2 is outside a tensor of rank 2"},
      {{zeros({})}, {}, "a scalar has no axes"}};
  bad[0].attributes.axis = 2;
  return bad;
}

}  // namespace

namespace ops {

struct CumSum {
  static constexpr OpInfo info{.name = "cumsum",
                               .formula = "y[i] = x[0] + … + x[i]",
                               .doc = "Running sum along an axis.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::reduction};
  using Attrs = DirectedAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    normalized_axis("cumsum", a.axis, x.rank());
    return {x.shape(), size_of(x.dtype()) == 1 ? i64 : x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& given, Tensor& y) {
    const Tensor x = cast(given, y.dtype());
    const Slab s = slab_of("cumsum", x, a.axis);
    dispatch_wide(y.dtype(), [&]<class T>() {
      kernels::map_lanes(s, x.data<T>().data(), y.mutable_data<T>().data(), [&](const T* row, T* out) {
        Total<T> total = 0;
        walk(s.count, a.reverse,
             [&](std::int64_t i) { out[i] = static_cast<T>(total += static_cast<Total<T>>(row[i])); });
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved, Unsaved) { return cumsum(g, a.axis, !a.reverse); }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 1); }
  static std::vector<SampleOf<CumSum>> samples(Rng& rng) {
    auto all = scan_samples<CumSum>(rng);
    all.push_back({{randn({3, 2}, f64, rng)}, {.axis = 0, .reverse = true}});
    return all;
  }
  static std::vector<BadInputOf<CumSum>> bad_inputs() { return scan_bad_inputs<CumSum>(); }
};

/// Closed under differentiation: its rules are linear scans in the other direction.
struct LinearScan {
  static constexpr OpInfo info{.name = "linear_scan",
                               .formula = "h[i] = a[i] h[i-1] + b[i]",
                               .doc = "A linear recurrence along an axis, from h[-1] = 0.",
                               .inputs = {"a", "b"},
                               .saves = {.inputs = {0}, .output = true},
                               .group = Group::reduction};
  using Attrs = DirectedAttrs;
  static TensorSpec result(const Attrs& attributes, const Tensor& a, const Tensor& b) {
    if (a.shape() != b.shape())
      throw ShapeError("linear_scan: a is " + to_string(a.shape()) + ", b " + to_string(b.shape()) +
                       "; they must have one shape: use broadcast_to()");
    normalized_axis("linear_scan", attributes.axis, a.rank());
    return {a.shape(), a.dtype()};
  }
  static void forward(const Attrs& attributes, const Tensor& a, const Tensor& b, Tensor& h) {
    const Slab s = slab_of("linear_scan", a, attributes.axis);
    dispatch_floating(h.dtype(), [&]<class T>() {
      const T *factors = a.data<T>().data(), *terms = b.data<T>().data();
      T* states = h.mutable_data<T>().data();
      kernels::for_lane_groups(s, [&](const kernels::LaneGroup& group) {
        const kernels::LaneReader<T> factor(group, factors), term(group, terms);
        kernels::LaneWriter<T> state(group, states);
        for (std::int64_t l = 0; l < group.lanes; ++l) {
          const T *a_row = factor[l], *b_row = term[l];
          T* row = state[l];
          bool first = true;  // the first factor is not used: it may be infinite
          Total<T> before = 0;
          walk(s.count, attributes.reverse, [&](std::int64_t i) {
            before =
                std::exchange(first, false) ? Total<T>(b_row[i]) : Total<T>(a_row[i]) * before + Total<T>(b_row[i]);
            row[i] = static_cast<T>(before);
          });
        }
      });
    });
  }
  static Tensor adjoint(const Attrs& attributes, const Tensor& g, const Tensor& a) {
    return linear_scan(shift(a, attributes.axis, attributes.reverse ? 1 : -1), g, attributes.axis, !attributes.reverse);
  }
  static Tensor vjp(wrt<0>, const Attrs& attributes, const Tensor& g, const Tensor& a, Unsaved, const Tensor& h) {
    return adjoint(attributes, g, a) * shift(h, attributes.axis, attributes.reverse ? -1 : 1);
  }
  static Tensor vjp(wrt<1>, const Attrs& attributes, const Tensor& g, const Tensor& a, Unsaved, const Tensor&) {
    return adjoint(attributes, g, a);
  }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 2); }
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

struct CumProd {
  static constexpr OpInfo info{.name = "cumprod",
                               .formula = "y[i] = x[0] · … · x[i]",
                               .doc = "Running product along an axis; the gradient is exact where factors are 0.",
                               .inputs = {"x"},
                               .saves = {.inputs = {0}, .output = true},
                               .kind = Kind::numeric,
                               .group = Group::reduction};
  using Attrs = ScanAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    normalized_axis("cumprod", a.axis, x.rank());
    return {x.shape(), size_of(x.dtype()) == 1 ? i64 : x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& given, Tensor& y) {
    const Tensor x = cast(given, y.dtype());
    const Slab s = slab_of("cumprod", x, a.axis);
    dispatch_wide(y.dtype(), [&]<class T>() {
      kernels::map_lanes(s, x.data<T>().data(), y.mutable_data<T>().data(), [&](const T* row, T* out) {
        Total<T> product = 1;
        for (std::int64_t i = 0; i < s.count; ++i) out[i] = static_cast<T>(product *= static_cast<Total<T>>(row[i]));
      });
    });
  }
  // dx[i] = y[i-1] Σ over j ≥ i of g[j] x[i+1] … x[j]; the sums are a linear scan from the end.
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, const Tensor& y) {
    return before_each(y, a.axis) * linear_scan(shift(x, a.axis, -1), g, a.axis, true);
  }
  static Tensor before_each(const Tensor& y, int axis) {
    return shift(y, axis, 1) + one_at(0, y.shape(), axis, y.dtype());
  }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 1); }
  static std::vector<SampleOf<CumProd>> samples(Rng& rng) {
    auto all = scan_samples<CumProd>(rng);
    all.push_back({{tensor({2, 0, 3, 0, 2}, f64)}, {}});
    return all;
  }
  static std::vector<BadInputOf<CumProd>> bad_inputs() { return scan_bad_inputs<CumProd>(); }
};

struct LogCumSumExp {
  static constexpr OpInfo info{
      .name = "logcumsumexp",
      .formula = "y[i] = ln(exp x[0] + … + exp x[i])",
      .doc = "Running logsumexp along an axis, with a running maximum; gradient 0 where y is -inf.",
      .inputs = {"x"},
      .saves = {.inputs = {0}, .output = true},
      .group = Group::reduction};
  using Attrs = ScanAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    normalized_axis("logcumsumexp", a.axis, x.rank());
    return {x.shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Slab s = slab_of("logcumsumexp", x, a.axis);
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::map_lanes(s, x.data<T>().data(), y.mutable_data<T>().data(), [&](const T* row, T* out) {
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
          out[i] = static_cast<T>(max + std::log(total));
        }
      });
    });
  }
  // With t[i] = Σ over j ≥ i of g[j] exp(y[i] - y[j]), a scan whose factors exp(y[i] - y[i+1]) do not exceed 1,
  // dx = exp(x - y) t. The last factor is not used.
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, const Tensor& y) {
    const Tensor wide_x = cast(x, f64), wide_y = cast(y, f64);  // the factors' rounding would add up
    const Tensor factors = share_of(wide_y, shift(wide_y, a.axis, -1));
    return cast(share_of(wide_x, wide_y) * linear_scan(factors, cast(g, f64), a.axis, true), x.dtype());
  }
  // exp(x - y) for x <= y; 0 where both are -inf, and 1 where both are +inf.
  static Tensor share_of(const Tensor& x, const Tensor& y) {
    const Tensor fixed_x = x.detach(), same = fixed_x == y.detach();
    const Tensor infinite = same && fixed_x * 0 != 0;
    return where(infinite, where(fixed_x > 0, 1, 0), exp(x - y));
  }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 24); }
  static std::vector<SampleOf<LogCumSumExp>> samples(Rng& rng) { return scan_samples<LogCumSumExp>(rng); }
  static std::vector<BadInputOf<LogCumSumExp>> bad_inputs() { return scan_bad_inputs<LogCumSumExp>(); }
};

using ScanOps = OpList<CumSum, LinearScan, CumProd, LogCumSumExp>;

}  // namespace ops

using ops::ScanOps;

Tensor cumsum(const Tensor& x, int axis, bool reverse) {
  return ScanOps::apply<ops::CumSum>(DirectedAttrs{axis, reverse}, x);
}
Tensor cumprod(const Tensor& x, int axis, bool exclusive) {
  const Tensor products = ScanOps::apply<ops::CumProd>(ScanAttrs{axis}, x);
  return exclusive ? ops::CumProd::before_each(products, axis) : products;
}
Tensor logcumsumexp(const Tensor& x, int axis) { return ScanOps::apply<ops::LogCumSumExp>(ScanAttrs{axis}, x); }
Tensor linear_scan(const Tensor& a, const Tensor& b, int axis, bool reverse) {
  return ScanOps::apply<ops::LinearScan>(DirectedAttrs{axis, reverse}, a, b);
}

Tensor shift(const Tensor& x, int axis, std::int64_t by) {
  const std::int64_t n = x.shape()[normalized_axis("shift", axis, x.rank())];
  const std::int64_t moved = std::min(n, by < 0 ? -by : by);
  if (by >= 0) return slice_scatter(slice(x, axis, 0, n - moved), axis, moved, n, 1, n);
  return slice_scatter(slice(x, axis, moved, n), axis, 0, n - moved, 1, n);
}

std::span<const OpEntry> scan_ops() { return ScanOps::entries; }

}  // namespace tapegrad
