#pragma once
// Elements brought to mean 0 and variance 1 (or only to mean square 1) in groups, then scaled and shifted: what layer,
// batch, group and RMS normalisation are.

#include <cstdint>

namespace tapegrad::kernels {

/// A dense array as [outer, repeats, groups, channels, inner]. There is one mean and variance for each (outer, group),
/// over all else; one weight and one bias for each (group, channel).
struct NormLayout {
  std::int64_t outer = 1, repeats = 1, groups = 1, channels = 1, inner = 1;

  std::int64_t numel() const { return outer * repeats * groups * channels * inner; }
  std::int64_t coefficients() const { return groups * channels; }
};

template <class T>
struct NormTerms {
  const T* weight;  ///< null means 1
  const T* bias;    ///< null means 0
  double eps;       ///< added to the variance
  bool centered;    ///< false: the mean is not taken off, and the variance is the mean square
};

/// What normalize() can leave of each (outer, group) for its gradients, which else compute it again.
inline constexpr std::int64_t kNormStatistics = 3;

/// `statistics` may be null.
template <class T>
void normalize(const NormLayout& layout, const NormTerms<T>& terms, const T* x, T* y, T* statistics);
/// Where gradients go; null where they are not wanted.
template <class T>
struct NormGradients {
  T* x;
  T* weight;  ///< [groups, channels]: Σ g x̂, where x̂ is x before it is scaled and shifted
  T* bias;    ///< [groups, channels]: Σ g
};
/// Of y, whose cotangent is g. `statistics` may be null.
template <class T>
void normalize_gradients(const NormLayout& layout, const NormTerms<T>& terms, const T* x, const T* statistics,
                         const T* g, const NormGradients<T>& gradients);
/// Mean and variance, divided by the count less `correction`, of each (outer, group).
template <class T>
void moments(const NormLayout& layout, double correction, const T* x, T* mean, T* variance);

}  // namespace tapegrad::kernels
