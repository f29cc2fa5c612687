#pragma once
// Reductions over any set of axes; no axes means all. keepdims leaves reduced axes with extent 1.

#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

using Axes = std::vector<std::int64_t>;

/// Pairwise within blocks: the error grows with the logarithm of the count. The sum of nothing is 0.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// The mean of nothing is NaN.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

}  // namespace tapegrad
