#pragma once
// What all changes in place ask first.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad::internal {

/// Whether changing `x` by `y` is recorded; `y` may be undefined. GraphError that begins with `name` if `x` is a leaf
/// that then would no longer be the one that collects the gradient.
bool changes_are_recorded(const char* name, const Tensor& x, const Tensor& y);

/// DTypeError if `x` is an integer's and a value of dtype `given` a fraction's.
void require_dtype(const char* name, const Tensor& x, DType given);

}  // namespace tapegrad::internal
