#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/diagonal.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/join.hpp>
#include <tapegrad/ops/kernels/decompositions.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/matmul.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct Cholesky {
  static constexpr OpInfo info{.name = "cholesky",
                               .formula = "y yᵀ = (a + aᵀ) / 2",
                               .doc = "The lower triangular factor of a positive definite matrix.",
                               .inputs = {"a"},
                               .saves = kSavesOutput,
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a) {
    internal::require_square(info, "a", a);
    return {a.shape(), a.dtype()};
  }
  static double flops(const Shape& a) {
    const auto n = static_cast<double>(a[-1]);
    return n * n * n / 3;
  }
  static void forward(const Attrs&, const Tensor& a, Tensor& y) {
    const std::int64_t n = a.shape()[-1];
    constexpr internal::Refusal kIndefinite{
        "a", "is not positive definite; a multiple of the identity added to it may help"};
    internal::for_matrices(info, kIndefinite, flops(a.shape()), internal::batch_of(a.shape()), a, {}, y,
                           [=](const double* in, const double*, double* out) { return kernels::cholesky(in, out, n); });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved, const Tensor& y) {
    const Tensor product = tril(matmul(transpose(y), g));
    const Tensor half = product - diag_embed(diagonal(product)) * 0.5;
    const Tensor left = triangular_solve(y, half, {.transposed = true});
    const Tensor both = triangular_solve(y, transpose(left), {.transposed = true});
    return (both + transpose(both)) * 0.5;
  }
  static Cost cost(const Attrs&, const Node& node) {
    return internal::matrix_cost(node, internal::batch_of(node.shape), flops(node.shape));
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

/// q and rᵀ, one above the other.
struct QrParts {
  static constexpr OpInfo info{.name = "qr",
                               .formula = "a = q r, y = [q; rᵀ]",
                               .doc = "Reduced, by Householder reflections; the diagonal of r is not negative.",
                               .inputs = {"a"},
                               .saves = kSavesOutput,
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a) {
    internal::require_matrices(info, "a", a);
    const std::int64_t rows = a.shape()[-2], columns = a.shape()[-1];
    return {internal::with_matrix(internal::batch_of(a.shape()), rows + columns, std::min(rows, columns)), a.dtype()};
  }
  static double flops(const Shape& a) {
    const double k = static_cast<double>(std::min(a[-1], a[-2]));
    return 4 * static_cast<double>(a[-1]) * static_cast<double>(a[-2]) * k;
  }
  static void forward(const Attrs&, const Tensor& a, Tensor& y) {
    const std::int64_t rows = a.shape()[-2], columns = a.shape()[-1], k = y.shape()[-1];
    internal::for_matrices(info, {"a", "cannot be factorised"}, flops(a.shape()), internal::batch_of(a.shape()), a, {},
                           y, [=](const double* in, const double*, double* out) {
                             kernels::qr(in, out, out + rows * k, rows, columns);
                             return true;
                           });
  }
  static Qr parts(const Tensor& y, std::int64_t rows) { return {slice(y, -2, 0, rows), transpose(slice(y, -2, rows))}; }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved a, const Tensor& y) {
    const std::int64_t rows = a.shape()[-2], columns = a.shape()[-1];
    const auto [q, r] = parts(y, rows);
    const auto [gq, gr] = parts(g, rows);
    if (rows >= columns) return square_part(q, r, gq, gr);
    // a = [x | z] with x = q u square and z = q v.
    const Tensor u = slice(r, -1, 0, rows), v = slice(r, -1, rows);
    const Tensor gu = slice(gr, -1, 0, rows), gv = slice(gr, -1, rows);
    const Tensor gx = square_part(q, u, gq + matmul(matmul(q, v), transpose(gv)), gu);
    return concat({gx, matmul(q, gv)}, -1);
  }
  static Cost cost(const Attrs&, const Node& node) {
    const Shape& a = node.edges()[0].node()->shape;
    return internal::matrix_cost(node, internal::batch_of(a), flops(a));
  }
  static std::vector<SampleOf<QrParts>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({2, 3, 2}, rng)}},
            {{internal::distinct_matrices({2, 2, 3}, rng)}},
            {{transpose(internal::distinct_matrices({2, 3}, rng))}},
            {{zeros({0, 2}, f64)}},
            {{zeros({2, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<QrParts>> bad_inputs() {
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

using FactorizationOps = OpList<Cholesky, QrParts>;

}  // namespace ops

using ops::FactorizationOps;

Tensor cholesky(const Tensor& a) { return FactorizationOps::apply<ops::Cholesky>(NoAttrs{}, a); }

Qr qr(const Tensor& a) {
  const Tensor both = FactorizationOps::apply<ops::QrParts>(NoAttrs{}, a);
  return ops::QrParts::parts(both, a.shape()[-2]);
}

std::span<const OpEntry> factorization_ops() { return FactorizationOps::entries; }

}  // namespace tapegrad
