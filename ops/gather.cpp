#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/indexed.hpp>
#include <tapegrad/ops/internal/places.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

Tensor index_grid(std::initializer_list<double> values, const Shape& shape) { return tensor(values, shape, i64); }

}  // namespace

namespace ops {

struct Gather : internal::ReadsIndexed {
  static constexpr OpInfo info{.name = "gather",
                               .formula = "y[…, j, …] = x[…, indices[…, j, …], …]",
                               .doc = "One element of an axis for each index.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::indexing};
  static void check(const Attrs& a, const In& in) { check_places("gather", a.axis, in.x, in.indices); }
  static Out shapes(const Attrs&, const In& in) { return {op::spec(in.indices.shape(), in.x.dtype())}; }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Places places("gather", a.axis, in.x.shape(), in.indices);
    dispatch(in.x.dtype(), [&]<class T>() {
      const T* from = in.x.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      places.for_each([&](std::int64_t i, std::int64_t place) { to[i] = from[place]; });
    });
    return {in.indices};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    return {scatter_add(zeros_view(wanted.shape(&In::x), g.y.dtype()), a.axis, kept.indices, g.y), {}};
  }
  static std::vector<SampleOf<Gather>> samples(Rng& rng) {
    return {{{randn({2, 4}, f64, rng), index_grid({3, 0, 3, 1, 1, -1}, {2, 3})}, {1}},
            {{transpose(randn({2, 3}, f64, rng)), tensor({2, 0}, Shape{1, 2}, i32)}, {0}},
            {{randn({2, 2, 3}, f64, rng), index_grid({1, 0, 0, 1}, {1, 2, 2})}, {-2}},
            {{randn({3}, f64, rng), tensor({2, 2, 0, 1}, i64)}, {0}},
            {{randn({2, 3}, f64, rng), zeros({2, 0}, i64)}, {1}}};
  }
  static std::vector<BadInputOf<Gather>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({2}, i64)}, {0}, "gather: x is [2, 3] and indices [2]; expected the same rank"},
            {{zeros({2, 3}), zeros({2, 4}, i64)}, {0}, "extents no larger except on axis 0"},
            {{zeros({2, 3}), index_grid({0, 1, 2, 3}, {2, 2})}, {1}, "gather: indices[1, 1] is 3; expected an index "},
            {{zeros({2, 3}), zeros({2, 2})}, {1}, "'indices' is f32 [2, 2]; indices are i64 or i32"}};
  }
};

struct ScatterAdd : internal::WritesIndexed {
  static constexpr OpInfo info{.name = "scatter_add",
                               .formula = "y = x; y[…, indices[…, j, …], …] += source[…, j, …]",
                               .doc = "The adjoint of gather; what meets in one place adds up.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::indexing};
  static void check(const Attrs& a, const In& in) { check_scattered("scatter_add", a.axis, in); }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Places places("scatter_add", a.axis, in.x.shape(), in.indices);
    const Tensor dense = in.source.contiguous();
    start_from(in.x, out.y);
    dispatch(out.y.dtype(), [&]<class T>() {
      const T* from = dense.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      std::vector<std::uint8_t> counts = scatter_counts<T>(out.y.numel(), dense.numel());
      places.for_each_part([&](const auto& walk) {
        ScatteredSums<T> sums(to, 1, counts.empty() ? nullptr : counts.data());
        walk([&](std::int64_t i, std::int64_t place) { sums.add(place, from + i); });
        sums.finish();
      });
    });
    return {in.indices};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    d.x = g.y;
    if (wanted(&In::source)) d.source = gather(g.y, a.axis, kept.indices);
    return d;
  }
  static std::vector<SampleOf<ScatterAdd>> samples(Rng& rng) {
    return {{{randn({2, 4}, f64, rng), index_grid({3, 0, 3, 1, 1, 1}, {2, 3}), randn({2, 3}, f64, rng)}, {1}},
            {{transpose(randn({2, 3}, f64, rng)), tensor({2, 0}, Shape{1, 2}, i32), randn({1, 2}, f64, rng)}, {0}},
            {{randn({3}, f64, rng), tensor({-1, 2, 0, 1}, i64), randn({4}, f64, rng)}, {0}},
            {{randn({2, 3}, f64, rng), zeros({2, 0}, i64), zeros({2, 0}, f64)}, {1}}};
  }
  static std::vector<BadInputOf<ScatterAdd>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({2, 2}, i64), zeros({2, 3})}, {1}, "indices are [2, 2] and source [2, 3]; shapes "},
            {{zeros({2, 3}), zeros({3, 2}, i64), zeros({3, 2})}, {1}, "scatter_add: x is [2, 3] and indices [3, 2]"}};
  }
};

struct Scatter : internal::WritesIndexed {
  static constexpr OpInfo info{.name = "scatter",
                               .formula = "y = x; y[…, indices[…, j, …], …] = source[…, j, …]",
                               .doc = "Of several written to one place the last one stands, and takes the gradient.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::indexing};
  static void check(const Attrs& a, const In& in) { check_scattered("scatter", a.axis, in); }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Places places("scatter", a.axis, in.x.shape(), in.indices);
    const Tensor dense = in.source.contiguous();
    start_from(in.x, out.y);
    dispatch(out.y.dtype(), [&]<class T>() {
      const T* from = dense.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      places.for_each([&](std::int64_t i, std::int64_t place) { to[place] = from[i]; });
    });
    return {in.indices};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const Tensor& indices = kept.indices;
    In d;
    if (wanted(&In::x)) d.x = scatter(g.y, a.axis, indices, zeros_view(indices.shape(), g.y.dtype()));
    if (wanted(&In::source)) {
      const Tensor order = reshape(arange(indices.numel()), indices.shape());
      const Tensor last = scatter(zeros_view(g.y.shape(), i64), a.axis, indices, order);
      d.source = where(gather(last, a.axis, indices) == order, gather(g.y, a.axis, indices), 0);
    }
    return d;
  }
  static std::vector<SampleOf<Scatter>> samples(Rng& rng) {
    return {{{randn({2, 4}, f64, rng), index_grid({3, 0, 3, 1, 1, 2}, {2, 3}), randn({2, 3}, f64, rng)}, {1}},
            {{transpose(randn({2, 3}, f64, rng)), tensor({2, 0}, Shape{1, 2}, i32), randn({1, 2}, f64, rng)}, {0}},
            {{randn({3}, f64, rng), tensor({-1, 0}, i64), randn({2}, f64, rng)}, {0}},
            {{randn({2, 3}, f64, rng), zeros({2, 0}, i64), zeros({2, 0}, f64)}, {1}}};
  }
  static std::vector<BadInputOf<Scatter>> bad_inputs() {
    return {
        {{zeros({2, 3}), zeros({2, 2}, i64), zeros({2, 3})}, {1}, "scatter: indices are [2, 2] and source [2, 3]"},
        {{zeros({3}), tensor({3}, i64), zeros({1})}, {0}, "scatter: indices[0] is 3; expected an index in [-3, 3)"}};
  }
};

using GatherOps = OpList<Gather, ScatterAdd, Scatter>;

}  // namespace ops

using ops::GatherOps;

Tensor gather(const Tensor& x, int axis, const Tensor& indices) {
  return GatherOps::apply<ops::Gather>({axis}, {x, indices}).y;
}

Tensor scatter(const Tensor& x, int axis, const Tensor& indices, const Tensor& source) {
  return GatherOps::apply<ops::Scatter>({axis}, {x, indices, source}).y;
}

Tensor scatter_add(const Tensor& x, int axis, const Tensor& indices, const Tensor& source) {
  return GatherOps::apply<ops::ScatterAdd>({axis}, {x, indices, source}).y;
}

std::span<const OpEntry> gather_ops() { return GatherOps::entries; }

}  // namespace tapegrad
