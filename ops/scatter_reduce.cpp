#include <algorithm>
#include <numeric>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/places.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

template <bool kLargest>
struct ScatterExtremum : internal::WritesIndexed {
  struct Kept {
    Tensor x, indices, source, y;
  };
  static constexpr OpInfo info{
      .name = kLargest ? "scatter_amax" : "scatter_amin",
      .formula = kLargest ? "y = x; y[…, indices[…, j, …], …] = max(itself, source[…, j, …])"
                          : "y = x; y[…, indices[…, j, …], …] = min(itself, source[…, j, …])",
      .doc =
          "Without include_self, of the source alone where there is one. NaN when one is; equal ones share the "
          "gradient.",
      .kind = Kind::numeric,
      .group = Group::indexing};
  struct Attrs : internal::AxisAttrs {
    bool include_self = true;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple_cat(internal::AxisAttrs::fields(),
                            std::tuple{Field{"include_self", &Attrs::include_self, "whether x counts too"}});
    }
  };
  static void check(const Attrs& a, const In& in) { check_scattered(info.name.data(), a.axis, in); }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Places places(info.name.data(), a.axis, in.x.shape(), in.indices);
    const Tensor dense = in.source.contiguous();
    start_from(in.x, out.y);
    std::vector<std::uint8_t> starts(a.include_self ? 0 : static_cast<std::size_t>(out.y.numel()), 1);
    dispatch(out.y.dtype(), [&]<class T>() {
      const T* from = dense.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      places.for_each([&](std::int64_t i, std::int64_t place) {
        const T value = from[i];
        const bool first = !starts.empty() && std::exchange(starts[static_cast<std::size_t>(place)], 0);
        if (first || value != value || (kLargest ? value > to[place] : value < to[place])) to[place] = value;
      });
    });
    return {in.x, in.indices, in.source, out.y};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const auto& [x, indices, source, y] = kept;
    const DType dtype = g.y.dtype();
    Tensor own = cast(x == y || isnan(x), dtype);
    if (!a.include_self) own = scatter(own, a.axis, indices, zeros_view(indices.shape(), dtype));
    const Tensor given = cast(source == gather(y, a.axis, indices) || isnan(source), dtype);
    const Tensor share = g.y / scatter_add(own, a.axis, indices, given);
    In d;
    if (wanted(&In::x)) d.x = share * own;
    if (wanted(&In::source)) d.source = gather(share, a.axis, indices) * given;
    return d;
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) {
    return internal::one_pass(1, in.source, {in.x, in.source, out.y});
  }
  static std::vector<SampleOf<ScatterExtremum>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    const auto at = [](const std::vector<std::int64_t>& values, const Shape& shape) {
      return reshape(copy_of(values), shape);
    };
    return {{{x({2, 4}), at({3, 0, 3, 1, 1, 1}, {2, 3}), x({2, 3})}, {{1}, true}},
            {{x({2, 4}), at({3, 0, 3, 1, 1, 1}, {2, 3}), x({2, 3})}, {{1}, false}},
            {{transpose(x({2, 3})), cast(at({2, 0}, {1, 2}), i32), x({1, 2})}, {{0}, true}},
            {{x({3}), at({-1, 2, 0, 1}, {4}), x({4})}, {{0}, false}},
            {{x({2, 3}), zeros({2, 0}, i64), zeros({2, 0}, f64)}, {{1}, true}}};
  }
  static std::vector<BadInputOf<ScatterExtremum>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({2, 2}, i64), zeros({2, 3})},
             {{1}},
             std::string(info.name) + ": indices are [2, 2] and source [2, 3]; shapes must be equal"},
            {{zeros({2, 3}), zeros({3, 2}, i64), zeros({3, 2})}, {{1}}, "x is [2, 3] and indices [3, 2]"},
            {{zeros({3}), tensor({3}, i64), zeros({1})}, {{0}}, "indices[0] is 3; expected an index in [-3, 3)"}};
  }
};

using ScatterReduceOps = OpList<ScatterExtremum<true>, ScatterExtremum<false>>;

}  // namespace ops

namespace {

Tensor all_ones(const Shape& shape, DType dtype) { return broadcast_to(scalar(1, dtype), shape); }

/// The elements of x and of source that meet, those of one place after the other.
struct Meetings {
  std::vector<std::int64_t> places;    ///< of x, flattened, that are named
  std::vector<std::int64_t> elements;  ///< of x, then source, both flattened
  std::vector<std::int64_t> ends;      ///< for each of `places` the end of its elements

  Meetings(const char* op, int axis, const Tensor& x, const Tensor& indices, bool include_self) {
    std::vector<std::int64_t> place_of(static_cast<std::size_t>(indices.numel())), order(place_of.size());
    Places(op, axis, x.shape(), indices).for_each([&](std::int64_t i, std::int64_t place) {
      place_of[static_cast<std::size_t>(i)] = place;
    });
    std::iota(order.begin(), order.end(), 0);
    const auto place = [&](std::int64_t i) { return place_of[static_cast<std::size_t>(i)]; };
    std::ranges::stable_sort(order, {}, place);
    for (const std::int64_t i : order) {
      if (places.empty() || places.back() != place(i)) {
        places.push_back(place(i));
        ends.push_back(0);
        if (include_self) elements.push_back(place(i));
      }
      elements.push_back(x.numel() + i);
      ends.back() = static_cast<std::int64_t>(elements.size());
    }
  }
};

/// The product of each run of factors: neighbours are multiplied until one is left, so that a gradient of any order
/// divides by nothing.
Tensor products_of_runs(Tensor factors, std::vector<std::int64_t> ends) {
  while (factors.numel() > static_cast<std::int64_t>(ends.size())) {
    const std::int64_t one = factors.numel();  // where a factor 1 stands
    std::vector<std::int64_t> left, right;
    std::int64_t begin = 0;
    for (std::int64_t& end : ends) {
      for (std::int64_t i = begin; i < end; i += 2) {
        left.push_back(i);
        right.push_back(i + 1 < end ? i + 1 : one);
      }
      begin = std::exchange(end, static_cast<std::int64_t>(left.size()));
    }
    const Tensor extended = concat({factors, ones({1}, factors.dtype())});
    factors = take(factors, copy_of(left), 0) * take(extended, copy_of(right), 0);
  }
  return factors;
}

Tensor scatter_products(int axis, const Tensor& x, const Tensor& indices, const Tensor& source, bool include_self) {
  const Meetings meetings("scatter_reduce", axis, x, indices, include_self);
  const Tensor factors = take(concat({flatten(x), flatten(source)}), copy_of(meetings.elements), 0);
  const Tensor products = products_of_runs(factors, meetings.ends);
  return reshape(scatter(flatten(x), 0, copy_of(meetings.places), products), x.shape());
}

}  // namespace

Tensor scatter_reduce(const Tensor& x, int axis, const Tensor& indices, const Tensor& source, ScatterReduce reduction,
                      bool include_self) {
  using ops::ScatterReduceOps;
  check_scattered("scatter_reduce", axis, {x, indices, source});
  const DType dtype = promote(x.dtype(), source.dtype());
  // Neutral where the source alone counts.
  const auto without_self = [&](const Tensor& t) {
    return include_self ? t : scatter(t, axis, indices, zeros_view(indices.shape(), t.dtype()));
  };
  const auto sums = [&] { return scatter_add(without_self(x), axis, indices, source); };
  switch (reduction) {
    case ScatterReduce::sum:
      return sums();
    case ScatterReduce::mean:
      return sums() /
             scatter_add(without_self(all_ones(x.shape(), i64)), axis, indices, all_ones(indices.shape(), i64));
    case ScatterReduce::prod:
      return scatter_products(axis, cast(x, dtype), indices, cast(source, dtype), include_self);
    case ScatterReduce::amax:
      return ScatterReduceOps::apply<ops::ScatterExtremum<true>>({{axis}, include_self}, {x, indices, source}).y;
    case ScatterReduce::amin:
      return ScatterReduceOps::apply<ops::ScatterExtremum<false>>({{axis}, include_self}, {x, indices, source}).y;
  }
  throw ValueError("scatter_reduce: reduction " + std::to_string(static_cast<int>(reduction)) +
                   "; expected one of ScatterReduce");
}

std::span<const OpEntry> scatter_reduce_ops() { return ops::ScatterReduceOps::entries; }

}  // namespace tapegrad
