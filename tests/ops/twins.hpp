#pragma once
// A fused op against the same function put together from primitives.

#include <functional>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::tests {

using Unary = std::function<Tensor(const Tensor&)>;

/// Expects equal values and equal derivatives of f64 `x` up to `order`, within 1e-8: each order differentiates a
/// weighted sum of the one before, both as recorded and, for the last, as computed without a record.
void expect_twins(const Unary& fused, const Unary& composed, const Tensor& x, int order);

}  // namespace tapegrad::tests
