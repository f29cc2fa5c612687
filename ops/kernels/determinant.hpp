#pragma once
// Determinants of one dense row-major f64 matrix [n, n], n at least 1, and their derivatives, which exist for every
// matrix, singular ones too. Rows and columns may be graded over the whole range: nothing over- or underflows unless
// the result does. A matrix with a NaN or an infinity gives NaN.

#include <cstdint>

namespace tapegrad::kernels {

double determinant(const double* a, std::int64_t n);
/// sign (-1, 0 or 1) and ln |det a|; 0 and -inf for a singular matrix.
void slogdet(const double* a, double& sign, double& logarithm, std::int64_t n);
/// y[i, j] = d det a / d a[i, j].
void cofactor(const double* a, double* y, std::int64_t n);
/// y[i, j] = Σ g[k, l] d² det a / d a[i, j] d a[k, l].
void cofactor_gradient(const double* a, const double* g, double* y, std::int64_t n);
/// Whether expressions in f64 that divide by det a still give its third derivatives, to ten digits of the largest.
bool far_from_singular(const double* a, std::int64_t n);

}  // namespace tapegrad::kernels
