#pragma once
// Activations, elementwise.

#include <tapegrad/ops/operand.hpp>

namespace tapegrad {

/// 1 / (1 + exp(-x)), for any x without overflow.
Tensor sigmoid(const Tensor& x);
/// max(x, 0); gradient 0 at 0.
Tensor relu(const Tensor& x);
/// x where positive, else slope · x; gradient `slope` at 0.
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
/// log(1 + exp(x)), for any x without overflow.
Tensor softplus(const Tensor& x);

/// The name formulas use for sigmoid.
inline Tensor logistic(const Tensor& x) { return sigmoid(x); }

}  // namespace tapegrad
