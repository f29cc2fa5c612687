#pragma once
// Equations, inverses, determinants and decompositions of matrices: the last two axes; axes in front are a batch.
// Computed in f64 whatever the dtype, deterministically: signs that mathematics leaves open are fixed. A matrix with a
// NaN or an infinity gives NaN; one outside the domain that is said is a ValueError that names it.

#include <cstdint>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// x with a x = b. a [..., n, n] is regular; b is [..., n, m], or [n], one right-hand side. The batches broadcast.
Tensor solve(const Tensor& a, const Tensor& b);

/// Of triangular_solve().
struct TriangularOptions {
  bool upper = false;          ///< which triangle of a is read
  bool transposed = false;     ///< solve aᵀ x = b
  bool unit_diagonal = false;  ///< take the diagonal as 1, whatever it is
};
/// As solve() where a is triangular; the other triangle is not read. Regular means no zero on the diagonal.
Tensor triangular_solve(const Tensor& a, const Tensor& b, const TriangularOptions& options = {});

/// a⁻¹ of regular matrices [..., n, n]. To solve equations, solve() is faster and more exact.
Tensor inverse(const Tensor& a);

/// The pseudo-inverse [..., m, n] of a [..., n, m]. Singular values up to `tolerance` times the largest count as 0; so
/// do those that rounding makes of 0, up to max(n, m) times the dtype's epsilon, as in PyTorch. The gradient is that
/// among matrices of the same rank.
Tensor pinv(const Tensor& a, double tolerance = 0);
/// The x of least length among those for which |a x - b| is least, for a [..., n, m] of any rank and b [..., n, k] or
/// [n]: pinv(a) b.
Tensor lstsq(const Tensor& a, const Tensor& b, double tolerance = 0);

/// a · a · … of `power` factors, a⁻¹ where it is negative; the identity where it is 0. a is [..., n, n].
Tensor matrix_power(const Tensor& a, std::int64_t power);
/// I + a + a² / 2! + a³ / 3! + … of [..., n, n].
Tensor matrix_exp(const Tensor& a);

/// The determinant of [..., n, n], 1 of 0 × 0. Its first and second derivatives hold for singular matrices too; so does
/// the third up to 3 × 3, which is a ValueError for larger matrices near singular ones.
Tensor det(const Tensor& a);
/// d det(a) / da: det(a) a⁻ᵀ, where that exists, else its limit.
Tensor cofactor(const Tensor& a);
/// The gradient of cofactor(a) for the cotangent g [..., n, n]: the second derivative of det along g.
Tensor cofactor_gradient(const Tensor& a, const Tensor& g);

/// A determinant by its sign and its logarithm.
struct SignAndLog {
  Tensor sign;    ///< -1, 0 or 1; gradient 0
  Tensor logdet;  ///< ln |det a|, -inf for singular matrices; its gradient needs regular ones
};
/// The determinant as sign · exp(logdet), which neither overflows nor underflows.
SignAndLog slogdet(const Tensor& a);
/// ln det a: -inf for singular matrices, NaN where the determinant is negative.
Tensor logdet(const Tensor& a);

/// The lower triangular l with l lᵀ = (a + aᵀ) / 2, which is positive definite.
Tensor cholesky(const Tensor& a);
/// x with l lᵀ x = b, for what cholesky() gave; with `upper`, lᵀ l x = b. PyTorch takes b first.
Tensor cholesky_solve(const Tensor& l, const Tensor& b, bool upper = false);
/// (l lᵀ)⁻¹; with `upper`, (lᵀ l)⁻¹.
Tensor cholesky_inverse(const Tensor& l, bool upper = false);

/// The factors of an LU decomposition.
struct Lu {
  Tensor order;  ///< [..., n], i64: which row of a is row i of l u
  Tensor l;      ///< [..., n, k], ones on the diagonal and below it nothing above 1; k = min(n, m)
  Tensor u;      ///< [..., k, m], upper triangular
};
/// a[order] = l u for a [..., n, m], singular ones too. The gradient needs full rank (of the first k rows in order and
/// columns).
Lu lu(const Tensor& a);
/// x with a x = b, for what lu() gave of regular matrices. b is [..., n, m], or [n]. The batches broadcast.
Tensor lu_solve(const Lu& factors, const Tensor& b);

/// The factors of a QR decomposition.
struct Qr {
  Tensor q;  ///< [..., n, k], with orthonormal columns; k = min(n, m)
  Tensor r;  ///< [..., k, m], upper triangular with a diagonal that is not negative
};
/// a = q r for a [..., n, m]. The gradient needs full rank (of the first k columns).
Qr qr(const Tensor& a);

/// Eigenvalues and eigenvectors of a symmetric matrix.
struct Eigh {
  Tensor values;   ///< [..., n], ascending
  Tensor vectors;  ///< [..., n, n], one a column, orthonormal; the first of the largest elements of each is positive
};
/// Eigenvalues and eigenvectors of (a + aᵀ) / 2. The gradient through the vectors needs distinct values: it is NaN or
/// infinite where equal ones' vectors are told apart. That through the values alone always exists.
Eigh eigh(const Tensor& a);

/// The factors of a singular value decomposition.
struct Svd {
  Tensor u;   ///< [..., n, k], with orthonormal columns, the first of the largest elements of each positive
  Tensor s;   ///< [..., k], descending, not negative; k = min(n, m)
  Tensor vh;  ///< [..., k, m], with orthonormal rows
};
/// a = u diag(s) vh for a [..., n, m]. The gradient through u and vh needs distinct s, not 0: otherwise as in eigh().
/// With `full`, u is [..., n, n] and vh [..., m, m]: what is added completes a basis. It is not unique; its gradient
/// serves what does not depend on the choice.
Svd svd(const Tensor& a, bool full = false);

/// Eigenvalues and eigenvectors of a matrix.
struct Eig {
  Tensor values;   ///< [..., n], ascending
  Tensor vectors;  ///< [..., n, n], one a column, of length 1; the first of the largest elements of each is positive
};
/// Eigenvalues and right eigenvectors of matrices that need not be symmetric: a vectors = vectors diag(values).
/// ValueError where an eigenvalue is not real: there are no complex tensors. The gradient needs distinct values.
Eig eig(const Tensor& a);
/// The values alone.
Tensor eigvals(const Tensor& a);

}  // namespace tapegrad
