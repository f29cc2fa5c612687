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
namespace {

constexpr internal::Refusal kSingular{"a", "is singular; a multiple of the identity added to it may help"};

/// The shape of y in a y = b.
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

/// What a y = b declares, however Self solves it.
template <class Self>
struct Equation {
  struct In {
    Tensor a, b;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor a, y;  ///< y for the gradient of a
  };
  static Out solution(const In& in) { return {op::spec(solution_shape(Self::info, in.a, in.b), in.a.dtype())}; }
  static Cost equation_cost(const In& in, const Out& out) {
    const Shape &a = in.a.shape(), &y = out.y.shape();
    return internal::matrix_cost(internal::batch_of(y), Self::flops(a, y), {in.a, in.b, out.y});
  }
};

}  // namespace

namespace ops {

struct Solve : Equation<Solve> {
  static constexpr OpInfo info{.name = "solve",
                               .formula = "y = a⁻¹ b",
                               .doc = "The solution of a y = b, by LU with partial pivoting; a must be regular.",
                               .group = Group::linear_algebra};
  static Out shapes(const In& in) { return solution(in); }
  static double flops(const Shape& a, const Shape& y) {
    const auto n = static_cast<double>(a[-1]);
    return n * n * (2 * n / 3 + 2 * static_cast<double>(y[-1]));
  }
  static std::optional<Out> instead(const In& in) { return internal::in_f64_if<Solve>(internal::Extremes::both, in); }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = out.y.shape();
    const std::int64_t n = shape[-2], m = shape[-1];
    internal::for_matrices(info, kSingular, flops(in.a.shape(), shape), internal::batch_of(shape), in.a, in.b, out.y,
                           [=](const double* a, const double* b, double* y) { return kernels::solve(a, b, y, n, m); });
    return {in.a, op::keep_for(in.a, out.y)};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    d.b = solve(transpose(kept.a), g.y);
    if (wanted(&In::a)) d.a = -matmul(d.b, transpose(kept.y));
    return d;
  }
  static Cost cost(const In& in, const Out& out) { return equation_cost(in, out); }
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

struct TriangularSolve : Equation<TriangularSolve> {
  static constexpr OpInfo info{.name = "triangular_solve",
                               .formula = "y = a⁻¹ b for triangular a",
                               .doc = "The solution of a y = b, or of aᵀ y = b; one triangle of a is read.",
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
  static Out shapes(const Attrs&, const In& in) { return solution(in); }
  static double flops(const Shape& a, const Shape& y) {
    return static_cast<double>(a[-1]) * static_cast<double>(a[-1]) * static_cast<double>(y[-1]);
  }
  static std::optional<Out> instead(const Attrs& a, const In& in) {
    return internal::in_f64_if<TriangularSolve>(internal::Extremes::both, in, a);
  }
  static Kept forward(const Attrs& t, const In& in, Out& out) {
    const Shape& shape = out.y.shape();
    const std::int64_t n = shape[-2], m = shape[-1];
    constexpr internal::Refusal kZero{"a", "has a zero on its diagonal, so there is no solution"};
    internal::for_matrices(info, kZero, flops(in.a.shape(), shape), internal::batch_of(shape), in.a, in.b, out.y,
                           [&](const double* a, const double* b, double* y) {
                             return kernels::triangular_solve(a, b, y, n, m, {t.upper, t.transposed, t.unit_diagonal});
                           });
    return {in.a, op::keep_for(in.a, out.y)};
  }
  static In pull(const Attrs& t, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    d.b = triangular_solve(kept.a, g.y, {t.upper, !t.transposed, t.unit_diagonal});
    if (!wanted(&In::a)) return d;
    const Tensor full = -(t.transposed ? matmul(kept.y, transpose(d.b)) : matmul(d.b, transpose(kept.y)));
    const int inside = t.unit_diagonal ? 1 : 0;
    d.a = t.upper ? triu(full, inside) : tril(full, -inside);
    return d;
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return equation_cost(in, out); }
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
  struct In {
    Tensor a;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor y;
  };
  static constexpr OpInfo info{.name = "inverse",
                               .formula = "y = a⁻¹",
                               .doc = "The inverse of a regular matrix, by LU with partial pivoting.",
                               .group = Group::linear_algebra};
  static void check(const In& in) { internal::require_square(info, "a", in.a); }
  static Out shapes(const In& in) { return {op::spec(in.a.shape(), in.a.dtype())}; }
  static std::optional<Out> instead(const In& in) { return internal::in_f64_if<Inverse>(internal::Extremes::both, in); }
  static Kept forward(const In& in, Out& out) {
    const Shape& shape = in.a.shape();
    const std::int64_t n = shape[-1];
    internal::for_matrices(info, kSingular, 2 * cube(shape), internal::batch_of(shape), in.a, {}, out.y,
                           [=](const double* a, const double*, double* y) { return kernels::invert(a, y, n); });
    return {out.y};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    const Tensor flipped = transpose(kept.y);
    return {-matmul(matmul(flipped, g.y), flipped)};
  }
  static Cost cost(const In& in, const Out& out) {
    const Shape& shape = in.a.shape();
    return internal::matrix_cost(internal::batch_of(shape), 2 * cube(shape), {in.a, out.y});
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

namespace {

/// The solution for one right-hand side [n] or many [..., n, m].
template <class Solver>
Tensor for_right_hand_sides(const Tensor& b, const Solver& solver) {
  return b.rank() == 1 ? squeeze(solver(unsqueeze(b, 1)), -1) : solver(b);
}

}  // namespace

Tensor solve(const Tensor& a, const Tensor& b) {
  return for_right_hand_sides(b, [&](const Tensor& sides) { return LinearSolveOps::apply<ops::Solve>({a, sides}).y; });
}

Tensor triangular_solve(const Tensor& a, const Tensor& b, const TriangularOptions& options) {
  return for_right_hand_sides(b, [&](const Tensor& sides) {
    return LinearSolveOps::apply<ops::TriangularSolve>({options}, {a, sides}).y;
  });
}

Tensor inverse(const Tensor& a) { return LinearSolveOps::apply<ops::Inverse>({a}).y; }

std::span<const OpEntry> linear_solve_ops() { return LinearSolveOps::entries; }

}  // namespace tapegrad
