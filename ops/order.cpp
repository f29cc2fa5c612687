#include <algorithm>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/order.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

/// a < b, where NaN is the largest.
template <class T>
bool before(T a, T b) {
  return a < b || (b != b && a == a);
}

template <class T>
struct Placed {
  T value;
  std::int64_t index;
};

/// The first `count` positions of the row in order.
template <class T>
void order_row(const T* row, std::int64_t n, bool descending, std::vector<Placed<T>>& scratch, std::int64_t count,
               std::int64_t* out) {
  scratch.resize(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) scratch[static_cast<std::size_t>(i)] = {row[i], i};
  const auto in_order = [descending](const Placed<T>& a, const Placed<T>& b) {
    const T& first = descending ? b.value : a.value;
    const T& second = descending ? a.value : b.value;
    return before(first, second) || (a.index < b.index && !before(second, first));
  };
  if (count < n)
    std::partial_sort(scratch.begin(), scratch.begin() + count, scratch.end(), in_order);
  else
    std::sort(scratch.begin(), scratch.end(), in_order);
  for (std::int64_t i = 0; i < count; ++i) out[i] = scratch[static_cast<std::size_t>(i)].index;
}

}  // namespace

namespace ops {

struct ArgSort : internal::Unary {
  static constexpr OpInfo info{.name = "argsort",
                               .formula = "y = positions that put x in order",
                               .doc = "Stable; a NaN is larger than all numbers.",
                               .kind = Kind::numeric,
                               .differentiable = false,
                               .group = Group::indexing};
  static constexpr std::int64_t kAll = -1;
  struct Attrs {
    int axis = -1;
    bool descending = false;
    std::int64_t count = kAll;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"axis", &Attrs::axis, "to sort along"},
                        Field{"descending", &Attrs::descending, "the largest first"},
                        Field{"count", &Attrs::count, "positions wanted, from the front; -1 for all"}};
    }
  };
  static int axis_of(const Attrs& a, const In& in) { return normalized_axis("argsort", a.axis, in.x.rank()); }

  static void check(const Attrs& a, const In& in) {
    const int axis = axis_of(a, in);
    const std::int64_t extent = in.x.shape()[axis];
    if (a.count != kAll && (a.count < 0 || a.count > extent))
      throw ValueError("argsort: " + std::to_string(a.count) + " positions of axis " + std::to_string(axis) +
                       " of shape " + to_string(in.x.shape()) + "; it has " + std::to_string(extent));
  }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& x = in.x.shape();
    return {op::spec(a.count == kAll ? x : x.with(axis_of(a, in), a.count), i64)};
  }
  static void forward(const Attrs& a, const In& in, Out& out) {
    const int axis = axis_of(a, in);
    const Slab from = slab_around(in.x.shape(), axis), to = slab_around(out.y.shape(), axis);
    std::int64_t* positions = out.y.mutable_data<std::int64_t>().data();
    dispatch(in.x.dtype(), [&]<class T>() {
      kernels::for_lane_groups(from, [&](const kernels::LaneGroup& group) {
        const kernels::LaneGroup written{to, group.first, group.lanes};
        const kernels::LaneReader<T> rows(group, in.x.data<T>().data());
        kernels::LaneWriter<std::int64_t> ordered(written, positions);
        std::vector<Placed<T>> scratch;
        for (std::int64_t l = 0; l < group.lanes; ++l)
          order_row(rows[l], from.count, a.descending, scratch, to.count, ordered[l]);
      });
    });
  }
  static std::vector<SampleOf<ArgSort>> samples(Rng& rng) {
    return {{{randn({3, 4}, f64, rng)}, {}},
            {{randn({2, 5, 2}, f64, rng)}, {.axis = 1, .descending = true, .count = 3}},
            {{transpose(randn({3, 2}, f64, rng))}, {.axis = 0}},
            {{zeros({0, 3}, f64)}, {}},
            {{zeros({3, 0}, f64)}, {}}};
  }
  static std::vector<BadInputOf<ArgSort>> bad_inputs() {
    return {{{zeros({2, 3})}, {.axis = 2}, "argsort: axis 2 is outside a tensor of rank 2"},
            {{zeros({})}, {}, "a scalar has no axes"},
            {{zeros({2, 3})}, {.count = 4}, "argsort: 4 positions of axis 1 of shape [2, 3]; it has 3"}};
  }
};

using OrderOps = OpList<ArgSort>;

}  // namespace ops

namespace {

Tensor positions(const Tensor& x, int axis, bool descending, std::int64_t count) {
  return ops::OrderOps::apply<ops::ArgSort>({axis, descending, count}, {x}).y;
}

void check_rank(const char* op, const char* what, std::int64_t k, std::int64_t least, const Tensor& x, int axis) {
  const std::int64_t extent = x.shape()[axis];
  if (k < least || k > extent)
    throw ValueError(std::string(op) + ": " + what + " is " + std::to_string(k) + " on axis " + std::to_string(axis) +
                     " of shape " + to_string(x.shape()) + "; it must be in [" + std::to_string(least) + ", " +
                     std::to_string(extent) + "]");
}

}  // namespace

Tensor argsort(const Tensor& x, int axis, bool descending) {
  return positions(x, axis, descending, ops::ArgSort::kAll);
}

ValuesAndIndices sort(const Tensor& x, int axis, bool descending) {
  const Tensor indices = argsort(x, axis, descending);
  return {gather(x, axis, indices), indices};
}

ValuesAndIndices topk(const Tensor& x, std::int64_t k, int axis, bool largest) {
  axis = normalized_axis("topk", axis, x.rank());
  check_rank("topk", "k", k, 0, x, axis);
  const Tensor indices = positions(x, axis, largest, k);
  return {gather(x, axis, indices), indices};
}

ValuesAndIndices kthvalue(const Tensor& x, std::int64_t k, int axis, bool keepdims) {
  axis = normalized_axis("kthvalue", axis, x.rank());
  check_rank("kthvalue", "k", k, 1, x, axis);
  const Tensor indices = slice(positions(x, axis, false, k), axis, k - 1);
  const Tensor values = gather(x, axis, indices);
  if (keepdims) return {values, indices};
  return {squeeze(values, axis), squeeze(indices, axis)};
}

Tensor median(const Tensor& x, int axis, bool keepdims) {
  axis = normalized_axis("median", axis, x.rank());
  const std::int64_t n = x.shape()[axis];
  if (n == 0)
    throw ValueError("median: axis " + std::to_string(axis) + " of shape " + to_string(x.shape()) + " is empty");
  const Tensor middle = slice(positions(x, axis, false, n / 2 + 1), axis, (n - 1) / 2);
  Tensor medians = mean(gather(x, axis, middle), {axis}, keepdims);
  if (!is_floating(x.dtype())) return medians;
  return where(any(isnan(x), {axis}, keepdims), std::numeric_limits<double>::quiet_NaN(), medians);
}

Tensor median(const Tensor& x) { return median(flatten(x), 0); }

Unique unique(const Tensor& x) {
  const Tensor flat = flatten(x), order = argsort(flat, 0);
  const auto sorted = order.data<std::int64_t>();
  std::vector<std::int64_t> first, counts;
  Tensor inverse = empty(x.shape(), i64);
  const auto place = inverse.mutable_data<std::int64_t>();
  const Tensor dense = flat.contiguous();
  dispatch(x.dtype(), [&]<class T>() {
    const auto values = dense.data<T>();
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const auto at = static_cast<std::size_t>(sorted[i]);
      if (first.empty() || before(values[static_cast<std::size_t>(first.back())], values[at])) {
        first.push_back(sorted[i]);
        counts.push_back(0);
      }
      ++counts.back();
      place[at] = static_cast<std::int64_t>(first.size()) - 1;
    }
  });
  return {take(flat, copy_of(first)), inverse, copy_of(counts)};
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right) {
  const Shape &from = sorted.shape(), &wanted = values.shape();
  const bool one_row = from.rank() == 1;
  if (from.rank() == 0 || (!one_row && (wanted.rank() != from.rank() || wanted.with(-1, from[-1]) != from)))
    throw ShapeError("searchsorted: sorted is " + to_string(from) + " and values " + to_string(wanted) +
                     "; expected a vector, or the extents of values but for the last axis");
  const DType dtype = promote(sorted.dtype(), values.dtype());
  const Tensor rows = cast(sorted, dtype).to_dense().contiguous(), sought = cast(values, dtype).to_dense().contiguous();
  Tensor places = empty(wanted, i64);
  const auto to = places.mutable_data<std::int64_t>();
  const auto width = static_cast<std::size_t>(from[-1]);
  const std::size_t each = one_row ? to.size() : static_cast<std::size_t>(wanted[-1]);
  dispatch(dtype, [&]<class T>() {
    const auto all = rows.data<T>(), v = sought.data<T>();
    for (std::size_t i = 1; i < all.size(); ++i)
      if (i % width != 0 && before(all[i], all[i - 1]))
        throw ValueError("searchsorted: sorted" + place_in(from, static_cast<std::int64_t>(i)) +
                         " is less than the element before it; sort() it first");
    for (std::size_t i = 0; i < to.size(); ++i) {
      const auto row = all.subspan(i / each * width, width);
      const auto place = right ? std::upper_bound(row.begin(), row.end(), v[i], before<T>)
                               : std::lower_bound(row.begin(), row.end(), v[i], before<T>);
      to[i] = place - row.begin();
    }
  });
  return places;
}

std::span<const OpEntry> order_ops() { return ops::OrderOps::entries; }

}  // namespace tapegrad
