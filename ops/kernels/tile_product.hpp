#pragma once
// A product on the calling thread, tile by tile.

#include <tapegrad/ops/kernels/matrix_view.hpp>

namespace tapegrad::kernels {

/// c = a b + beta c, with every operand in any steps; fast where b or c has column step 1. An element's bits depend on
/// its row of a, its column of b and beta c alone: neither on its place nor on the other rows and columns.
template <class T>
void tile_product(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c);

/// The same for a c of one row and a b with row step 1, with another order of the terms.
template <class T>
void row_product(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c);

/// Whether cᵀ = bᵀ aᵀ takes less time than c = a b.
template <class T>
bool better_turned(const MatrixView<const T>& a, const MatrixView<const T>& b);

}  // namespace tapegrad::kernels
