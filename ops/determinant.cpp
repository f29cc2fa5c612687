#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/in_f64.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/kernels/determinant.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
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

/// What functions of square matrices declare alike.
template <class Self>
struct OfSquare {
  struct In {
    Tensor a;
  };
  struct Out {
    Tensor y;
  };
  using Kept = In;
  static void check(const In& in) { internal::require_square(Self::info, "a", in.a); }
};

}  // namespace

namespace ops {

struct Det : OfSquare<Det> {
  static constexpr OpInfo info{.name = "det",
                               .formula = "y = det a",
                               .doc = "The determinant, by LU with partial pivoting.",
                               .group = Group::linear_algebra};
  static Out shapes(const In& in) { return {op::spec(internal::batch_of(in.a.shape()), in.a.dtype())}; }
  static std::optional<Out> instead(const In& in) { return internal::in_f64_if<Det>(internal::Extremes::both, in); }
  static Kept forward(const In& in, Out& out) {
    const std::int64_t n = in.a.shape()[-1];
    if (n == 0)
      out.y.fill(1);
    else
      internal::for_matrices(info, kNever, lu_flops(in.a.shape()), out.y.shape(), in.a, {}, out.y,
                             [=](const double* a, const double*, double* y) {
                               *y = kernels::determinant(a, n);
                               return true;
                             });
    return in;
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) { return {over_matrices(g.y) * cofactor(kept.a)}; }
  static Cost cost(const In& in, const Out& out) {
    return internal::matrix_cost(out.y.shape(), lu_flops(in.a.shape()), {in.a, out.y});
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

struct Cofactor : OfSquare<Cofactor> {
  static constexpr OpInfo info{.name = "cofactor",
                               .formula = "y[i, j] = d det a / d a[i, j]",
                               .doc = "The transposed adjugate: det(a) a⁻ᵀ for regular matrices, its limit for others.",
                               .group = Group::linear_algebra};
  static Out shapes(const In& in) { return {op::spec(in.a.shape(), in.a.dtype())}; }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t n = shape[-1];
    internal::for_matrices(info, kNever, 4 * lu_flops(shape), internal::batch_of(shape), in.a, {}, out.y,
                           [=](const double* a, const double*, double* y) {
                             kernels::cofactor(a, y, n);
                             return true;
                           });
    return in;
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    const std::int64_t n = kept.a.shape()[-1];
    if (n < 2) return {};
    return {n == 2 ? cofactor(g.y) : cofactor_gradient(kept.a, g.y)};  // linear for n = 2, and symmetric
  }
  static Cost cost(const In& in, const Out& out) {
    const Shape& shape = in.a.shape();
    return internal::matrix_cost(internal::batch_of(shape), 4 * lu_flops(shape), {in.a, out.y});
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
  struct In {
    Tensor a, g;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor a, g, y;
  };
  static constexpr OpInfo info{.name = "cofactor_gradient",
                               .formula = "y[i, j] = Σ g[k, l] d² det a / d a[i, j] d a[k, l]",
                               .doc = "The gradient of cofactor for the cotangent g, of singular matrices too.",
                               .group = Group::linear_algebra};
  static void check(const In& in) {
    internal::require_square(info, "a", in.a);
    if (in.g.shape() != in.a.shape())
      throw ShapeError("cofactor_gradient: a is " + to_string(in.a.shape()) + " and g " + to_string(in.g.shape()) +
                       "; they must have one shape");
  }
  static Out shapes(const In& in) { return {op::spec(in.a.shape(), in.a.dtype())}; }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t n = shape[-1];
    internal::for_matrices(info, kNever, 8 * lu_flops(shape), internal::batch_of(shape), in.a, in.g, out.y,
                           [=](const double* a, const double* g, double* y) {
                             kernels::cofactor_gradient(a, g, y, n);
                             return true;
                           });
    return {in.a, op::keep_for(in.a, in.g), op::keep_for(in.a, out.y)};
  }
  static In pull(const Kept& kept, const Out& cotangent, op::Wanted<In> wanted) {
    const Tensor& c = cotangent.y;
    In d;
    if (wanted(&In::a)) d.a = slope(kept, c);
    if (wanted(&In::g)) d.g = cofactor_gradient(kept.a, c);
    return d;
  }
  /// Of a: the third derivative of det, along g and c.
  static Tensor slope(const Kept& kept, const Tensor& c) {
    const auto& [a, g, y] = kept;
    const std::int64_t n = a.shape()[-1];
    if (n < 3) return zeros(a.shape(), a.dtype());
    if (n == 3) return cofactor_gradient(c, g);  // bilinear and symmetric
    require_far_from_singular(a);
    return cast(third_derivative(cast(a, f64), cast(g, f64), cast(c, f64), cast(y, f64)), a.dtype());
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
  static Cost cost(const In& in, const Out& out) {
    const Shape& shape = in.a.shape();
    return internal::matrix_cost(internal::batch_of(shape), 8 * lu_flops(shape), {in.a, in.g, out.y});
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

struct SLogDet : OfSquare<SLogDet> {
  using Out = SignAndLog;
  static constexpr OpInfo info{.name = "slogdet",
                               .formula = "sign = sign det a, logdet = ln |det a|",
                               .doc = "The determinant in two parts; the sign has no gradient.",
                               .group = Group::linear_algebra};
  static Out shapes(const In& in) {
    const auto part = [&] { return op::spec(internal::batch_of(in.a.shape()), in.a.dtype()); };
    return {part(), part()};
  }
  static std::optional<Out> instead(const In& in) { return internal::in_f64_if<SLogDet>(internal::Extremes::both, in); }
  static Kept forward(const In& in, Out& out) {
    const std::int64_t n = in.a.shape()[-1];
    if (n == 0) {
      out.sign.fill(1);
      out.logdet.fill(0);
    } else {
      internal::for_matrices(info, kNever, lu_flops(in.a.shape()), out.sign.shape(), in.a, {}, {&out.sign, &out.logdet},
                             [=](const double* a, const double*, std::span<double* const> to) {
                               kernels::slogdet(a, *to[0], *to[1], n);
                               return true;
                             });
    }
    return in;
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    if (!g.logdet.defined()) return {};
    return {over_matrices(g.logdet) * transpose(inverse(kept.a))};
  }
  static Cost cost(const In& in, const Out& out) {
    return internal::matrix_cost(out.sign.shape(), lu_flops(in.a.shape()), {in.a, out.sign, out.logdet});
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

Tensor det(const Tensor& a) { return DeterminantOps::apply<ops::Det>({a}).y; }
Tensor cofactor(const Tensor& a) { return DeterminantOps::apply<ops::Cofactor>({a}).y; }
Tensor cofactor_gradient(const Tensor& a, const Tensor& g) {
  return DeterminantOps::apply<ops::CofactorGradient>({a, g}).y;
}

SignAndLog slogdet(const Tensor& a) {
  const SignAndLog parts = DeterminantOps::apply<ops::SLogDet>({a});
  return {parts.sign.detach(), parts.logdet};
}

Tensor logdet(const Tensor& a) {
  const auto [sign, log] = slogdet(a);
  return where(sign < 0, std::numeric_limits<double>::quiet_NaN(), log);
}

std::span<const OpEntry> determinant_ops() { return DeterminantOps::entries; }

}  // namespace tapegrad
