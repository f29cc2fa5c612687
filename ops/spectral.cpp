#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/diagonal.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/kernels/decompositions.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/matmul.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

constexpr internal::Refusal kDiverges{"a", "did not converge; are its elements of very different sizes?"};

/// y[i, j] = x[j] - x[i].
Tensor differences(const Tensor& x) { return unsqueeze(x, -2) - unsqueeze(x, -1); }

/// What is antisymmetric in x, as it is multiplied with an orthogonal matrix's gradient.
Tensor twisted(const Tensor& x) { return x - transpose(x); }

Tensor without_diagonal(const Tensor& x) { return x - diag_embed(diagonal(x)); }

}  // namespace

namespace ops {

/// The values as one row, and below it the vectors.
struct EighParts {
  static constexpr OpInfo info{.name = "eigh",
                               .formula = "(a + aᵀ) / 2 = v diag(w) vᵀ, y = [w; v]",
                               .doc = "Eigenvalues, ascending, and eigenvectors of the symmetric part.",
                               .inputs = {"a"},
                               .saves = kSavesOutput,
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a) {
    internal::require_square(info, "a", a);
    const std::int64_t n = a.shape()[-1];
    return {internal::with_matrix(internal::batch_of(a.shape()), n + 1, n), a.dtype()};
  }
  static double flops(const Shape& a) {
    const auto n = static_cast<double>(a[-1]);
    return 9 * n * n * n;
  }
  static void forward(const Attrs&, const Tensor& a, Tensor& y) {
    const std::int64_t n = a.shape()[-1];
    internal::for_matrices(
        info, kDiverges, flops(a.shape()), internal::batch_of(a.shape()), a, {}, y,
        [=](const double* in, const double*, double* out) { return kernels::eigh(in, out, out + n, n); });
  }
  static Eigh parts(const Tensor& y) { return {select(y, -2, 0), slice(y, -2, 1)}; }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved, const Tensor& y) {
    const auto [w, v] = parts(y);
    const auto [gw, gv] = parts(g);
    const Tensor turned = without_diagonal(matmul(transpose(v), gv));
    const Tensor inner = diag_embed(gw) + internal::quotient(turned, differences(w));
    const Tensor full = matmul(matmul(v, inner), transpose(v));
    return (full + transpose(full)) * 0.5;
  }
  static Cost cost(const Attrs&, const Node& node) {
    const Shape& a = node.edges()[0].node()->shape;
    return internal::matrix_cost(node, internal::batch_of(a), flops(a));
  }
  static std::vector<SampleOf<EighParts>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({2, 2, 2}, rng)}},
            {{transpose(internal::distinct_matrices({3, 3}, rng))}},
            {{zeros({0, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<EighParts>> bad_inputs() {
    return {{{zeros({2, 3})}, {}, "eigh: a is [2, 3]; a square matrix is expected, [..., n, n]"},
            {{zeros({2})}, {}, "eigh: a is [2]"}};
  }
};

/// u, s as one row, and v, one above the other.
struct SvdParts {
  static constexpr OpInfo info{.name = "svd",
                               .formula = "a = u diag(s) vᵀ, y = [u; s; v]",
                               .doc = "Reduced; singular values descending.",
                               .inputs = {"a"},
                               .saves = kSavesOutput,
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a) {
    internal::require_matrices(info, "a", a);
    const std::int64_t rows = a.shape()[-2], columns = a.shape()[-1];
    return {internal::with_matrix(internal::batch_of(a.shape()), rows + 1 + columns, std::min(rows, columns)),
            a.dtype()};
  }
  static double flops(const Shape& a) {
    const double k = static_cast<double>(std::min(a[-1], a[-2]));
    return 12 * static_cast<double>(a[-1]) * static_cast<double>(a[-2]) * k;
  }
  static void forward(const Attrs&, const Tensor& a, Tensor& y) {
    const std::int64_t rows = a.shape()[-2], columns = a.shape()[-1], k = y.shape()[-1];
    internal::for_matrices(info, kDiverges, flops(a.shape()), internal::batch_of(a.shape()), a, {}, y,
                           [=](const double* in, const double*, double* out) {
                             double* values = out + rows * k;
                             return kernels::svd(in, out, values, values + k, rows, columns);
                           });
  }
  struct Parts {
    Tensor u, s, v;
  };
  static Parts parts(const Tensor& y, std::int64_t rows) {
    return {slice(y, -2, 0, rows), select(y, -2, rows), slice(y, -2, rows + 1)};
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved a, const Tensor& y) {
    const std::int64_t rows = a.shape()[-2], columns = a.shape()[-1];
    const auto [u, s, v] = parts(y, rows);
    const auto [gu, gs, gv] = parts(g, rows);
    const Tensor row = unsqueeze(s, -2), column = unsqueeze(s, -1);
    // s / (s² - s'²) without squares, which would leave the range and lose the gaps of what is close.
    const Tensor gaps = differences(s), sums = row + column;
    const Tensor ut_gu = matmul(transpose(u), gu), vt_gv = matmul(transpose(v), gv);
    const Tensor inner = internal::quotient(twisted(ut_gu), gaps) * internal::quotient(row, sums) +
                         internal::quotient(column, sums) * internal::quotient(twisted(vt_gv), gaps) + diag_embed(gs);
    Tensor full = matmul(matmul(u, inner), transpose(v));
    // What of the vectors' gradients lies outside the space that they span.
    if (rows > columns) full = full + matmul(internal::quotient(gu - matmul(u, ut_gu), row), transpose(v));
    if (columns > rows) full = full + matmul(u, transpose(internal::quotient(gv - matmul(v, vt_gv), row)));
    return full;
  }
  static Cost cost(const Attrs&, const Node& node) {
    const Shape& a = node.edges()[0].node()->shape;
    return internal::matrix_cost(node, internal::batch_of(a), flops(a));
  }
  static std::vector<SampleOf<SvdParts>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({2, 3, 2}, rng)}},
            {{internal::distinct_matrices({2, 4}, rng)}},
            {{internal::distinct_matrices({4, 3}, rng)}},
            {{transpose(internal::distinct_matrices({2, 3}, rng))}},
            {{zeros({0, 2}, f64)}},
            {{zeros({2, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<SvdParts>> bad_inputs() {
    return {{{zeros({2})}, {}, "svd: a is [2]; a matrix is expected, [..., n, m]"}};
  }
};

using SpectralOps = OpList<EighParts, SvdParts>;

}  // namespace ops

using ops::SpectralOps;

Eigh eigh(const Tensor& a) { return ops::EighParts::parts(SpectralOps::apply<ops::EighParts>(NoAttrs{}, a)); }

Svd svd(const Tensor& a) {
  const Tensor all = SpectralOps::apply<ops::SvdParts>(NoAttrs{}, a);
  const auto [u, s, v] = ops::SvdParts::parts(all, a.shape()[-2]);
  return {u, s, transpose(v)};
}

std::span<const OpEntry> spectral_ops() { return SpectralOps::entries; }

}  // namespace tapegrad
