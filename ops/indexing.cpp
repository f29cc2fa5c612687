#include <tapegrad/core/create.hpp>
#include <tapegrad/core/row_sparse.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/positions.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

struct AxisAttrs {
  int axis = 0;
  bool operator==(const AxisAttrs&) const = default;
  static constexpr auto fields() { return std::tuple{Field{"axis", &AxisAttrs::axis, "that the indices refer to"}}; }
};

Shape taken_shape(const Shape& x, int axis, const Shape& indices) {
  if (x.rank() - 1 + indices.rank() > kMaxRank)
    throw ShapeError("take: indices of shape " + to_string(indices) + " in place of axis " + std::to_string(axis) +
                     " of " + to_string(x) + " make more than " + std::to_string(kMaxRank) + " axes");
  Integers dims(x.begin(), x.begin() + axis);
  dims.insert(dims.end(), indices.begin(), indices.end());
  dims.insert(dims.end(), x.begin() + axis + 1, x.end());
  return Shape(dims);
}

Cost moved(const Node& node) {
  return {0, 2.0 * static_cast<double>(node.shape.numel()) * static_cast<double>(size_of(node.dtype))};
}

Tensor ids(std::initializer_list<double> values) { return tensor(values, i64); }

}  // namespace

namespace ops {

struct Take {
  static constexpr OpInfo info{.name = "take",
                               .formula = "y[…, j, …] = x[…, indices[j], …]",
                               .doc = "Positions of one axis; the indices' axes stand in its place.",
                               .inputs = {"x", "indices"},
                               .saves = {.inputs = {1}},
                               .kind = Kind::numeric,
                               .fixed = {1},
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = AxisAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x, const Tensor& indices) {
    return {taken_shape(x.shape(), normalized_axis("take", a.axis, x.rank()), indices.shape()), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, const Tensor& indices, Tensor& y) {
    const AxisView v(x.shape(), normalized_axis("take", a.axis, x.rank()));
    const Tensor checked = checked_indices("take", "indices", indices, v.extent);
    const auto positions = positions_of(checked);
    const auto count = static_cast<std::int64_t>(positions.size());
    if (y.numel() == 0) return;
    constexpr std::int64_t kParallelElements = 1 << 17;
    const bool parallel = y.numel() >= kParallelElements;
    const std::int64_t block = std::max<std::int64_t>(1, kParallelElements / 8 / v.inner);
    const std::int64_t blocks = (count + block - 1) / block;
    dispatch(x.dtype(), [&]<class T>() {
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      for_chunks(v.outer * blocks, parallel, [&](std::int64_t c) {
        const std::int64_t o = c / blocks, begin = c % blocks * block, n = std::min(block, count - begin);
        take_rows(from + o * v.extent * v.inner,
                  positions.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n)), v.inner,
                  to + (o * count + begin) * v.inner);
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved x, const Tensor& indices, Unsaved) {
    return index_add(zeros_view(x.shape(), x.dtype()), a.axis, indices, g);
  }
  static Cost cost(const Attrs&, const Node& node) { return moved(node); }
  static std::vector<SampleOf<Take>> samples(Rng& rng) {
    return {{{randn({4, 3}, f64, rng), ids({2, 0, 2})}, {0}},
            {{randn({2, 4}, f64, rng), tensor({-1, 0, 3, 3}, Shape{2, 2}, i64)}, {1}},
            {{transpose(randn({2, 3}, f64, rng)), tensor({1, 2}, i32)}, {-2}},
            {{randn({3}, f64, rng), scalar(1, i64)}, {0}},
            {{randn({3, 2}, f64, rng), zeros({0}, i64)}, {0}},
            {{randn({2, 0}, f64, rng), ids({1, 1})}, {0}}};
  }
  static std::vector<BadInputOf<Take>> bad_inputs() {
    return {{{zeros({3, 2}), tensor({0, 1, 1, 3}, Shape{2, 2}, i64)}, {0}, "take: indices[1, 1] is 3; expected an "},
            {{zeros({3, 2}), ids({-4})}, {0}, "indices[0] is -4; expected an index in [-3, 3)"},
            {{zeros({3}), zeros({1}, f32)}, {0}, "take: 'indices' is f32 [1]; indices are i64 or i32"},
            {{zeros({0, 2}), ids({0})}, {0}, "indices[0] is 0; expected an index in [0, 0)"},
            {{zeros({3, 2}), ids({0})}, {2}, "axis 2 is outside a tensor of rank 2"},
            {{zeros({1, 1, 1, 1, 1}), zeros({1, 1, 1, 1, 1}, i64)}, {0}, "more than 8 axes"}};
  }
};

struct IndexAdd {
  static constexpr OpInfo info{.name = "index_add",
                               .formula = "y = x; y[…, indices[j], …] += source[…, j, …]",
                               .doc = "The adjoint of take; repeated indices add up in order.",
                               .inputs = {"x", "indices", "source"},
                               .saves = {.inputs = {1}},
                               .kind = Kind::numeric,
                               .fixed = {1},
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = AxisAttrs;
  static constexpr bool takes_strides = true;
  static TensorSpec result(const Attrs& a, const Tensor& x, const Tensor& indices, const Tensor& source) {
    const int axis = normalized_axis("index_add", a.axis, x.rank());
    const Shape wanted = taken_shape(x.shape(), axis, indices.shape());
    if (source.shape() != wanted)
      throw ShapeError("index_add: source is " + to_string(source.shape()) + "; indices " + to_string(indices.shape()) +
                       " on axis " + std::to_string(axis) + " of x " + to_string(x.shape()) + " take " +
                       to_string(wanted));
    return {x.shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, const Tensor& indices, const Tensor& source, Tensor& y) {
    const AxisView v(x.shape(), normalized_axis("index_add", a.axis, x.rank()));
    const Tensor checked = checked_indices("index_add", "indices", indices, v.extent);
    const auto positions = positions_of(checked);
    const Tensor dense = source.contiguous();
    start_from(x, y);
    const std::int64_t step = static_cast<std::int64_t>(positions.size()) * v.inner;
    constexpr std::int64_t kParallelElements = 1 << 17;
    dispatch(y.dtype(), [&]<class T>() {
      const T* from = dense.data<T>().data();
      T* to = y.mutable_data<T>().data();
      for_chunks(v.outer, v.outer >= 8 && v.outer * step >= kParallelElements, [&](std::int64_t o) {
        add_rows(from + o * step, positions, v.inner, to + o * v.extent * v.inner, v.extent);
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved, const Tensor&, Unsaved, Unsaved) { return g; }
  static Tensor vjp(wrt<2>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& indices, Unsaved, Unsaved) {
    return take(g, indices, a.axis);
  }
  static Cost cost(const Attrs&, const Node& node) { return moved(node); }
  static std::vector<SampleOf<IndexAdd>> samples(Rng& rng) {
    return {{{randn({4, 3}, f64, rng), ids({2, 0, 2}), randn({3, 3}, f64, rng)}, {0}},
            {{randn({2, 3}, f64, rng), tensor({-1, 0}, i32), transpose(randn({2, 2}, f64, rng))}, {1}},
            {{randn({3}, f64, rng), scalar(1, i64), randn({}, f64, rng)}, {0}},
            {{randn({2, 2}, f64, rng), zeros({0}, i64), zeros({0, 2}, f64)}, {0}}};
  }
  static std::vector<BadInputOf<IndexAdd>> bad_inputs() {
    return {{{zeros({3, 2}), ids({0, 1}), zeros({3, 2})}, {0}, "source is [3, 2]; indices [2] on axis 0 of x [3, 2] "},
            {{zeros({3, 2}), ids({5}), zeros({1, 2})}, {0}, "index_add: indices[0] is 5"}};
  }
};

using IndexingOps = OpList<Take, IndexAdd>;

}  // namespace ops

using ops::IndexingOps;

Tensor take(const Tensor& x, const Tensor& indices, int axis) {
  return IndexingOps::apply<ops::Take>(AxisAttrs{axis}, x, indices);
}

Tensor take(const Tensor& x, const Tensor& indices) { return take(flatten(x), indices, 0); }

Tensor index_select(const Tensor& x, int axis, const Tensor& indices) {
  if (indices.rank() != 1)
    throw ShapeError("index_select: indices are " + to_string(indices.shape()) +
                     "; one axis is expected, take() accepts any");
  return take(x, indices, axis);
}

Tensor index_add(const Tensor& x, int axis, const Tensor& indices, const Tensor& source) {
  return IndexingOps::apply<ops::IndexAdd>(AxisAttrs{axis}, x, indices, source);
}

std::span<const OpEntry> indexing_ops() { return IndexingOps::entries; }

}  // namespace tapegrad
