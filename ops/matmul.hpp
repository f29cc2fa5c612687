#pragma once
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// The matrix product of the last two axes; axes before them broadcast. A vector (rank 1) is a row on the left and a
/// column on the right, and its axis goes away. Transposed views are read without a copy.
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace tapegrad
