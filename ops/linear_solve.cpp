#include <tapegrad/core/create.hpp>
#include <tapegrad/core/record.hpp>
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

constexpr internal::Refusal kSingular{"a", "is singular; a multiple of the identity added to it may help"};

/// The shape of x in a x = b.
Shape solution_shape(const OpInfo& op, const Tensor& a, const Tensor& b) {
  internal::require_square(op, "a", a);
  const std::string name(op.name);
  if (b.rank() < 2 || b.shape()[-2] != a.shape()[-1])
    throw ShapeError(name + ": a is " + to_string(a.shape()) + " and b " + to_string(b.shape()) +
                     "; b must have as many rows as a, [..., n, m] or [n]");
  try {
    const Shape batch = broadcast_shapes(name.c_str(), internal::batch_of(a.shape()), internal::batch_of(b.shape()));
    return internal::with_matrix(batch, b.shape()[-2], b.shape()[-1]);
  } catch (const ShapeError&) {
    throw ShapeError(name + ": a is " + to_string(a.shape()) + " and b " + to_string(b.shape()) +
                     "; their batches do not broadcast");
  }
}

double cube(const Shape& matrix) {
  const auto n = static_cast<double>(matrix[-1]);
  return n * n * n;
}

}  // namespace

namespace ops {

struct Solve {
  static constexpr OpInfo info{.name = "solve",
                               .formula = "y = a⁻¹ b",
                               .doc = "The solution of a y = b, by LU with partial pivoting; a must be regular.",
                               .inputs = {"a", "b"},
                               .saves = {.inputs = {0}, .output = true},
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a, const Tensor& b) {
    return {solution_shape(info, a, b), a.dtype()};
  }
  static double flops(const Shape& a, const Shape& y) {
    const auto n = static_cast<double>(a[-1]);
    return n * n * (2 * n / 3 + 2 * static_cast<double>(y[-1]));
  }
  static void forward(const Attrs&, const Tensor& a, const Tensor& b, Tensor& y) {
    const std::int64_t n = y.shape()[-2], m = y.shape()[-1];
    internal::for_matrices(
        info, kSingular, flops(a.shape(), y.shape()), internal::batch_of(y.shape()), a, b, y,
        [=](const double* left, const double* right, double* x) { return kernels::solve(left, right, x, n, m); });
  }
  static Tensor back(const Tensor& a, const Tensor& g) {
    return shared_by_rules([&] { return std::vector{solve(transpose(a), g)}; })[0];
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, const Tensor& a, Unsaved, const Tensor& y) {
    return -matmul(back(a, g), transpose(y));
  }
  static Tensor vjp(wrt<1>, const Attrs&, const Tensor& g, const Tensor& a, Unsaved, const Tensor&) {
    return back(a, g);
  }
  static Cost cost(const Attrs&, const Node& node) {
    return internal::matrix_cost(node, internal::batch_of(node.shape),
                                 flops(node.edges()[0].node()->shape, node.shape));
  }
  static std::vector<SampleOf<Solve>> samples(Rng& rng) {
    const auto a = [&](const Shape& shape) { return internal::distinct_matrices(shape, rng); };
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{a({3, 3}), x({3, 2})}},    {{a({2, 2, 2}), x({2, 3})}},
            {{a({2, 2}), x({3, 2, 1})}}, {{transpose(a({3, 3})), transpose(x({1, 3}))}},
            {{x({0, 0}), x({0, 2})}},    {{a({0, 2, 2}), x({0, 2, 2})}},
            {{a({2, 2}), x({2, 0})}}};
  }
  static std::vector<BadInputOf<Solve>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({2, 1})}, {}, "solve: a is [2, 3]; a square matrix is expected"},
            {{zeros({2, 2}), zeros({3, 1})}, {}, "solve: a is [2, 2] and b [3, 1]; b must have as many rows as a"},
            {{zeros({2, 2}), zeros({2})}, {}, "b [2]; b must have as many rows"},
            {{ones({2, 2}), zeros({2, 1})}, {}, "solve: a, f32 [2, 2], is singular"},
            {{zeros({3, 2, 2}), zeros({2, 1})}, {}, "solve: matrix 0 of a, f32 [3, 2, 2], is singular"},
            {{zeros({2, 2, 2}), zeros({3, 2, 1})}, {}, "their batches do not broadcast"}};
  }
};

struct TriangularSolve {
  static constexpr OpInfo info{.name = "triangular_solve",
                               .formula = "y = a⁻¹ b for triangular a",
                               .doc = "The solution of a y = b, or of aᵀ y = b; one triangle of a is read.",
                               .inputs = {"a", "b"},
                               .saves = {.inputs = {0}, .output = true},
                               .group = Group::linear_algebra};
  struct Attrs : TriangularOptions {
    bool operator==(const Attrs& other) const {
      return upper == other.upper && transposed == other.transposed && unit_diagonal == other.unit_diagonal;
    }
    static constexpr auto fields() {
      return std::tuple{Field<Attrs, bool>{"upper", &Attrs::upper, "read the upper triangle of a, not the lower"},
                        Field<Attrs, bool>{"transposed", &Attrs::transposed, "solve aᵀ y = b"},
                        Field<Attrs, bool>{"unit_diagonal", &Attrs::unit_diagonal, "take a's diagonal as 1"}};
    }
  };
  static TensorSpec result(const Attrs&, const Tensor& a, const Tensor& b) {
    return {solution_shape(info, a, b), a.dtype()};
  }
  static double flops(const Shape& a, const Shape& y) {
    return static_cast<double>(a[-1]) * static_cast<double>(a[-1]) * static_cast<double>(y[-1]);
  }
  static void forward(const Attrs& t, const Tensor& a, const Tensor& b, Tensor& y) {
    const std::int64_t n = y.shape()[-2], m = y.shape()[-1];
    constexpr internal::Refusal kZero{"a", "has a zero on its diagonal, so there is no solution"};
    internal::for_matrices(
        info, kZero, flops(a.shape(), y.shape()), internal::batch_of(y.shape()), a, b, y,
        [&](const double* left, const double* right, double* x) {
          return kernels::triangular_solve(left, right, x, n, m, {t.upper, t.transposed, t.unit_diagonal});
        });
  }
  static Tensor back(const Attrs& t, const Tensor& a, const Tensor& g) {
    return shared_by_rules([&] {
      return std::vector{triangular_solve(a, g, {t.upper, !t.transposed, t.unit_diagonal})};
    })[0];
  }
  static Tensor vjp(wrt<0>, const Attrs& t, const Tensor& g, const Tensor& a, Unsaved, const Tensor& y) {
    const Tensor v = back(t, a, g);
    const Tensor full = -(t.transposed ? matmul(y, transpose(v)) : matmul(v, transpose(y)));
    const int inside = t.unit_diagonal ? 1 : 0;
    return t.upper ? triu(full, inside) : tril(full, -inside);
  }
  static Tensor vjp(wrt<1>, const Attrs& t, const Tensor& g, const Tensor& a, Unsaved, const Tensor&) {
    return back(t, a, g);
  }
  static Cost cost(const Attrs&, const Node& node) {
    return internal::matrix_cost(node, internal::batch_of(node.shape),
                                 flops(node.edges()[0].node()->shape, node.shape));
  }
  static std::vector<SampleOf<TriangularSolve>> samples(Rng& rng) {
    const auto a = [&](const Shape& shape) { return internal::distinct_matrices(shape, rng); };
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{a({3, 3}), x({3, 2})}, {}},
            {{a({3, 3}), x({3, 1})}, {{.upper = true}}},
            {{a({2, 3, 3}), x({3, 1})}, {{.upper = true, .transposed = true}}},
            {{a({2, 2}), x({2, 2, 2})}, {{.transposed = true, .unit_diagonal = true}}},
            {{transpose(a({3, 3})), transpose(x({2, 3}))}, {{.unit_diagonal = true}}},
            {{a({2, 2}), x({2, 2})}, {}},
            {{x({0, 0}), x({0, 2})}, {}}};
  }
  static std::vector<BadInputOf<TriangularSolve>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({2, 1})}, {}, "triangular_solve: a is [2, 3]; a square matrix is expected"},
            {{zeros({2, 2}), zeros({3, 1})}, {}, "b must have as many rows as a"},
            {{zeros({2, 2}), zeros({2, 1})}, {}, "triangular_solve: a, f32 [2, 2], has a zero on its diagonal"}};
  }
};

struct Inverse {
  static constexpr OpInfo info{.name = "inverse",
                               .formula = "y = a⁻¹",
                               .doc = "The inverse of a regular matrix, by LU with partial pivoting.",
                               .inputs = {"a"},
                               .saves = kSavesOutput,
                               .group = Group::linear_algebra};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& a) {
    internal::require_square(info, "a", a);
    return {a.shape(), a.dtype()};
  }
  static void forward(const Attrs&, const Tensor& a, Tensor& y) {
    const std::int64_t n = y.shape()[-1];
    internal::for_matrices(info, kSingular, 2 * cube(a.shape()), internal::batch_of(y.shape()), a, {}, y,
                           [=](const double* in, const double*, double* out) { return kernels::invert(in, out, n); });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved, const Tensor& y) {
    const Tensor flipped = transpose(y);
    return -matmul(matmul(flipped, g), flipped);
  }
  static Cost cost(const Attrs&, const Node& node) {
    return internal::matrix_cost(node, internal::batch_of(node.shape), 2 * cube(node.shape));
  }
  static std::vector<SampleOf<Inverse>> samples(Rng& rng) {
    return {{{internal::distinct_matrices({3, 3}, rng)}},
            {{internal::distinct_matrices({2, 2, 2}, rng)}},
            {{transpose(internal::distinct_matrices({2, 2}, rng))}},
            {{zeros({0, 0}, f64)}},
            {{zeros({0, 2, 2}, f64)}}};
  }
  static std::vector<BadInputOf<Inverse>> bad_inputs() {
    return {{{zeros({2, 3})}, {}, "inverse: a is [2, 3]; a square matrix is expected, [..., n, n]"},
            {{zeros({2})}, {}, "inverse: a is [2]"},
            {{ones({1, 2, 2})}, {}, "inverse: a, f32 [1, 2, 2], is singular"}};
  }
};

using LinearSolveOps = OpList<Solve, TriangularSolve, Inverse>;

}  // namespace ops

using ops::LinearSolveOps;

Tensor solve(const Tensor& a, const Tensor& b) {
  if (b.rank() != 1) return LinearSolveOps::apply<ops::Solve>(NoAttrs{}, a, b);
  return squeeze(LinearSolveOps::apply<ops::Solve>(NoAttrs{}, a, unsqueeze(b, 1)), -1);
}

Tensor triangular_solve(const Tensor& a, const Tensor& b, const TriangularOptions& options) {
  const ops::TriangularSolve::Attrs attributes{options};
  if (b.rank() != 1) return LinearSolveOps::apply<ops::TriangularSolve>(attributes, a, b);
  return squeeze(LinearSolveOps::apply<ops::TriangularSolve>(attributes, a, unsqueeze(b, 1)), -1);
}

Tensor inverse(const Tensor& a) { return LinearSolveOps::apply<ops::Inverse>(NoAttrs{}, a); }

std::span<const OpEntry> linear_solve_ops() { return LinearSolveOps::entries; }

}  // namespace tapegrad
