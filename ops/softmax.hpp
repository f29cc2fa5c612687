#pragma once
// Shares along an axis. Infinities are taken as limits: softmax of a lane of -inf alone is 0, several +inf share
// evenly.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// exp(x) / Σ exp(x) along `axis`, shifted so that no exponential overflows. x: any shape of rank 1 or more.
Tensor softmax(const Tensor& x, int axis = -1);
/// ln softmax(x), exact where the share itself would round to 0.
Tensor log_softmax(const Tensor& x, int axis = -1);

}  // namespace tapegrad
