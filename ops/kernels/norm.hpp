#pragma once
// Sums of powers of rows, computed in f64, whose intermediate results neither over- nor underflow: where squares could
// leave the range, a power of two, which is exact, first brings the largest magnitude near 1.

#include <cstdint>

namespace tapegrad::kernels {

/// (Σ |x|ᵖ)^(1/p) for p above 0; the largest magnitude for p = inf. 0 of nothing.
double norm(const float* x, std::int64_t n, double p);
double norm(const double* x, std::int64_t n, double p);

/// Σ (x - mean)² = sum · 4^exponent.
struct SquaredDeviations {
  double sum;
  int exponent = 0;
};
SquaredDeviations squared_deviations(const float* x, std::int64_t n);
SquaredDeviations squared_deviations(const double* x, std::int64_t n);

/// a·b / (max(|a|, epsilon) max(|b|, epsilon)), in [-1, 1].
double cosine(const float* a, const float* b, std::int64_t n, double epsilon);
double cosine(const double* a, const double* b, std::int64_t n, double epsilon);

/// A power of two that brings `size` near 1, as near as powers of two that are normal in T do. 1 where size is 0 or not
/// finite.
template <class T>
T scale_to_one(T size);

}  // namespace tapegrad::kernels
