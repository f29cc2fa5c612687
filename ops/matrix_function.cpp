#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/matrices.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/kernels/decompositions.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct MatrixExp {
  struct In {
    Tensor a;
  };
  struct Out {
    Tensor y;
  };
  using Kept = In;
  static constexpr OpInfo info{.name = "matrix_exp",
                               .formula = "y = I + a + a² / 2! + a³ / 3! + …",
                               .doc = "By squares of a Padé approximant.",
                               .group = Group::linear_algebra,
                               .source = "Higham 2005",
                               .accuracy = {.normwise = true, .reason = "the error of a matrix's least elements"}};
  static void check(const In& in) { internal::require_square(info, "a", in.a); }
  static Out shapes(const In& in) { return {op::spec(in.a.shape(), in.a.dtype())}; }
  static double flops(const Shape& a) {
    const auto n = static_cast<double>(a[-1]);
    return 20 * n * n * n;
  }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t n = shape[-1];
    internal::for_matrices(info, {"a", "has no exponential"}, flops(shape), internal::batch_of(shape), in.a, {}, out.y,
                           [=](const double* a, const double*, double* y) {
                             kernels::matrix_exp(a, y, n);
                             return true;
                           });
    return in;
  }
  // The derivative along d is the upper right block of exp([[a, d], [0, a]]); its adjoint has aᵀ for a. It is linear in
  // d, which is made no larger than a, so that it does not cost squarings and digits.
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    const Tensor at = transpose(kept.a);
    const std::int64_t n = at.shape()[-1];
    const Tensor scale = internal::scale_to_one(g.y, {-2, -1});
    const Tensor upper = concat({at, g.y * scale}, -1), lower = concat({zeros_like(at), at}, -1);
    const Tensor whole = matrix_exp(concat({upper, lower}, -2));
    return {slice(slice(whole, -2, 0, n), -1, n) / scale};
  }
  static Cost cost(const In& in, const Out& out) {
    return internal::matrix_cost(internal::batch_of(in.a.shape()), flops(in.a.shape()), {in.a, out.y});
  }
  static std::vector<SampleOf<MatrixExp>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({2, 2}, rng)}},
            {{internal::distinct_matrices({2, 2, 2}, rng)}},
            {{transpose(internal::distinct_matrices({3, 3}, rng))}},
            {{zeros({0, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<MatrixExp>> bad_inputs() {
    return {{{zeros({2, 3})}, {}, "matrix_exp: a is [2, 3]; a square matrix is expected, [..., n, n]"},
            {{zeros({2})}, {}, "matrix_exp: a is [2]"}};
  }
};

using MatrixFunctionOps = OpList<MatrixExp>;

}  // namespace ops

using ops::MatrixFunctionOps;

Tensor matrix_exp(const Tensor& a) { return MatrixFunctionOps::apply<ops::MatrixExp>({a}).y; }

Tensor matrix_power(const Tensor& a, std::int64_t power) {
  if (a.rank() < 2 || a.shape()[-1] != a.shape()[-2])
    throw ShapeError("matrix_power: a is " + to_string(a.shape()) + "; a square matrix is expected, [..., n, n]");
  // No element of a counts in the identity, be it infinite.
  if (power == 0) return where(full({}, 1, boolean), broadcast_to(eye(a.shape()[-1], a.dtype()), a.shape()), a);
  Tensor square = power < 0 ? inverse(a) : a, product;
  for (auto rest = power < 0 ? -static_cast<std::uint64_t>(power) : static_cast<std::uint64_t>(power);;) {
    if (rest % 2 == 1) product = product.defined() ? matmul(product, square) : square;
    if ((rest /= 2) == 0) return product;
    square = matmul(square, square);
  }
}

std::span<const OpEntry> matrix_function_ops() { return MatrixFunctionOps::entries; }

}  // namespace tapegrad
