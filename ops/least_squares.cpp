#include <algorithm>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/kernels/decompositions.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct Pinv {
  struct In {
    Tensor a;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor a, y;
  };
  struct Attrs {
    double tolerance = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"tolerance", &Attrs::tolerance,
                              "singular values up to this times the largest count as 0; at least rounding errors do"}};
    }
  };
  static constexpr OpInfo info{.name = "pinv",
                               .formula = "y = v diag(1 / s) uᵀ, where a = u diag(s) vᵀ",
                               .doc = "The pseudo-inverse; singular values that count as 0 stay 0.",
                               .group = Group::linear_algebra,
                               .source = "Golub and Pereyra 1973, for the gradient",
                               .accuracy = {.normwise = true, .reason = "the error of a matrix's least elements"}};
  static void check(const Attrs& at, const In& in) {
    internal::require_matrices(info, "a", in.a);
    if (!(at.tolerance >= 0 && at.tolerance < 1))
      throw ValueError("pinv: tolerance is " + format_attribute(at.tolerance) + ", not from 0 to below 1");
  }
  static Out shapes(const Attrs&, const In& in) {
    const Shape& shape = in.a.shape();
    return {op::spec(internal::with_matrix(internal::batch_of(shape), shape[-1], shape[-2]), in.a.dtype())};
  }
  static double flops(const Shape& a) {
    const double k = static_cast<double>(std::min(a[-1], a[-2]));
    return 14 * static_cast<double>(a[-1]) * static_cast<double>(a[-2]) * k;
  }
  /// What counts as 0 at least: the rounding errors of a's dtype.
  static double tolerance_of(const Attrs& at, const Tensor& a) {
    const double epsilon =
        a.dtype() == f64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
    return std::max(at.tolerance, epsilon * static_cast<double>(std::max(a.shape()[-2], a.shape()[-1])));
  }
  static Kept forward(const Attrs& at, const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t rows = shape[-2], columns = shape[-1];
    const double tolerance = tolerance_of(at, in.a);
    internal::for_matrices(info, {"a", "did not converge; are its elements of very different sizes?"}, flops(shape),
                           internal::batch_of(shape), in.a, {}, out.y, [=](const double* a, const double*, double* y) {
                             return kernels::pseudo_inverse(a, y, rows, columns, tolerance);
                           });
    return {in.a, out.y};
  }
  // While the rank stays, dy = -y da y + y yᵀ daᵀ (1 - a y) + (1 - y a) daᵀ yᵀ y.
  static In pull(const Attrs& at, const Kept& kept, const Out& g, op::Wanted<In>) {
    if (kept.a.dtype() == f64) return {gradient(kept.a, kept.y, g.y)};
    // The rounded y would cost the gradient digits and range.
    const Tensor a = cast(kept.a, f64);
    return {cast(gradient(a, pinv(a, tolerance_of(at, kept.a)), cast(g.y, f64)), kept.a.dtype())};
  }
  static Tensor gradient(const Tensor& a, const Tensor& y, const Tensor& g) {
    const Tensor yt = transpose(y), gt = transpose(g);
    const Tensor left = matmul(gt, matmul(y, yt)), right = matmul(matmul(yt, y), gt);
    return (left - matmul(a, matmul(y, left))) + (right - matmul(matmul(right, y), a)) - matmul(matmul(yt, g), yt);
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) {
    return internal::matrix_cost(internal::batch_of(in.a.shape()), flops(in.a.shape()), {in.a, out.y});
  }
  static std::vector<SampleOf<Pinv>> samples(Rng& rng) {
    // What counts as 0 does not depend on the dtype, so that f32 and f64 can be compared.
    const Attrs both{.tolerance = 1e-5};
    return {{{internal::distinct_matrices({3, 3}, rng)}, both},
            {{internal::distinct_matrices({2, 3, 2}, rng)}, both},
            {{internal::distinct_matrices({2, 4}, rng)}, both},
            {{transpose(internal::distinct_matrices({2, 3}, rng))}, both},
            {{zeros({0, 2}, f64)}},
            {{zeros({2, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Pinv>> bad_inputs() {
    return {{{zeros({2})}, {}, "pinv: a is [2]; a matrix is expected, [..., n, m]"},
            {{eye(2)}, {.tolerance = 1}, "pinv: tolerance is 1, not from 0 to below 1"},
            {{eye(2)}, {.tolerance = -1}, "pinv: tolerance is -1, not from 0 to below 1"}};
  }
};

using LeastSquaresOps = OpList<Pinv>;

}  // namespace ops

using ops::LeastSquaresOps;

Tensor pinv(const Tensor& a, double tolerance) { return LeastSquaresOps::apply<ops::Pinv>({tolerance}, {a}).y; }

Tensor lstsq(const Tensor& a, const Tensor& b, double tolerance) { return matmul(pinv(a, tolerance), b); }

std::span<const OpEntry> least_squares_ops() { return LeastSquaresOps::entries; }

}  // namespace tapegrad
