#pragma once
// Activations, elementwise. At a kink the gradient is that of the flatter side; where nothing else is said, that is 0.
//
// softmax: shares along an axis. Infinities are taken as limits: softmax of a lane of -inf alone is 0, several +inf
// share evenly.

#include <tapegrad/core/tensor.hpp>
#include <tapegrad/op/operand.hpp>

namespace tapegrad {

/// 1 / (1 + exp(-x)), for any x without overflow.
Tensor sigmoid(const Tensor& x);
/// log(sigmoid(x)), for any x without overflow.
Tensor log_sigmoid(const Tensor& x);
/// log(1 + exp(x)), for any x without overflow.
Tensor softplus(const Tensor& x);
/// x / (1 + |x|).
Tensor softsign(const Tensor& x);

/// max(x, 0).
Tensor relu(const Tensor& x);
/// min(max(x, 0), 6).
Tensor relu6(const Tensor& x);
/// x where positive, else slope · x; gradient `slope` at 0. ValueError unless slope is finite.
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
/// x where positive, else alpha · (exp(x) - 1). ValueError for a negative or infinite alpha.
Tensor elu(const Tensor& x, double alpha = 1);
/// ELU with the scale and alpha that keep mean 0 and variance 1.
Tensor selu(const Tensor& x);
/// x where positive, else alpha · (exp(x / alpha) - 1): smooth at 0. ValueError unless alpha is positive and finite.
Tensor celu(const Tensor& x, double alpha = 1);

/// x times the probability that a standard normal variable is below x.
Tensor gelu(const Tensor& x);
/// The approximation of gelu by tanh, as GPT-2 has it.
Tensor gelu_tanh(const Tensor& x);
/// x · sigmoid(x).
Tensor silu(const Tensor& x);
/// x · tanh(softplus(x)).
Tensor mish(const Tensor& x);

/// min(max(x, low), high). ValueError unless low is below high.
Tensor hardtanh(const Tensor& x, double low = -1, double high = 1);
/// min(max(x / 6 + 1/2, 0), 1).
Tensor hardsigmoid(const Tensor& x);
/// x · hardsigmoid(x); gradient 0 at -3, 1 at 3.
Tensor hardswish(const Tensor& x);

/// x moved towards 0 by `bound`, and 0 where |x| is no larger. ValueError for a negative or infinite bound.
Tensor softshrink(const Tensor& x, double bound = 0.5);
/// x, and 0 where |x| is no larger than `bound`. ValueError for a negative or infinite bound.
Tensor hardshrink(const Tensor& x, double bound = 0.5);
/// x where positive, else slope · x; both broadcast, both have gradients.
Tensor prelu(const Operand& x, const Operand& slope);
/// ln(x / (1 - x)), the inverse of sigmoid: NaN outside [0, 1], as SciPy and PyTorch have it, and its gradient too.
Tensor logit(const Tensor& x);

/// The first half of x along an axis · sigmoid(the second half). ShapeError for an odd extent.
Tensor glu(const Tensor& x, int axis = -1);

/// The name formulas use for sigmoid.
inline Tensor logistic(const Tensor& x) { return sigmoid(x); }

/// exp(x) / Σ exp(x) along `axis`, shifted so that no exponential overflows. x: any shape of rank 1 or more.
Tensor softmax(const Tensor& x, int axis = -1);
/// ln softmax(x), exact where the share itself would round to 0.
Tensor log_softmax(const Tensor& x, int axis = -1);

}  // namespace tapegrad
