#include <algorithm>
#include <memory>
#include <tapegrad/ops/kernels/tile.hpp>
#include <tapegrad/ops/kernels/tile_product.hpp>

namespace tapegrad::kernels {
namespace {

// A panel of b is copied where so many rows of a or more read it, unless its rows lie close together.
constexpr std::int64_t kPackRows = 100;
// Rows of a tile that is turned before it gets into the result.
constexpr std::int64_t kTileRows = 48;

constexpr std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

template <class T>
constexpr std::int64_t kMostLanes = kRegisterBytes / static_cast<std::int64_t>(sizeof(T));
template <class T>
constexpr std::int64_t kPanelColumns = kPanelBytes / static_cast<std::int64_t>(sizeof(T));

template <class T>
struct Panel {
  const T* data;
  std::int64_t row;
};

/// c (+)= a times a panel, where c lies across: by way of tiles.
template <class T>
[[gnu::noinline]] void multiply_across(const Tile<T>& kernels, const MatrixView<const T>& a, const Panel<T>& panel,
                                       const MatrixView<T>& c, bool add) {
  alignas(kRegisterBytes) T tile[kTileRows * kPanelColumns<T>], turned[kTileRows * kPanelColumns<T>];
  const std::int64_t step = round_up(c.columns, kernels.lanes);
  for (std::int64_t begin = 0; begin < c.rows; begin += kTileRows) {
    const MatrixView<const T> left = a.some_rows(begin, std::min(c.rows, begin + kTileRows));
    kernels.multiply(left.rows, c.columns, left.columns, left.data, left.row, left.column, panel.data, panel.row, tile,
                     step, false);
    kernels.transpose(left.rows, c.columns, tile, step, turned, kTileRows);
    for (std::int64_t j = 0; j < c.columns; ++j) {
      const T* from = turned + j * kTileRows;
      T* to = c.data + begin * c.row + j * c.column;
      if (add)
        for (std::int64_t i = 0; i < left.rows; ++i) to[i * c.row] += from[i];
      else
        for (std::int64_t i = 0; i < left.rows; ++i) to[i * c.row] = from[i];
    }
  }
}

template <class T>
void multiply_panel(const Tile<T>& kernels, const MatrixView<const T>& a, const Panel<T>& panel, const MatrixView<T>& c,
                    bool add) {
  if (c.column != 1) return multiply_across(kernels, a, panel, c, add);
  kernels.multiply(c.rows, c.columns, a.columns, a.data, a.row, a.column, panel.data, panel.row, c.data, c.row, add);
}

template <class T>
[[gnu::noinline]] void multiply_packed(const Tile<T>& kernels, const MatrixView<const T>& a,
                                       const MatrixView<const T>& b, const MatrixView<T>& c, bool add) {
  struct alignas(kRegisterBytes) Storage {
    T numbers[kDepth * kPanelColumns<T>];
  };
  static thread_local std::unique_ptr<Storage> storage;  // not on the stack, which may be small
  if (!storage) storage.reset(new Storage);
  T* panel = storage->numbers;
  const std::int64_t row = round_up(b.columns, kernels.lanes);
  if (b.column == 1)
    kernels.copy(b.rows, b.columns, b.data, b.row, panel, row);
  else
    kernels.transpose(b.columns, b.rows, b.data, b.column, panel, row);
  multiply_panel(kernels, a, {panel, row}, c, add);
}

template <class T>
void scale(T beta, const MatrixView<T>& c) {
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (std::int64_t j = 0; j < c.columns; ++j) c.data[i * c.row + j * c.column] *= beta;
}

/// f(begin, end) for [0, n) in the fewest blocks of at most `most`, all about as long.
template <class F>
void for_depths(std::int64_t n, std::int64_t most, F&& f) {
  const std::int64_t blocks = (n + most - 1) / most;
  for (std::int64_t i = 0; i < blocks; ++i) f(n * i / blocks, n * (i + 1) / blocks);
}

}  // namespace

template <class T>
void tile_product(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  const Tile<T>& kernels = tile<T>();
  if (beta != T{0} && beta != T{1}) scale(beta, c);
  const bool as_it_lies =
      b.column == 1 && b.columns % kernels.lanes == 0 && (c.rows < kPackRows || b.row <= 2 * kernels.width);
  for_depths(a.columns, kDepth, [&](std::int64_t begin, std::int64_t end) {
    const bool add = begin > 0 || beta != T{0};
    const MatrixView<const T> left = a.some_columns(begin, end);
    for (std::int64_t j = 0; j < c.columns; j += kernels.width) {
      const std::int64_t last = std::min(c.columns, j + kernels.width);
      const MatrixView<const T> right = b.some_rows(begin, end).some_columns(j, last);
      const MatrixView<T> result = c.some_columns(j, last);
      if (as_it_lies)
        multiply_panel(kernels, left, {right.data, right.row}, result, add);
      else
        multiply_packed(kernels, left, right, result, add);
    }
  });
}

template <class T>
void row_product(const MatrixView<const T>& a, const MatrixView<const T>& b, T beta, const MatrixView<T>& c) {
  if (beta != T{0} && beta != T{1}) scale(beta, c);
  const Tile<T>& kernels = tile<T>();
  for_depths(a.columns, kernels.lanes * kChainLength, [&](std::int64_t begin, std::int64_t end) {
    T dense[kMostLanes<T> * kChainLength];
    const T* x = a.data + begin * a.column;
    if (a.column != 1) {
      for (std::int64_t k = 0; k < end - begin; ++k) dense[k] = x[k * a.column];
      x = dense;
    }
    kernels.dots(b.columns, end - begin, b.data + begin, b.column, x, c.data, c.column, begin > 0 || beta != T{0});
  });
}

template <class T>
bool better_turned(const MatrixView<const T>& a, const MatrixView<const T>& b) {
  if (a.rows == 1) return false;
  if (b.columns == 1) return true;
  // In half cycles: one for a register of products, one for a number that is put elsewhere.
  const std::int64_t lanes = tile<T>().lanes, rows = a.rows, columns = b.columns, depth = a.columns;
  const auto padded = [&](std::int64_t n) { return round_up(n, lanes) / lanes; };
  const std::int64_t as_is = rows * padded(columns) * depth + (b.column == 1 ? 0 : depth * columns);
  const std::int64_t turned = columns * padded(rows) * depth + (a.row == 1 ? 0 : depth * rows) +
                              rows * columns * ((depth + kDepth - 1) / kDepth);
  return turned < as_is;
}

template void tile_product(const MatrixView<const float>&, const MatrixView<const float>&, float,
                           const MatrixView<float>&);
template void tile_product(const MatrixView<const double>&, const MatrixView<const double>&, double,
                           const MatrixView<double>&);
template void row_product(const MatrixView<const float>&, const MatrixView<const float>&, float,
                          const MatrixView<float>&);
template void row_product(const MatrixView<const double>&, const MatrixView<const double>&, double,
                          const MatrixView<double>&);
template bool better_turned(const MatrixView<const float>&, const MatrixView<const float>&);
template bool better_turned(const MatrixView<const double>&, const MatrixView<const double>&);

}  // namespace tapegrad::kernels
