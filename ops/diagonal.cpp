#include <tapegrad/core/create.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

template <bool kLower>
struct Triangle : internal::Unary {
  static constexpr const char* kName = kLower ? "tril" : "triu";
  static constexpr OpInfo info{
      .name = kName,
      .formula = kLower ? "y[i, j] = x[i, j] where j - i <= k, else 0" : "y[i, j] = x[i, j] where j - i >= k, else 0",
      .kind = Kind::numeric,
      .forward = Forward::linear,
      .group = Group::shape};
  struct Attrs {
    std::int64_t k = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"k", &Attrs::k, "the diagonal at the edge"}}; }
  };
  static void check(const Attrs&, const In& in) { internal::require_matrices(info, "x", in.x); }
  static Out shapes(const Attrs&, const In& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }
  static void forward(const Attrs& a, const In& in, Out& out) {
    const Tensor& x = in.x;
    if (x.numel() == 0) return;
    const std::int64_t rows = x.shape()[-2], columns = x.shape()[-1];
    const std::int64_t k = std::clamp(a.k, -rows - 1, columns + 1);
    dispatch(x.dtype(), [&]<class T>() {
      const T* from = x.data<T>().data();
      T* to = out.y.template mutable_data<T>().data();
      for (std::int64_t r = 0; r < x.numel() / columns; ++r, from += columns, to += columns) {
        // The columns that are kept lie before this one, or from it on.
        const std::int64_t edge = r % rows + k + (kLower ? 1 : 0);
        for (std::int64_t j = 0; j < columns; ++j) to[j] = (j < edge) == kLower ? from[j] : T{0};
      }
    });
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) { return {kLower ? tril(g.y, a.k) : triu(g.y, a.k)}; }
  static std::vector<SampleOf<Triangle>> samples(Rng& rng) {
    return {{{randn({3, 3}, f64, rng)}, {0}},
            {{randn({2, 2, 3}, f64, rng)}, {1}},
            {{transpose(randn({2, 4}, f64, rng))}, {-1}},
            {{randn({2, 2}, f64, rng)}, {9}},
            {{randn({0, 2}, f64, rng)}, {0}}};
  }
  static std::vector<BadInputOf<Triangle>> bad_inputs() {
    return {{{zeros({3})}, {0}, "x is [3]; a matrix is expected, [..., n, m]"}};
  }
};

struct DiagonalAttrs {
  std::int64_t k = 0;
  int row_axis = -2, column_axis = -1;
  bool operator==(const DiagonalAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"k", &DiagonalAttrs::k, "above the main diagonal where positive"},
                      Field{"row_axis", &DiagonalAttrs::row_axis, "of the matrix"},
                      Field{"column_axis", &DiagonalAttrs::column_axis, "of the matrix"}};
  }
};

struct Diagonal : internal::Unary {
  static constexpr OpInfo info{.name = "diagonal",
                               .formula = "y[i] = x[i, i + k]",
                               .doc = "A view of one diagonal between two axes; it becomes the last axis.",
                               .kind = Kind::numeric,
                               .group = Group::shape};
  using Attrs = DiagonalAttrs;
  static Out view(const Attrs& a, const In& in) {
    const Tensor& x = in.x;
    const int row = normalized_axis("diagonal", a.row_axis, x.rank());
    const int column = normalized_axis("diagonal", a.column_axis, x.rank());
    if (row == column)
      throw ValueError("diagonal: rows and columns are both axis " + std::to_string(row) + "; they must differ");
    const std::int64_t rows = x.shape()[row], columns = x.shape()[column];
    const std::int64_t down = a.k < 0 ? (a.k < -rows ? rows : -a.k) : 0,
                       right = std::clamp<std::int64_t>(a.k, 0, columns);
    const std::int64_t length = std::min(rows - down, columns - right);
    const Strides own = x.strides();
    const std::int64_t row_step = own[static_cast<std::size_t>(row)],
                       column_step = own[static_cast<std::size_t>(column)];
    Integers dims;
    Strides strides{};
    for (int axis = 0; axis < x.rank(); ++axis) {
      if (axis == row || axis == column) continue;
      strides[dims.size()] = own[static_cast<std::size_t>(axis)];
      dims.push_back(x.shape()[axis]);
    }
    strides[dims.size()] = row_step + column_step;
    dims.push_back(length);
    return {make_view(x, Shape(dims), &strides, length > 0 ? down * row_step + right * column_step : 0)};
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In> wanted);
  static std::vector<SampleOf<Diagonal>> samples(Rng& rng) {
    return {{{randn({3, 3}, f64, rng)}, {}},
            {{randn({2, 3, 2}, f64, rng)}, {1, 0, 1}},
            {{transpose(randn({2, 4}, f64, rng))}, {-2, -2, -1}},
            {{randn({2, 3}, f64, rng)}, {-1, 1, 0}},
            {{randn({2, 3}, f64, rng)}, {5, 0, 1}},
            {{randn({0, 3}, f64, rng)}, {}}};
  }
  static std::vector<BadInputOf<Diagonal>> bad_inputs() {
    return {{{zeros({3})}, {}, "diagonal: axis -2 is outside a tensor of rank 1"},
            {{zeros({3, 3})}, {0, 1, -1}, "rows and columns are both axis 1; they must differ"}};
  }
};

/// The adjoint of diagonal.
struct DiagonalScatter : internal::Unary {
  static constexpr OpInfo info{.name = "diagonal_scatter",
                               .formula = "y = 0 with y[i, i + k] = x[i]",
                               .doc = "The adjoint of diagonal.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::shape};
  struct Attrs : DiagonalAttrs {
    Shape shape;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple_cat(DiagonalAttrs::fields(), std::tuple{Field{"shape", &Attrs::shape, "of the result"}});
    }
  };
  static void check(const Attrs& a, const In& in) {
    // A tensor that is all one element has any shape's strides: enough to ask diagonal() for its shape.
    const Strides still{};
    const Shape wanted = Diagonal::view(a, {make_view(zeros({}), a.shape, &still, 0)}).y.shape();
    if (wanted != in.x.shape())
      throw ShapeError("diagonal_scatter: x is " + to_string(in.x.shape()) + "; the diagonal of " + to_string(a.shape) +
                       " is " + to_string(wanted));
  }
  static Out shapes(const Attrs& a, const In& in) { return {op::spec(a.shape, in.x.dtype())}; }
  static void forward(const Attrs& a, const In& in, Out& out) {
    out.y.fill(0);
    store_dense(engine::node_of(in.x).data, engine::node_of(Diagonal::view(a, {out.y}).y));
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) {
    return {diagonal(g.y, a.k, a.row_axis, a.column_axis)};
  }
  static std::vector<SampleOf<DiagonalScatter>> samples(Rng& rng) {
    return {{{randn({2}, f64, rng)}, {{1, 0, 1}, {3, 3}}},
            {{transpose(randn({2, 3}, f64, rng))}, {{0, 0, 2}, {2, 3, 2}}},
            {{randn({0}, f64, rng)}, {{0, 0, 1}, {0, 3}}}};
  }
  static std::vector<BadInputOf<DiagonalScatter>> bad_inputs() {
    return {{{zeros({3})}, {{1, 0, 1}, {3, 3}}, "diagonal_scatter: x is [3]; the diagonal of [3, 3] is [2]"}};
  }
};

Diagonal::In Diagonal::pull(const Attrs& a, const Out& g, op::Wanted<In> wanted) {
  return {apply<DiagonalScatter>({a, wanted.shape(&In::x)}, {g.y}).y};
}

using DiagonalOps = OpList<Triangle<true>, Triangle<false>, Diagonal, DiagonalScatter>;

}  // namespace ops

using ops::DiagonalOps;

Tensor tril(const Tensor& x, std::int64_t k) { return DiagonalOps::apply<ops::Triangle<true>>({k}, {x}).y; }

Tensor triu(const Tensor& x, std::int64_t k) { return DiagonalOps::apply<ops::Triangle<false>>({k}, {x}).y; }

Tensor diagonal(const Tensor& x, std::int64_t k, int row_axis, int column_axis) {
  return DiagonalOps::apply<ops::Diagonal>({k, row_axis, column_axis}, {x}).y;
}

Tensor diag_embed(const Tensor& x, std::int64_t k) {
  if (x.rank() == 0) throw ShapeError("diag_embed: x is a scalar; at least one axis is expected");
  const std::int64_t n = x.shape()[-1] + (k < 0 ? -k : k);
  const Shape shape = x.shape().with(x.rank() - 1, n).insert(x.rank(), n);
  return DiagonalOps::apply<ops::DiagonalScatter>({{k, -2, -1}, shape}, {x}).y;
}

Tensor diag(const Tensor& x, std::int64_t k) {
  if (x.rank() == 1) return diag_embed(x, k);
  if (x.rank() == 2) return diagonal(x, k);
  throw ShapeError("diag: x is " + to_string(x.shape()) +
                   "; a vector or a matrix is expected (diagonal() and diag_embed() take batches)");
}

Tensor trace(const Tensor& x) { return sum(diagonal(x), {-1}); }

std::span<const OpEntry> diagonal_ops() { return DiagonalOps::entries; }

}  // namespace tapegrad
