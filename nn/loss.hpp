#pragma once
// Losses of a model's output against targets, in the form that optim::Trainer takes: nn::cross_entropy by name. Each is
// the mean over the samples; for other options, write a lambda around the function in ops/.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad::nn {

/// Of logits [N, C] and classes [N], or probabilities [N, C].
Tensor cross_entropy(const Tensor& logits, const Tensor& targets);
/// Of logits and targets in [0, 1] of one shape.
Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets);
/// Mean squared error, of one shape.
Tensor mse(const Tensor& outputs, const Tensor& targets);
/// Mean absolute error, of one shape.
Tensor mae(const Tensor& outputs, const Tensor& targets);

}  // namespace tapegrad::nn
