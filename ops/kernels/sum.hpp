#pragma once
// Sums in a fixed order: the shape alone decides which additions are done, on any number of threads.

#include <tapegrad/ops/internal/slab.hpp>

namespace tapegrad::kernels {

/// y [outer, inner] = Σ over the middle axis of x, added as core/internal/summation.hpp says.
template <class T, class S>
void sum(const Slab& s, const T* x, S* y);

}  // namespace tapegrad::kernels
