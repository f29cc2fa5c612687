#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/kernels/decompositions.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/order.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

/// The rows of x [..., n, m] in an order [..., n].
Tensor in_order(const Tensor& x, const Tensor& order) {
  const Shape& shape = x.shape();
  return gather(x, -2, broadcast_to(unsqueeze(order, -1), shape));
}

}  // namespace

namespace ops {

struct Lu {
  struct In {
    Tensor a;
  };
  using Out = tapegrad::Lu;
  /// The factors or, in f32, what they are of: rounded factors would cost the gradient digits and range.
  struct Kept {
    Tensor a, order, l, u;
  };
  static constexpr OpInfo info{.name = "lu",
                               .formula = "a[order] = l u",
                               .doc = "With row pivots: nothing in l is above 1.",
                               .group = Group::linear_algebra};
  static void check(const In& in) { internal::require_matrices(info, "a", in.a); }
  static Out shapes(const In& in) {
    const std::int64_t rows = in.a.shape()[-2], columns = in.a.shape()[-1], k = std::min(rows, columns);
    const Shape batch = internal::batch_of(in.a.shape());
    return {op::spec(batch.insert(batch.rank(), rows), i64),
            op::spec(internal::with_matrix(batch, rows, k), in.a.dtype()),
            op::spec(internal::with_matrix(batch, k, columns), in.a.dtype())};
  }
  static double flops(const Shape& a) {
    const double k = static_cast<double>(std::min(a[-1], a[-2]));
    return static_cast<double>(a[-1]) * static_cast<double>(a[-2]) * k;
  }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t rows = shape[-2], columns = shape[-1];
    internal::for_matrices(info, {"a", "cannot be factorised"}, flops(shape), internal::batch_of(shape), in.a, {},
                           {&out.order, &out.l, &out.u},
                           [=](const double* a, const double*, std::span<double* const> to) {
                             kernels::lu(a, to[0], to[1], to[2], rows, columns);
                             return true;
                           });
    if (in.a.dtype() != f64) return {in.a, {}, {}, {}};
    return {{}, out.order, out.l, out.u};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    if (!kept.a.defined()) return {gradient({kept.order, kept.l, kept.u}, g)};
    return {cast(gradient(lu(cast(kept.a, f64)), g), kept.a.dtype())};
  }
  static Tensor gradient(const Out& factors, const Out& g) {
    const auto& [order, l, u] = factors;
    Tensor gl = g.l.defined() ? cast(g.l, f64) : zeros_like(l), gu = g.u.defined() ? cast(g.u, f64) : zeros_like(u);
    const std::int64_t rows = l.shape()[-2], columns = u.shape()[-1], k = std::min(rows, columns);
    // a[order] is a square block l u, and below it l' u or beside it l u', each of which follows from the block.
    const Tensor lower = slice(l, -2, 0, k), upper = slice(u, -1, 0, k);
    const Tensor gl_below = slice(gl, -2, k), gu_beside = slice(gu, -1, k);
    gl = slice(gl, -2, 0, k), gu = slice(gu, -1, 0, k);
    Tensor below, beside;
    if (rows > k) {
      below = transpose(triangular_solve(upper, transpose(gl_below), {.upper = true}));
      gu = gu - matmul(transpose(slice(l, -2, k)), below);
    }
    if (columns > k) {
      beside = triangular_solve(lower, gu_beside, {.transposed = true, .unit_diagonal = true});
      gl = gl - matmul(beside, transpose(slice(u, -1, k)));
    }
    const Tensor inner = tril(matmul(transpose(lower), gl), -1) + triu(matmul(gu, transpose(upper)));
    const Tensor left = triangular_solve(lower, inner, {.transposed = true, .unit_diagonal = true});
    Tensor all = transpose(triangular_solve(upper, transpose(left), {.upper = true}));
    if (rows > k) all = concat({all, below}, -2);
    if (columns > k) all = concat({all, beside}, -1);
    return in_order(all, argsort(order));
  }
  static Cost cost(const In& in, const Out& out) {
    return internal::matrix_cost(internal::batch_of(in.a.shape()), flops(in.a.shape()), {in.a, out.l, out.u});
  }
  static std::vector<SampleOf<Lu>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({2, 3, 2}, rng)}},
            {{internal::distinct_matrices({2, 2, 4}, rng)}},
            {{transpose(internal::distinct_matrices({2, 3}, rng))}},
            {{zeros({0, 2}, f64)}},
            {{zeros({2, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Lu>> bad_inputs() {
    return {{{zeros({2})}, {}, "lu: a is [2]; a matrix is expected, [..., n, m]"}};
  }
};

using LuOps = OpList<Lu>;

}  // namespace ops

using ops::LuOps;

Lu lu(const Tensor& a) { return LuOps::apply<ops::Lu>({a}); }

Tensor lu_solve(const Lu& factors, const Tensor& b) {
  internal::require_square(ops::Lu::info, "l of the factors", factors.l);
  const std::int64_t n = factors.l.shape()[-1];
  const bool vector = b.rank() == 1;
  const Tensor sides = vector ? unsqueeze(b, -1) : b;
  if (sides.rank() < 2 || sides.shape()[-2] != n)
    throw ShapeError("lu_solve: b is " + to_string(b.shape()) + ", the factors " + to_string(factors.l.shape()) +
                     "; right-hand sides are [..., " + std::to_string(n) + ", m], or one [" + std::to_string(n) + "]");
  const Shape batch =
      broadcast_shapes("lu_solve", internal::batch_of(factors.l.shape()), internal::batch_of(sides.shape()));
  const Tensor ordered = in_order(broadcast_to(sides, internal::with_matrix(batch, n, sides.shape()[-1])),
                                  broadcast_to(factors.order, batch.insert(batch.rank(), n)));
  const Tensor x =
      triangular_solve(factors.u, triangular_solve(factors.l, ordered, {.unit_diagonal = true}), {.upper = true});
  return vector ? squeeze(x, -1) : x;
}

std::span<const OpEntry> lu_ops() { return LuOps::entries; }

}  // namespace tapegrad
