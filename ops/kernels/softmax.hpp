#pragma once
// Softmax along the middle axis of a slab, and what is built on it. Infinities are taken as limits: among values that
// are all -inf nothing has a share (softmax 0, logsumexp -inf); values of +inf share evenly. NaN spreads along its
// lane.

#include <span>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/ops/internal/slab.hpp>

namespace tapegrad::kernels {

template <class T>
void softmax(const Slab& s, const T* x, T* y);
template <class T>
void log_softmax(const Slab& s, const T* x, T* y);
/// y is [outer, inner].
template <class T>
void logsumexp(const Slab& s, const T* x, T* y);

/// dx = y (g - Σ g y) for y = softmax(x).
template <class T>
void softmax_gradient(const Slab& s, const T* g, const T* y, T* dx);
/// dx = g - exp(y) Σ g for y = log_softmax(x).
template <class T>
void log_softmax_gradient(const Slab& s, const T* g, const T* y, T* dx);

/// What a sample of cross_entropy adds up: -Σ over classes of (own [class = target] + spread) weight ln softmax.
template <class T>
struct CrossEntropyTerms {
  std::span<const std::int64_t> targets;  ///< [outer, inner], each a class or `ignored`
  std::int64_t ignored;                   ///< the target of samples whose loss is 0
  const T* weights;                       ///< of the classes; null means all 1
  T own, spread;

  T weight(std::int64_t c) const { return weights ? weights[c] : T{1}; }
  T own_weight(std::int64_t target) const { return own * weight(target); }
  T spread_weight(std::int64_t c) const { return spread * weight(c); }
  T total_spread(std::int64_t classes) const {
    Total<T> total = 0;
    for (std::int64_t c = 0; spread != 0 && c < classes; ++c) total += spread_weight(c);
    return static_cast<T>(total);
  }
};

/// y[lane] = the loss of each sample.
template <class T, class L>
void cross_entropy(const Slab& s, const T* x, const CrossEntropyTerms<T>& terms, L* losses);
/// dx = g[lane] times d(loss of lane)/dx, in one pass; g has one element where `g_step` is 0.
template <class T>
void cross_entropy_gradient(const Slab& s, const T* x, const CrossEntropyTerms<T>& terms, const T* g,
                            std::int64_t g_step, T* dx);

}  // namespace tapegrad::kernels
