#include <tapegrad/core/create.hpp>
#include <tapegrad/core/summation.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/gather.hpp>
#include <tapegrad/ops/positions.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

struct AxisAttrs {
  int axis = 0;
  bool operator==(const AxisAttrs&) const = default;
  static constexpr auto fields() { return std::tuple{Field{"axis", &AxisAttrs::axis, "that the indices refer to"}}; }
};

int checked_axis(const char* op, int axis, const Tensor& x, const Tensor& indices) {
  axis = normalized_axis(op, axis, x.rank());
  bool fits = indices.rank() == x.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = i == axis || indices.shape()[i] <= x.shape()[i];
  if (!fits)
    throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) + " and indices " + to_string(indices.shape()) +
                     "; expected the same rank, and extents no larger except on axis " + std::to_string(axis) +
                     " (take() accepts indices of any shape)");
  return axis;
}

void check_source(const char* op, const Tensor& indices, const Tensor& source) {
  if (source.shape() != indices.shape())
    throw ShapeError(std::string(op) + ": indices are " + to_string(indices.shape()) + " and source " +
                     to_string(source.shape()) + "; shapes must be equal");
}

/// Where in x the indices point.
class Places {
 public:
  Places(const char* op, int axis, const Shape& x, const Tensor& indices)
      : of_(indices.shape(), axis), step_(AxisView(x, axis).inner) {
    indices_ = checked_indices(op, "indices", indices, x[axis]);
    outer_ = offsets(indices.shape(), x, 0, axis);
    inner_ = offsets(indices.shape(), x, axis + 1, x.rank());
  }

  /// Calls `visit(i, place)` for each index i in row-major order; parts that share no place run on several threads.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for_each_part([&](const auto& walk) { walk(visit); });
  }

  /// Calls `body(walk)` for each of those parts; `walk(visit)` then visits the part.
  template <class Body>
  void for_each_part(const Body& body) const {
    if (indices_.numel() == 0) return;
    const std::int64_t* index = positions_of(indices_).data();
    const std::int64_t block = of_.extent * of_.inner;
    constexpr std::int64_t kParallelElements = 1 << 16, kParts = 16;
    const auto walk = [&](std::int64_t begin, std::int64_t end, const auto& visit) {
      std::int64_t i = begin * block;
      for (std::int64_t o = begin; o < end; ++o) {
        const std::int64_t base = outer_[static_cast<std::size_t>(o)];
        if (of_.inner == 1) {
          for (std::int64_t j = 0; j < of_.extent; ++j, ++i) visit(i, base + index[i] * step_);
          continue;
        }
        for (std::int64_t j = 0; j < of_.extent; ++j)
          for (std::int64_t k = 0; k < of_.inner; ++k, ++i)
            visit(i, base + index[i] * step_ + inner_[static_cast<std::size_t>(k)]);
      }
    };
    const std::int64_t parts = indices_.numel() < kParallelElements || of_.outer < kParts ? 1 : kParts;
    for_chunks(parts, parts > 1, [&](std::int64_t c) {
      body([&](const auto& visit) { walk(of_.outer * c / parts, of_.outer * (c + 1) / parts, visit); });
    });
  }

 private:
  // Offsets in x of all positions of `shape`'s axes from `first` to before `last`.
  static std::vector<std::int64_t> offsets(const Shape& shape, const Shape& x, int first, int last) {
    const Strides strides = row_major_strides(x);
    std::vector<std::int64_t> all{0};
    for (int axis = first; axis < last; ++axis) {
      std::vector<std::int64_t> next;
      next.reserve(all.size() * static_cast<std::size_t>(shape[axis]));
      for (const std::int64_t offset : all)
        for (std::int64_t i = 0; i < shape[axis]; ++i)
          next.push_back(offset + i * strides[static_cast<std::size_t>(axis)]);
      all = std::move(next);
    }
    return all;
  }

  AxisView of_;
  std::int64_t step_;
  Tensor indices_;
  std::vector<std::int64_t> outer_, inner_;
};

Cost moved(const Node& node) {
  return {0, 2.0 * static_cast<double>(node.shape.numel()) * static_cast<double>(size_of(node.dtype))};
}

Tensor index_grid(std::initializer_list<double> values, const Shape& shape) { return tensor(values, shape, i64); }

}  // namespace

namespace ops {

struct Gather {
  static constexpr OpInfo info{.name = "gather",
                               .formula = "y[…, j, …] = x[…, indices[…, j, …], …]",
                               .doc = "One element of an axis for each index.",
                               .inputs = {"x", "indices"},
                               .saves = {.inputs = {1}},
                               .kind = Kind::numeric,
                               .fixed = {1},
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = AxisAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x, const Tensor& indices) {
    checked_axis("gather", a.axis, x, indices);
    return {indices.shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, const Tensor& indices, Tensor& y) {
    const Places places("gather", normalized_axis("gather", a.axis, x.rank()), x.shape(), indices);
    dispatch(x.dtype(), [&]<class T>() {
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      places.for_each([&](std::int64_t i, std::int64_t place) { to[i] = from[place]; });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved x, const Tensor& indices, Unsaved) {
    return scatter_add(zeros_view(x.shape(), x.dtype()), a.axis, indices, g);
  }
  static Cost cost(const Attrs&, const Node& node) { return moved(node); }
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

struct ScatterAdd {
  static constexpr OpInfo info{.name = "scatter_add",
                               .formula = "y = x; y[…, indices[…, j, …], …] += source[…, j, …]",
                               .doc = "The adjoint of gather; what meets in one place adds up.",
                               .inputs = {"x", "indices", "source"},
                               .saves = {.inputs = {1}},
                               .kind = Kind::numeric,
                               .fixed = {1},
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = AxisAttrs;
  static constexpr bool takes_strides = true;
  static TensorSpec result(const Attrs& a, const Tensor& x, const Tensor& indices, const Tensor& source) {
    checked_axis("scatter_add", a.axis, x, indices);
    check_source("scatter_add", indices, source);
    return {x.shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, const Tensor& indices, const Tensor& source, Tensor& y) {
    const Places places("scatter_add", normalized_axis("scatter_add", a.axis, x.rank()), x.shape(), indices);
    const Tensor dense = source.contiguous();
    start_from(x, y);
    dispatch(x.dtype(), [&]<class T>() {
      const T* from = dense.data<T>().data();
      T* to = y.mutable_data<T>().data();
      std::vector<std::uint8_t> counts = scatter_counts<T>(y.numel(), dense.numel());
      places.for_each_part([&](const auto& walk) {
        ScatteredSums<T> sums(to, 1, counts.empty() ? nullptr : counts.data());
        walk([&](std::int64_t i, std::int64_t place) { sums.add(place, from + i); });
        sums.finish();
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved, const Tensor&, Unsaved, Unsaved) { return g; }
  static Tensor vjp(wrt<2>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& indices, Unsaved, Unsaved) {
    return gather(g, a.axis, indices);
  }
  static Cost cost(const Attrs&, const Node& node) { return moved(node); }
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

struct Scatter {
  static constexpr OpInfo info{.name = "scatter",
                               .formula = "y = x; y[…, indices[…, j, …], …] = source[…, j, …]",
                               .doc = "Of several written to one place the last one stands, and takes the gradient.",
                               .inputs = {"x", "indices", "source"},
                               .saves = {.inputs = {1}},
                               .kind = Kind::numeric,
                               .fixed = {1},
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = AxisAttrs;
  static constexpr bool takes_strides = true;
  static TensorSpec result(const Attrs& a, const Tensor& x, const Tensor& indices, const Tensor& source) {
    checked_axis("scatter", a.axis, x, indices);
    check_source("scatter", indices, source);
    return {x.shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, const Tensor& indices, const Tensor& source, Tensor& y) {
    const Places places("scatter", normalized_axis("scatter", a.axis, x.rank()), x.shape(), indices);
    const Tensor dense = source.contiguous();
    start_from(x, y);
    dispatch(x.dtype(), [&]<class T>() {
      const T* from = dense.data<T>().data();
      T* to = y.mutable_data<T>().data();
      places.for_each([&](std::int64_t i, std::int64_t place) { to[place] = from[i]; });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& indices, Unsaved, Unsaved) {
    return scatter(g, a.axis, indices, zeros_view(indices.shape(), g.dtype()));
  }
  static Tensor vjp(wrt<2>, const Attrs& a, const Tensor& g, Unsaved x, const Tensor& indices, Unsaved, Unsaved) {
    const Tensor order = reshape(arange(indices.numel()), indices.shape());
    const Tensor last = scatter(zeros_view(x.shape(), i64), a.axis, indices, order);
    return where(gather(last, a.axis, indices) == order, gather(g, a.axis, indices), 0);
  }
  static Cost cost(const Attrs&, const Node& node) { return moved(node); }
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
  return GatherOps::apply<ops::Gather>(AxisAttrs{axis}, x, indices);
}

Tensor scatter(const Tensor& x, int axis, const Tensor& indices, const Tensor& source) {
  return GatherOps::apply<ops::Scatter>(AxisAttrs{axis}, x, indices, source);
}

Tensor scatter_add(const Tensor& x, int axis, const Tensor& indices, const Tensor& source) {
  return GatherOps::apply<ops::ScatterAdd>(AxisAttrs{axis}, x, indices, source);
}

std::span<const OpEntry> gather_ops() { return GatherOps::entries; }

}  // namespace tapegrad
