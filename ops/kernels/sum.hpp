#pragma once
// Sums in a fixed order: the shape alone decides which additions are done, on any number of threads.

#include <tapegrad/ops/kernels/slab.hpp>

namespace tapegrad::kernels {

/// y [outer, inner] = Σ over the middle axis of x.
template <class T>
void sum(const Slab& s, const T* x, T* y);

/// Halved down to short runs: the error grows with the logarithm of n.
template <class T>
T pairwise_sum(const T* x, std::int64_t n);

}  // namespace tapegrad::kernels
