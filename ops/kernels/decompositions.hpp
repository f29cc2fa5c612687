#pragma once
// Eigen's decompositions of one dense row-major matrix, behind plain pointers, so that one file alone compiles them.
// They compute in double whatever the dtype: single precision would double the time to compile for results that are
// half as good. A matrix with a NaN or an infinity gives NaN. Extents are at least 1.

#include <cstdint>

namespace tapegrad::kernels {

/// l with l lᵀ = (a + aᵀ) / 2, lower triangular; false when that is not positive definite.
bool cholesky(const double* a, double* l, std::int64_t n);

struct Triangle {
  bool upper = false, transposed = false, unit_diagonal = false;
};
/// x [n, m] with a x = b, or aᵀ x = b; reads one triangle of a. False when there is a zero on its diagonal.
bool triangular_solve(const double* a, const double* b, double* x, std::int64_t n, std::int64_t m, Triangle triangle);

/// x [n, m] with a x = b; false when a is singular to the last bit.
bool solve(const double* a, const double* b, double* x, std::int64_t n, std::int64_t m);
/// As solve() with the identity for b.
bool invert(const double* a, double* y, std::int64_t n);

/// a [rows, columns] = q r: q [rows, k] with orthonormal columns, and r [k, columns], upper triangular, whose diagonal
/// is not negative; k is the smaller extent.
void qr(const double* a, double* q, double* r, std::int64_t rows, std::int64_t columns);

/// (a + aᵀ) / 2 = v diag(w) vᵀ: w ascending; in each column of v the first of the largest elements is positive. False
/// when the iteration did not converge.
bool eigh(const double* a, double* w, double* v, std::int64_t n);

/// a v = v diag(w), with real w, ascending, and columns of v of length 1, the first of whose largest elements is
/// positive. False when an eigenvalue is not real or the iteration did not converge.
bool eig(const double* a, double* w, double* v, std::int64_t n);

/// a [rows, columns] = u diag(s) vᵀ: u [rows, k], s descending, v [columns, k]; in each column of u the first of the
/// largest elements is positive. False when the iteration did not converge.
bool svd(const double* a, double* u, double* s, double* v, std::int64_t rows, std::int64_t columns);

/// y [columns, rows], the pseudo-inverse of a [rows, columns], whose singular values up to `tolerance` times the
/// largest count as 0. False when the iteration did not converge.
bool pseudo_inverse(const double* a, double* y, std::int64_t rows, std::int64_t columns, double tolerance);

/// Row order[i] of a [rows, columns] is row i of l u: l [rows, k] with ones on its diagonal and nothing larger below, u
/// [k, columns] upper triangular; k is the smaller extent.
void lu(const double* a, double* order, double* l, double* u, std::int64_t rows, std::int64_t columns);

/// y = I + a + a²/2! + a³/3! + …
void matrix_exp(const double* a, double* y, std::int64_t n);

}  // namespace tapegrad::kernels
