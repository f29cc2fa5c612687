#pragma once
// Triangles and diagonals of matrices; axes in front are a batch. Diagonal k is above the main one where k > 0.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// The elements on and below diagonal `k`, zeros above.
Tensor tril(const Tensor& x, std::int64_t k = 0);
/// The elements on and above diagonal `k`, zeros below.
Tensor triu(const Tensor& x, std::int64_t k = 0);

/// A view of diagonal `k` between two axes, which go away; it becomes the last axis.
Tensor diagonal(const Tensor& x, std::int64_t k = 0, int row_axis = -2, int column_axis = -1);
/// Square matrices with the last axis of x on diagonal `k`, zeros elsewhere.
Tensor diag_embed(const Tensor& x, std::int64_t k = 0);
/// Of a vector, the matrix that has it on diagonal `k`; of a matrix, that diagonal.
Tensor diag(const Tensor& x, std::int64_t k = 0);
/// The sum of the main diagonal.
Tensor trace(const Tensor& x);

}  // namespace tapegrad
