#include <tapegrad/core/create.hpp>
#include <tapegrad/core/row_sparse.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/indexed.hpp>
#include <tapegrad/ops/positions.hpp>
#include <tapegrad/ops/slab.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

Shape taken_shape(const Shape& x, int axis, const Shape& indices) {
  if (x.rank() - 1 + indices.rank() > kMaxRank)
    throw ShapeError("take: indices of shape " + to_string(indices) + " in place of axis " + std::to_string(axis) +
                     " of " + to_string(x) + " make more than " + std::to_string(kMaxRank) + " axes");
  Integers dims(x.begin(), x.begin() + axis);
  dims.insert(dims.end(), indices.begin(), indices.end());
  dims.insert(dims.end(), x.begin() + axis + 1, x.end());
  return Shape(dims);
}

Tensor ids(std::initializer_list<double> values) { return tensor(values, i64); }

}  // namespace

namespace ops {

struct Take : internal::ReadsIndexed {
  static constexpr OpInfo info{.name = "take",
                               .formula = "y[…, j, …] = x[…, indices[j], …]",
                               .doc = "Positions of one axis; the indices' axes stand in its place.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::indexing};
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& x = in.x.shape();
    return {op::spec(taken_shape(x, normalized_axis("take", a.axis, x.rank()), in.indices.shape()), in.x.dtype())};
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Slab s = slab_around(in.x.shape(), normalized_axis("take", a.axis, in.x.rank()));
    const Tensor checked = checked_indices("take", "indices", in.indices, s.count);
    if (out.y.numel() > 0) read(s, in.x, positions_of(checked), out.y);
    return {in.indices};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    return {index_add(zeros_view(wanted.shape(&In::x), g.y.dtype()), a.axis, kept.indices, g.y), {}};
  }
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

 private:
  static void read(const Slab& s, const Tensor& x, std::span<const std::int64_t> positions, Tensor& y) {
    const auto count = static_cast<std::int64_t>(positions.size());
    constexpr std::int64_t kParallelElements = 1 << 17;
    const bool parallel = y.numel() >= kParallelElements;
    const std::int64_t block = std::max<std::int64_t>(1, kParallelElements / 8 / s.inner);
    const std::int64_t blocks = (count + block - 1) / block;
    dispatch(x.dtype(), [&]<class T>() {
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      for_chunks(s.outer * blocks, parallel, [&](std::int64_t c) {
        const std::int64_t o = c / blocks, begin = c % blocks * block, n = std::min(block, count - begin);
        take_rows(from + o * s.count * s.inner,
                  positions.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n)), s.inner,
                  to + (o * count + begin) * s.inner);
      });
    });
  }
};

struct IndexAdd : internal::WritesIndexed {
  static constexpr OpInfo info{.name = "index_add",
                               .formula = "y = x; y[…, indices[j], …] += source[…, j, …]",
                               .doc = "The adjoint of take; repeated indices add up in order.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::indexing};
  static void check(const Attrs& a, const In& in) {
    const Shape &x = in.x.shape(), &indices = in.indices.shape();
    const int axis = normalized_axis("index_add", a.axis, x.rank());
    const Shape taken = taken_shape(x, axis, indices);
    if (in.source.shape() != taken)
      throw ShapeError("index_add: source is " + to_string(in.source.shape()) + "; indices " + to_string(indices) +
                       " on axis " + std::to_string(axis) + " of x " + to_string(x) + " take " + to_string(taken));
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Slab s = slab_around(in.x.shape(), normalized_axis("index_add", a.axis, in.x.rank()));
    const Tensor checked = checked_indices("index_add", "indices", in.indices, s.count);
    const auto positions = positions_of(checked);
    const Tensor dense = in.source.contiguous();
    start_from(in.x, out.y);
    const std::int64_t step = static_cast<std::int64_t>(positions.size()) * s.inner;
    constexpr std::int64_t kParallelElements = 1 << 17;
    dispatch(out.y.dtype(), [&]<class T>() {
      const T* from = dense.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      for_chunks(s.outer, s.outer >= 8 && s.outer * step >= kParallelElements, [&](std::int64_t o) {
        add_rows(from + o * step, positions, s.inner, to + o * s.count * s.inner, s.count);
      });
    });
    return {in.indices};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    d.x = g.y;
    if (wanted(&In::source)) d.source = take(g.y, kept.indices, a.axis);
    return d;
  }
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
  return IndexingOps::apply<ops::Take>({axis}, {x, indices}).y;
}

Tensor take(const Tensor& x, const Tensor& indices) { return take(flatten(x), indices, 0); }

Tensor index_select(const Tensor& x, int axis, const Tensor& indices) {
  if (indices.rank() != 1)
    throw ShapeError("index_select: indices are " + to_string(indices.shape()) +
                     "; one axis is expected, take() accepts any");
  return take(x, indices, axis);
}

Tensor index_add(const Tensor& x, int axis, const Tensor& indices, const Tensor& source) {
  return IndexingOps::apply<ops::IndexAdd>({axis}, {x, indices, source}).y;
}

std::span<const OpEntry> indexing_ops() { return IndexingOps::entries; }

}  // namespace tapegrad
