#pragma once
// What products are made of, as fast as one instruction set allows.

#include <cstdint>

namespace tapegrad::kernels {

/// The kernels of one instruction set. `add`: to what is there, instead of overwriting it.
template <class T>
struct Tile {
  /// Numbers in a register, and columns of a panel.
  std::int64_t lanes, width;

  /// c[i * c_row + j] (+)= Σ a[i * a_row + k * a_column] panel[k * panel_row + j] over k < depth, at most kDepth, for
  /// i < rows and j < columns, at most width. The panel is read up to the next multiple of lanes of j. The terms are
  /// added in the same order wherever an element lies.
  void (*multiply)(std::int64_t rows, std::int64_t columns, std::int64_t depth, const T* a, std::int64_t a_row,
                   std::int64_t a_column, const T* panel, std::int64_t panel_row, T* c, std::int64_t c_row, bool add);

  /// c[i * c_step] (+)= Σ a[i * a_row + k] x[k] over k < depth, at most lanes * kChainLength, for i < rows.
  void (*dots)(std::int64_t rows, std::int64_t depth, const T* a, std::int64_t a_row, const T* x, T* c,
               std::int64_t c_step, bool add);

  /// to[i * to_row + j] = from[i * from_row + j] for i < rows and j < columns, and 0 up to the next multiple of lanes
  /// of j.
  void (*copy)(std::int64_t rows, std::int64_t columns, const T* from, std::int64_t from_row, T* to,
               std::int64_t to_row);

  /// to[j * to_row + i] = from[i * from_row + j] for i < rows and j < columns, and 0 up to the next multiple of lanes
  /// of i.
  void (*transpose)(std::int64_t rows, std::int64_t columns, const T* from, std::int64_t from_row, T* to,
                    std::int64_t to_row);
};

/// So many terms at most are added one after another; the sums of such chains are added in turn.
inline constexpr std::int64_t kChainLength = 128;
/// Rows of a panel.
inline constexpr std::int64_t kDepth = 512;
/// Bytes of a register and of a panel's row, at most.
inline constexpr std::int64_t kRegisterBytes = 64, kPanelBytes = 4 * kRegisterBytes;

struct Tiles {
  Tile<float> f32;
  Tile<double> f64;
};

/// The best that the processor knows.
template <class T>
const Tile<T>& tile();

}  // namespace tapegrad::kernels
