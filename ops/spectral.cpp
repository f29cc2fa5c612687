#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/contributions.hpp>
#include <tapegrad/ops/internal/in_f64.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/kernels/decompositions.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
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

/// What both eigendecompositions declare alike. Self has the rest.
template <class Self, class Parts>
struct Eigendecomposition {
  struct In {
    Tensor a;
  };
  using Out = Parts;
  static void check(const In& in) { internal::require_square(Self::info, "a", in.a); }
  static Out shapes(const In& in) {
    const Shape& shape = in.a.shape();
    return {op::spec(shape.erase(shape.rank() - 1), in.a.dtype()), op::spec(shape, in.a.dtype())};
  }
  static Cost cost(const In& in, const Out& out) {
    const Shape& shape = in.a.shape();
    return internal::matrix_cost(internal::batch_of(shape), Self::flops(shape), {in.a, out.values, out.vectors});
  }
};

struct Eigh : Eigendecomposition<Eigh, tapegrad::Eigh> {
  struct Kept {
    Tensor values, vectors;
  };
  static constexpr OpInfo info{.name = "eigh",
                               .formula = "(a + aᵀ) / 2 = vectors diag(values) vectorsᵀ",
                               .doc = "Eigenvalues, ascending, and eigenvectors of the symmetric part.",
                               .group = Group::linear_algebra,
                               .accuracy = {.normwise = true, .reason = "the error of a matrix's least elements"}};
  static double flops(const Shape& a) {
    const auto n = static_cast<double>(a[-1]);
    return 9 * n * n * n;
  }
  static std::optional<Out> instead(const In& in) { return internal::in_f64_if<Eigh>(internal::Extremes::both, in); }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t n = shape[-1];
    internal::for_matrices(
        info, kDiverges, flops(shape), internal::batch_of(shape), in.a, {}, {&out.values, &out.vectors},
        [=](const double* a, const double*, std::span<double* const> to) { return kernels::eigh(a, to[0], to[1], n); });
    return {out.values, out.vectors};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    const auto& [w, v] = kept;
    Tensor inner;
    if (g.values.defined()) inner = diag_embed(g.values);
    if (g.vectors.defined())
      inner =
          internal::added(inner, internal::quotient(without_diagonal(matmul(transpose(v), g.vectors)), differences(w)));
    const Tensor full = matmul(matmul(v, inner), transpose(v));
    return {(full + transpose(full)) * 0.5};
  }
  static std::vector<SampleOf<Eigh>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({2, 2, 2}, rng)}},
            {{transpose(internal::distinct_matrices({3, 3}, rng))}},
            {{zeros({0, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Eigh>> bad_inputs() {
    return {{{zeros({2, 3})}, {}, "eigh: a is [2, 3]; a square matrix is expected, [..., n, n]"},
            {{zeros({2})}, {}, "eigh: a is [2]"}};
  }
};

struct Svd {
  struct In {
    Tensor a;
  };
  struct Out {
    Tensor u, s, v;
  };
  struct Kept {
    Tensor u, s, v;
  };
  static constexpr OpInfo info{.name = "svd",
                               .formula = "a = u diag(s) vᵀ",
                               .doc = "Reduced; singular values descending.",
                               .group = Group::linear_algebra,
                               .accuracy = {.normwise = true, .reason = "the error of a matrix's least elements"}};
  static void check(const In& in) { internal::require_matrices(info, "a", in.a); }
  static Out shapes(const In& in) {
    const std::int64_t rows = in.a.shape()[-2], columns = in.a.shape()[-1], k = std::min(rows, columns);
    const Shape batch = internal::batch_of(in.a.shape());
    return {op::spec(internal::with_matrix(batch, rows, k), in.a.dtype()),
            op::spec(batch.insert(batch.rank(), k), in.a.dtype()),
            op::spec(internal::with_matrix(batch, columns, k), in.a.dtype())};
  }
  static double flops(const Shape& a) {
    const double k = static_cast<double>(std::min(a[-1], a[-2]));
    return 12 * static_cast<double>(a[-1]) * static_cast<double>(a[-2]) * k;
  }
  static std::optional<Out> instead(const In& in) { return internal::in_f64_if<Svd>(internal::Extremes::both, in); }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t rows = shape[-2], columns = shape[-1];
    internal::for_matrices(info, kDiverges, flops(shape), internal::batch_of(shape), in.a, {}, {&out.u, &out.s, &out.v},
                           [=](const double* a, const double*, std::span<double* const> to) {
                             return kernels::svd(a, to[0], to[1], to[2], rows, columns);
                           });
    return {out.u, out.s, out.v};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    const auto& [u, s, v] = kept;
    const std::int64_t rows = u.shape()[-2], columns = v.shape()[-2];
    const Tensor row = unsqueeze(s, -2), column = unsqueeze(s, -1);
    // s / (s² - s'²) without squares, which would leave the range and lose the gaps of what is close.
    const Tensor gaps = differences(s), sums = row + column;
    Tensor inner, outside;  // of the space that the vectors span
    if (g.u.defined()) {
      const Tensor turned = matmul(transpose(u), g.u);
      inner = internal::quotient(twisted(turned), gaps) * internal::quotient(row, sums);
      if (rows > columns) outside = matmul(internal::quotient(g.u - matmul(u, turned), row), transpose(v));
    }
    if (g.v.defined()) {
      const Tensor turned = matmul(transpose(v), g.v);
      inner = internal::added(inner, internal::quotient(column, sums) * internal::quotient(twisted(turned), gaps));
      if (columns > rows) outside = matmul(u, transpose(internal::quotient(g.v - matmul(v, turned), row)));
    }
    if (g.s.defined()) inner = internal::added(inner, diag_embed(g.s));
    return {internal::added(matmul(matmul(u, inner), transpose(v)), outside)};
  }
  static Cost cost(const In& in, const Out& out) {
    const Shape& shape = in.a.shape();
    return internal::matrix_cost(internal::batch_of(shape), flops(shape), {in.a, out.u, out.s, out.v});
  }
  static std::vector<SampleOf<Svd>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({2, 3, 2}, rng)}},
            {{internal::distinct_matrices({2, 4}, rng)}},
            {{internal::distinct_matrices({4, 3}, rng)}},
            {{transpose(internal::distinct_matrices({2, 3}, rng))}},
            {{zeros({0, 2}, f64)}},
            {{zeros({2, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Svd>> bad_inputs() {
    return {{{zeros({2})}, {}, "svd: a is [2]; a matrix is expected, [..., n, m]"}};
  }
};

struct Eig : Eigendecomposition<Eig, tapegrad::Eig> {
  /// The results or, in f32, what they are of: rounded ones would cost the gradient digits and range.
  struct Kept {
    Tensor a, values, vectors;
  };
  static constexpr OpInfo info{.name = "eig",
                               .formula = "a vectors = vectors diag(values)",
                               .doc = "Real eigenvalues, ascending, and right eigenvectors of length 1.",
                               .group = Group::linear_algebra};
  static double flops(const Shape& a) {
    const auto n = static_cast<double>(a[-1]);
    return 25 * n * n * n;
  }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t n = shape[-1];
    constexpr internal::Refusal kComplex{
        "a", "has eigenvalues that are not real (there are no complex tensors), or did not converge"};
    internal::for_matrices(
        info, kComplex, flops(shape), internal::batch_of(shape), in.a, {}, {&out.values, &out.vectors},
        [=](const double* a, const double*, std::span<double* const> to) { return kernels::eig(a, to[0], to[1], n); });
    if (in.a.dtype() != f64) return {in.a, {}, {}};
    return {{}, out.values, out.vectors};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    if (!kept.a.defined()) return {gradient({kept.values, kept.vectors}, g)};
    return {cast(gradient(eig(cast(kept.a, f64)), g), kept.a.dtype())};
  }
  // a = v diag(w) v⁻¹, where the columns of v keep their length.
  static Tensor gradient(const Out& parts, const Out& g) {
    const auto& [w, v] = parts;
    const Tensor vt = transpose(v);
    Tensor inner;
    if (g.values.defined()) inner = diag_embed(cast(g.values, f64));
    if (g.vectors.defined()) {
      const Tensor turned = matmul(vt, cast(g.vectors, f64)),
                   lengthened = matmul(vt, v) * unsqueeze(diagonal(turned), -2);
      inner = internal::added(inner, internal::quotient(without_diagonal(turned - lengthened), differences(w)));
    }
    return solve(vt, matmul(inner, vt));
  }
  static std::vector<SampleOf<Eig>> samples(Rng& rng) {
    // Similar to diagonal matrices, so that the eigenvalues are real.
    const auto real = [&rng](const Shape& shape) {
      const Tensor v = internal::distinct_matrices(shape, rng);
      const std::int64_t n = shape[-1];
      return matmul(v * arange(1, static_cast<double>(n) + 1, 1, f64), inverse(v)).detach();
    };
    return {{{real({3, 3})}},
            {{real({2, 2, 2})}},
            {{transpose(real({2, 2}))}},
            {{zeros({0, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Eig>> bad_inputs() {
    return {{{zeros({2, 3})}, {}, "eig: a is [2, 3]; a square matrix is expected, [..., n, n]"},
            {{zeros({2})}, {}, "eig: a is [2]"},
            {{tensor({0, 1, -1, 0}, {2, 2})}, {}, "eig: a, f32 [2, 2], has eigenvalues that are not real"}};
  }
};

using SpectralOps = OpList<Eigh, Svd, Eig>;

}  // namespace ops

using ops::SpectralOps;

namespace {

/// Orthonormal columns [..., n, k], and others that make a square matrix of them. The others are a basis of what is
/// orthogonal to the columns, whichever eigh() finds, and follow when those move.
Tensor completed(const Tensor& columns) {
  const std::int64_t n = columns.shape()[-2], k = columns.shape()[-1];
  if (n == k) return columns;
  const Tensor fixed = columns.detach(), projector = eye(n, columns.dtype()) - matmul(fixed, transpose(fixed));
  const Tensor others = slice(eigh(projector).vectors, -1, k).detach();
  return concat({columns, qr(others - matmul(columns, matmul(transpose(columns), others))).q}, -1);
}

}  // namespace

Eigh eigh(const Tensor& a) { return SpectralOps::apply<ops::Eigh>({a}); }

Svd svd(const Tensor& a, bool full) {
  const auto parts = SpectralOps::apply<ops::Svd>({a});
  const auto whole = [full](const Tensor& columns) { return full ? completed(columns) : columns; };
  return {whole(parts.u), parts.s, transpose(whole(parts.v))};
}

Eig eig(const Tensor& a) { return SpectralOps::apply<ops::Eig>({a}); }
Tensor eigvals(const Tensor& a) { return eig(a).values; }

std::span<const OpEntry> spectral_ops() { return SpectralOps::entries; }

}  // namespace tapegrad
