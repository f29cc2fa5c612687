#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/in_f64.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/kernels/decompositions.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct Cholesky {
  struct In {
    Tensor a;
  };
  struct Out {
    Tensor l;
  };
  struct Kept {
    Tensor l;
  };
  static constexpr OpInfo info{.name = "cholesky",
                               .formula = "l lᵀ = (a + aᵀ) / 2",
                               .doc = "The lower triangular factor of a positive definite matrix.",
                               .group = Group::linear_algebra};
  static void check(const In& in) { internal::require_square(info, "a", in.a); }
  static Out shapes(const In& in) { return {op::spec(in.a.shape(), in.a.dtype())}; }
  static double flops(const Shape& a) {
    const auto n = static_cast<double>(a[-1]);
    return n * n * n / 3;
  }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t n = shape[-1];
    constexpr internal::Refusal kIndefinite{
        "a", "is not positive definite; a multiple of the identity added to it may help"};
    internal::for_matrices(info, kIndefinite, flops(shape), internal::batch_of(shape), in.a, {}, out.l,
                           [=](const double* a, const double*, double* l) { return kernels::cholesky(a, l, n); });
    return {out.l};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    const Tensor product = tril(matmul(transpose(kept.l), g.l));
    const Tensor half = product - diag_embed(diagonal(product)) * 0.5;
    const Tensor left = triangular_solve(kept.l, half, {.transposed = true});
    const Tensor both = triangular_solve(kept.l, transpose(left), {.transposed = true});
    return {(both + transpose(both)) * 0.5};
  }
  static Cost cost(const In& in, const Out& out) {
    return internal::matrix_cost(internal::batch_of(in.a.shape()), flops(in.a.shape()), {in.a, out.l});
  }
  static std::vector<SampleOf<Cholesky>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({2, 2, 2}, rng)}},
            {{transpose(internal::distinct_matrices({2, 2}, rng))}},
            {{zeros({0, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Cholesky>> bad_inputs() {
    return {{{zeros({2, 3})}, {}, "cholesky: a is [2, 3]; a square matrix is expected, [..., n, n]"},
            {{zeros({2})}, {}, "cholesky: a is [2]"},
            {{-eye(2)}, {}, "cholesky: a, f32 [2, 2], is not positive definite"},
            {{stack({eye(2), -eye(2)})}, {}, "cholesky: matrix 1 of a, f32 [2, 2, 2], is not positive definite"}};
  }
};

struct Qr {
  struct In {
    Tensor a;
  };
  using Out = tapegrad::Qr;
  struct Kept {
    Tensor q, r;
  };
  static constexpr OpInfo info{
      .name = "qr",
      .formula = "a = q r",
      .doc = "Reduced, by Householder reflections; the diagonal of r is not negative.",
      .group = Group::linear_algebra,
      .accuracy = {.ulps = 64, .normwise = true, .reason = "the error of a matrix's least elements"}};
  static void check(const In& in) { internal::require_matrices(info, "a", in.a); }
  static Out shapes(const In& in) {
    const std::int64_t rows = in.a.shape()[-2], columns = in.a.shape()[-1], k = std::min(rows, columns);
    const Shape batch = internal::batch_of(in.a.shape());
    return {op::spec(internal::with_matrix(batch, rows, k), in.a.dtype()),
            op::spec(internal::with_matrix(batch, k, columns), in.a.dtype())};
  }
  static double flops(const Shape& a) {
    const double k = static_cast<double>(std::min(a[-1], a[-2]));
    return 4 * static_cast<double>(a[-1]) * static_cast<double>(a[-2]) * k;
  }
  static std::optional<Out> instead(const In& in) { return internal::in_f64_if<Qr>(internal::Extremes::both, in); }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t rows = shape[-2], columns = shape[-1];
    internal::for_matrices(info, {"a", "cannot be factorised"}, flops(shape), internal::batch_of(shape), in.a, {},
                           {&out.q, &out.r}, [=](const double* a, const double*, std::span<double* const> to) {
                             kernels::qr(a, to[0], to[1], rows, columns);
                             return true;
                           });
    return {out.q, out.r};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    const auto& [q, r] = kept;
    const Tensor gq = g.q.defined() ? g.q : zeros_like(q), gr = g.r.defined() ? g.r : zeros_like(r);
    const std::int64_t rows = q.shape()[-2], columns = r.shape()[-1];
    if (rows >= columns) return {square_part(q, r, gq, gr)};
    // a = [x | z] with x = q u square and z = q v.
    const Tensor u = slice(r, -1, 0, rows), v = slice(r, -1, rows);
    const Tensor gu = slice(gr, -1, 0, rows), gv = slice(gr, -1, rows);
    const Tensor gx = square_part(q, u, gq + matmul(matmul(q, v), transpose(gv)), gu);
    return {concat({gx, matmul(q, gv)}, -1)};
  }
  static Cost cost(const In& in, const Out& out) {
    return internal::matrix_cost(internal::batch_of(in.a.shape()), flops(in.a.shape()), {in.a, out.q, out.r});
  }
  static std::vector<SampleOf<Qr>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({2, 3, 2}, rng)}},
            {{internal::distinct_matrices({2, 2, 3}, rng)}},
            {{transpose(internal::distinct_matrices({2, 3}, rng))}},
            {{zeros({0, 2}, f64)}},
            {{zeros({2, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Qr>> bad_inputs() {
    return {{{zeros({2})}, {}, "qr: a is [2]; a matrix is expected, [..., n, m]"}};
  }

 private:
  /// The gradient of x = q r with r square.
  static Tensor square_part(const Tensor& q, const Tensor& r, const Tensor& gq, const Tensor& gr) {
    const Tensor m = tril(matmul(r, transpose(gr)) - matmul(transpose(gq), q));
    const Tensor symmetric = m + transpose(tril(m, -1));
    return transpose(triangular_solve(r, transpose(gq + matmul(q, symmetric)), {.upper = true}));
  }
};

using FactorizationOps = OpList<Cholesky, Qr>;

}  // namespace ops

using ops::FactorizationOps;

Tensor cholesky(const Tensor& a) { return FactorizationOps::apply<ops::Cholesky>({a}).l; }

Tensor cholesky_solve(const Tensor& l, const Tensor& b, bool upper) {
  const Tensor inner = triangular_solve(l, b, {.upper = upper, .transposed = upper});
  return triangular_solve(l, inner, {.upper = upper, .transposed = !upper});
}

Tensor cholesky_inverse(const Tensor& l, bool upper) {
  internal::require_square(ops::Cholesky::info, "l", l);
  return cholesky_solve(l, eye(l.shape()[-1], l.dtype()), upper);
}

Qr qr(const Tensor& a) { return FactorizationOps::apply<ops::Qr>({a}); }

std::span<const OpEntry> factorization_ops() { return FactorizationOps::entries; }

}  // namespace tapegrad
