#pragma once
// Equations, inverses, determinants and decompositions of matrices: the last two axes; axes in front are a batch.
// Computed in f64 whatever the dtype, deterministically: signs that mathematics leaves open are fixed. A matrix with a
// NaN or an infinity gives NaN; one outside the domain that is said is a ValueError that names it.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// x with a x = b. a [..., n, n] is regular; b is [..., n, m], or [n], one right-hand side. The batches broadcast.
Tensor solve(const Tensor& a, const Tensor& b);

struct TriangularOptions {
  bool upper = false;          ///< which triangle of a is read
  bool transposed = false;     ///< solve aᵀ x = b
  bool unit_diagonal = false;  ///< take the diagonal as 1, whatever it is
};
/// As solve() where a is triangular; the other triangle is not read. Regular means no zero on the diagonal.
Tensor triangular_solve(const Tensor& a, const Tensor& b, const TriangularOptions& options = {});

/// a⁻¹ of regular matrices [..., n, n]. To solve equations, solve() is faster and more exact.
Tensor inverse(const Tensor& a);

/// The determinant of [..., n, n], 1 of 0 × 0. Its first and second derivatives hold for singular matrices too; so does
/// the third up to 3 × 3, which is a ValueError for larger matrices near singular ones.
Tensor det(const Tensor& a);
/// d det(a) / da: det(a) a⁻ᵀ, where that exists, else its limit.
Tensor cofactor(const Tensor& a);
/// The gradient of cofactor(a) for the cotangent g [..., n, n]: the second derivative of det along g.
Tensor cofactor_gradient(const Tensor& a, const Tensor& g);

struct SignAndLog {
  Tensor sign;    ///< -1, 0 or 1; gradient 0
  Tensor logdet;  ///< ln |det a|, -inf for singular matrices; its gradient needs regular ones
};
/// The determinant as sign · exp(logdet), which neither overflows nor underflows.
SignAndLog slogdet(const Tensor& a);

/// The lower triangular l with l lᵀ = (a + aᵀ) / 2, which is positive definite.
Tensor cholesky(const Tensor& a);

struct Qr {
  Tensor q;  ///< [..., n, k], with orthonormal columns; k = min(n, m)
  Tensor r;  ///< [..., k, m], upper triangular with a diagonal that is not negative
};
/// a = q r for a [..., n, m]. The gradient needs full rank (of the first k columns).
Qr qr(const Tensor& a);

struct Eigh {
  Tensor values;   ///< [..., n], ascending
  Tensor vectors;  ///< [..., n, n], one a column, orthonormal; the first of the largest elements of each is positive
};
/// Eigenvalues and eigenvectors of (a + aᵀ) / 2. The gradient through the vectors needs distinct values: it is NaN or
/// infinite where equal ones' vectors are told apart. That through the values alone always exists.
Eigh eigh(const Tensor& a);

struct Svd {
  Tensor u;   ///< [..., n, k], with orthonormal columns, the first of the largest elements of each positive
  Tensor s;   ///< [..., k], descending, not negative; k = min(n, m)
  Tensor vh;  ///< [..., k, m], with orthonormal rows
};
/// a = u diag(s) vh for a [..., n, m]. The gradient through u and vh needs distinct s, not 0: otherwise as in eigh().
Svd svd(const Tensor& a);

}  // namespace tapegrad
