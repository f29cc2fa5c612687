#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/cast.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/join.hpp>
#include <tapegrad/ops/kernels/determinant.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/matmul.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

constexpr internal::Refusal kNever{"a", "cannot be factorised"};

double lu_flops(const Shape& a) {
  const auto n = static_cast<double>(a[-1]);
  return 2 * n * n * n / 3;
}

/// Something of each matrix, spread over it.
Tensor over_matrices(const Tensor& t) { return unsqueeze(unsqueeze(t, -1), -1); }

}  // namespace

namespace ops {

struct Det {
  static constexpr OpInfo info{.name = "det",
                               .formula = "y = det a",
                               .doc = "The determinant, by LU with partial pivoting.",
                               .inputs = {"a"},
                               .saves = kSavesInputs,
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a) {
    internal::require_square(info, "a", a);
    return {internal::batch_of(a.shape()), a.dtype()};
  }
  static void forward(const Attrs&, const Tensor& a, Tensor& y) {
    const std::int64_t n = a.shape()[-1];
    if (n == 0) return y.fill(1);
    internal::for_matrices(info, kNever, lu_flops(a.shape()), y.shape(), a, {}, y,
                           [=](const double* in, const double*, double* out) {
                             *out = kernels::determinant(in, n);
                             return true;
                           });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, const Tensor& a, Unsaved) {
    return over_matrices(g) * cofactor(a);
  }
  static Cost cost(const Attrs&, const Node& node) {
    return internal::matrix_cost(node, node.shape, lu_flops(node.edges()[0].node()->shape));
  }
  static std::vector<SampleOf<Det>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({1, 2, 3, 3}, rng)}},
            {{randn({2, 2, 2}, f64, rng)}},
            {{transpose(randn({2, 2}, f64, rng))}},
            {{randn({1, 1}, f64, rng)}},
            {{internal::distinct_matrices({4, 4}, rng)}},
            {{ones({2, 2}, f64)}},
            {{stack({zeros({3, 3}, f64), ones({3, 3}, f64)})}},
            {{zeros({0, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Det>> bad_inputs() {
    return {{{zeros({2, 3})}, {}, "det: a is [2, 3]; a square matrix is expected, [..., n, n]"},
            {{zeros({3})}, {}, "det: a is [3]"}};
  }
};

struct Cofactor {
  static constexpr OpInfo info{.name = "cofactor",
                               .formula = "y[i, j] = d det a / d a[i, j]",
                               .doc = "The transposed adjugate: det(a) a⁻ᵀ for regular matrices, its limit for others.",
                               .inputs = {"a"},
                               .saves = kSavesInputs,
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a) {
    internal::require_square(info, "a", a);
    return {a.shape(), a.dtype()};
  }
  static void forward(const Attrs&, const Tensor& a, Tensor& y) {
    const std::int64_t n = a.shape()[-1];
    internal::for_matrices(info, kNever, 4 * lu_flops(a.shape()), internal::batch_of(a.shape()), a, {}, y,
                           [=](const double* in, const double*, double* out) {
                             kernels::cofactor(in, out, n);
                             return true;
                           });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, const Tensor& a, Unsaved) {
    const std::int64_t n = a.shape()[-1];
    if (n < 2) return {};
    return n == 2 ? cofactor(g) : cofactor_gradient(a, g);  // linear for n = 2, and symmetric
  }
  static Cost cost(const Attrs&, const Node& node) {
    return internal::matrix_cost(node, internal::batch_of(node.shape), 4 * lu_flops(node.shape));
  }
  static std::vector<SampleOf<Cofactor>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({1, 2, 3, 3}, rng)}},
            {{randn({2, 2, 2}, f64, rng)}},
            {{transpose(internal::distinct_matrices({3, 3}, rng))}},
            {{zeros({0, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Cofactor>> bad_inputs() {
    return {{{zeros({2, 3})}, {}, "cofactor: a is [2, 3]; a square matrix is expected"}};
  }
};

/// The second derivative of det, along g.
struct CofactorGradient {
  static constexpr OpInfo info{.name = "cofactor_gradient",
                               .formula = "y[i, j] = Σ g[k, l] d² det a / d a[i, j] d a[k, l]",
                               .doc = "The gradient of cofactor for the cotangent g, of singular matrices too.",
                               .inputs = {"a", "g"},
                               .saves = kSavesAll,
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a, const Tensor& g) {
    internal::require_square(info, "a", a);
    if (g.shape() != a.shape())
      throw ShapeError("cofactor_gradient: a is " + to_string(a.shape()) + " and g " + to_string(g.shape()) +
                       "; they must have one shape");
    return {a.shape(), a.dtype()};
  }
  static void forward(const Attrs&, const Tensor& a, const Tensor& g, Tensor& y) {
    const std::int64_t n = a.shape()[-1];
    internal::for_matrices(info, kNever, 8 * lu_flops(a.shape()), internal::batch_of(a.shape()), a, g, y,
                           [=](const double* in, const double* along, double* out) {
                             kernels::cofactor_gradient(in, along, out, n);
                             return true;
                           });
  }
  // Of what the rule's own inputs are named, c is the cotangent.
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& c, const Tensor& a, const Tensor& g, const Tensor& y) {
    const std::int64_t n = a.shape()[-1];
    if (n < 3) return zeros(a.shape(), a.dtype());
    if (n == 3) return cofactor_gradient(c, g);  // bilinear and symmetric
    require_far_from_singular(a);
    return cast(third_derivative(cast(a, f64), cast(g, f64), cast(c, f64), cast(y, f64)), a.dtype());
  }
  static Tensor vjp(wrt<1>, const Attrs&, const Tensor& c, const Tensor& a, const Tensor&, const Tensor&) {
    return cofactor_gradient(a, c);
  }
  /// Of regular matrices, by y = (Σ g cof · cof - cof gᵀ cof) / det.
  static Tensor third_derivative(const Tensor& a, const Tensor& g, const Tensor& c, const Tensor& y) {
    const auto inner = [](const Tensor& u, const Tensor& v) { return over_matrices(sum(u * v, {-2, -1})); };
    const Tensor d = over_matrices(det(a)), cof = cofactor(a), flipped = transpose(cof);
    const Tensor products = matmul(matmul(c, flipped), g) + matmul(matmul(g, flipped), c);
    return cofactor_gradient(a, (g * inner(c, cof) + c * inner(g, cof) - products) / d) - cof * (inner(c, y) / d);
  }
  static void require_far_from_singular(const Tensor& a) {
    constexpr internal::Refusal kNear{"a", "is near singular, where the third derivative of det is not provided"};
    const std::int64_t n = a.shape()[-1];
    Tensor checked = empty(internal::batch_of(a.shape()), f64);
    internal::for_matrices(info, kNear, 8 * lu_flops(a.shape()), checked.shape(), a, {}, checked,
                           [=](const double* in, const double*, double* out) {
                             *out = 1;
                             return kernels::far_from_singular(in, n);
                           });
  }
  static Cost cost(const Attrs&, const Node& node) {
    return internal::matrix_cost(node, internal::batch_of(node.shape), 8 * lu_flops(node.shape));
  }
  static std::vector<SampleOf<CofactorGradient>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({3, 3}), x({3, 3})}},
            {{internal::distinct_matrices({4, 4}, rng), x({4, 4})}},
            {{x({1, 2, 3, 3}), x({1, 2, 3, 3})}},
            {{ones({3, 3}, f64), x({3, 3})}},
            {{transpose(x({3, 3})), transpose(x({3, 3}))}},
            {{x({2, 2}), x({2, 2})}},
            {{x({1, 1}), x({1, 1})}},
            {{zeros({0, 0}, f64), zeros({0, 0}, f64)}},
            {{zeros({0, 3, 3}, f64), zeros({0, 3, 3}, f64)}}};
  }
  static std::vector<BadInputOf<CofactorGradient>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({2, 3})}, {}, "cofactor_gradient: a is [2, 3]; a square matrix is expected"},
            {{zeros({2, 2}), zeros({2})}, {}, "a is [2, 2] and g [2]; they must have one shape"}};
  }
};

struct SLogDet {
  static constexpr OpInfo info{.name = "slogdet",
                               .formula = "y = [sign det a, ln |det a|]",
                               .doc = "Both results in one, along the last axis; the sign has no gradient.",
                               .inputs = {"a"},
                               .saves = kSavesInputs,
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a) {
    internal::require_square(info, "a", a);
    const Shape batch = internal::batch_of(a.shape());
    return {batch.insert(batch.rank(), 2), a.dtype()};
  }
  static void forward(const Attrs&, const Tensor& a, Tensor& y) {
    const std::int64_t n = a.shape()[-1];
    if (n == 0) return y.copy_from(tensor({1, 0}, y.dtype()));
    internal::for_matrices(info, kNever, lu_flops(a.shape()), internal::batch_of(a.shape()), a, {}, y,
                           [=](const double* in, const double*, double* out) {
                             kernels::slogdet(in, out[0], out[1], n);
                             return true;
                           });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, const Tensor& a, Unsaved) {
    return over_matrices(select(g, -1, 1)) * transpose(inverse(a));
  }
  static Cost cost(const Attrs&, const Node& node) {
    const Shape& a = node.edges()[0].node()->shape;
    return internal::matrix_cost(node, internal::batch_of(a), lu_flops(a));
  }
  static std::vector<SampleOf<SLogDet>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{-internal::distinct_matrices({2, 3, 3}, rng)}},
            {{transpose(internal::distinct_matrices({2, 2}, rng))}},
            {{zeros({0, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<SLogDet>> bad_inputs() {
    return {{{zeros({2, 3})}, {}, "slogdet: a is [2, 3]; a square matrix is expected"}};
  }
};

using DeterminantOps = OpList<Det, Cofactor, CofactorGradient, SLogDet>;

}  // namespace ops

using ops::DeterminantOps;

Tensor det(const Tensor& a) { return DeterminantOps::apply<ops::Det>(NoAttrs{}, a); }
Tensor cofactor_gradient(const Tensor& a, const Tensor& g) {
  return DeterminantOps::apply<ops::CofactorGradient>(NoAttrs{}, a, g);
}
Tensor cofactor(const Tensor& a) { return DeterminantOps::apply<ops::Cofactor>(NoAttrs{}, a); }

SignAndLog slogdet(const Tensor& a) {
  const Tensor both = DeterminantOps::apply<ops::SLogDet>(NoAttrs{}, a);
  return {select(both, -1, 0).detach(), select(both, -1, 1)};
}

std::span<const OpEntry> determinant_ops() { return DeterminantOps::entries; }

}  // namespace tapegrad
