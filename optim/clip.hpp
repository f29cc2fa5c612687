#pragma once
// Limits for gradients, between backward() and step().

#include <tapegrad/core/named_tensors.hpp>

namespace tapegrad::optim {

/// The Euclidean norm of all gradients together; parameters without one count as zero. A row of a row-sparse gradient
/// that occurs twice counts as the sum of both.
double grad_norm(const NamedTensors& parameters);

/// Scales all gradients by one factor so that their norm is at most `max_norm`. Returns the norm before. If it is not
/// finite, nothing is scaled. Throws ValueError unless `max_norm` is above 0.
double clip_grad_norm(const NamedTensors& parameters, double max_norm);

/// Multiplies all gradients.
void scale_grad(const NamedTensors& parameters, double factor);

/// Moves each element of the gradients into [-limit, limit]. Throws ValueError unless `limit` is above 0.
void clip_grad_value(const NamedTensors& parameters, double limit);

}  // namespace tapegrad::optim
