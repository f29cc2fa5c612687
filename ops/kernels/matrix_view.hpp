#pragma once
// A matrix in memory.

#include <cstdint>

namespace tapegrad::kernels {

/// Element (i, j) at data[i * row + j * column]. One of the steps is 1 (or the extent is).
template <class T>
struct MatrixView {
  T* data;
  std::int64_t rows, columns, row, column;

  MatrixView turned() const { return {data, columns, rows, column, row}; }
  MatrixView some_rows(std::int64_t begin, std::int64_t end) const {
    return {data + begin * row, end - begin, columns, row, column};
  }
  MatrixView some_columns(std::int64_t begin, std::int64_t end) const {
    return {data + begin * column, rows, end - begin, row, column};
  }
};

}  // namespace tapegrad::kernels
