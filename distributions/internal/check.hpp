#pragma once
// What parameters of distributions must be.

#include <span>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::distributions {

/// DTypeError unless all are of one floating dtype.
void require_one_dtype(const char* distribution, std::initializer_list<Tensor> parameters);
/// ValueError unless all elements are finite, or finite and above 0.
void require_finite(const char* distribution, const char* parameter, const Tensor& values);
void require_positive(const char* distribution, const char* parameter, const Tensor& values);

/// [shape…, batch…].
Shape drawn_shape(const Shape& shape, const Shape& batch);

}  // namespace tapegrad::distributions
