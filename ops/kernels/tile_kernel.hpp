#pragma once
// The kernels of the instruction set that the including file is compiled for. Functions of the standard library are
// left out: the program could get this file's copy of them on a processor that cannot run it.

#if defined(__clang__) && defined(__FMA__)
#include <immintrin.h>
#endif

#include <tapegrad/ops/kernels/tile.hpp>
#include <utility>

namespace tapegrad::kernels {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64, kRegisters = 32;
#elif defined(__AVX__)
constexpr int kBytes = 32, kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kBytes = 16, kRegisters = 32;
#else
constexpr int kBytes = 16, kRegisters = 16;
#endif
static_assert(kBytes <= kRegisterBytes);

template <class T>
struct TileKernel {
  static constexpr int kLanes = kBytes / static_cast<int>(sizeof(T)), kVectors = kRegisters == 32 ? 4 : 2;
  using Vector [[gnu::vector_size(kBytes)]] = T;
  using Unaligned [[gnu::vector_size(kBytes), gnu::aligned(alignof(T)), gnu::may_alias]] = T;

  static constexpr std::make_integer_sequence<int, kLanes> kEach{};
  template <int... I>
  static Vector broadcast(T x, std::integer_sequence<int, I...>) {
    return Vector{(static_cast<void>(I), x)...};
  }

  template <int... I>
  static Vector count(std::integer_sequence<int, I...>) {
    return Vector{static_cast<T>(I)...};
  }

  /// sum += a b, rounded once where the processor can. clang fuses the two only where they stay in one basic block.
  static void multiply_add(Vector& sum, Vector a, Vector b) {
#if defined(__clang__) && defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
      sum = _mm512_fmadd_ps(a, b, sum);
    else
      sum = _mm512_fmadd_pd(a, b, sum);
#elif defined(__clang__) && defined(__FMA__)
    if constexpr (sizeof(T) == 4)
      sum = _mm256_fmadd_ps(a, b, sum);
    else
      sum = _mm256_fmadd_pd(a, b, sum);
#else
    sum += a * b;
#endif
  }

  static Vector load(const T* from) { return *reinterpret_cast<const Unaligned*>(from); }
  static void store(T* to, Vector v) { *reinterpret_cast<Unaligned*>(to) = v; }

  /// The first n < 2 Most numbers.
  template <int Most = kLanes / 2>
  static void copy_some(const T* from, T* to, std::int64_t n) {
    if (n & Most) {
      __builtin_memcpy(to, from, Most * sizeof(T));
      from += Most;
      to += Most;
    }
    if constexpr (Most > 1) copy_some<Most / 2>(from, to, n);
  }
  /// The n < kLanes numbers before `end` in their lanes, the last ones; the others are 0. All of them can be read.
  static Vector load_last(const T* end, std::int64_t n) {
    return count(kEach) >= broadcast(static_cast<T>(kLanes - n), kEach) ? load(end - kLanes) : Vector{};
  }
  static Vector load_some(const T* from, std::int64_t n) {
    if (n >= kLanes) return load(from);
    T all[kLanes] = {};
    copy_some(from, all, n);
    return load(all);
  }
  static void store_some(T* to, Vector v, std::int64_t n) {
    if (n >= kLanes) return store(to, v);
    T all[kLanes];
    store(all, v);
    copy_some(all, to, n);
  }

  /// sums[i][v] = Σ a[i * a_row + k * a_column] b[k * b_row + v * kLanes ...] over k < depth.
  template <int Rows, int Vectors>
  [[gnu::always_inline]] static void sum(std::int64_t depth, const T* a, std::int64_t a_row, std::int64_t a_column,
                                         const T* b, std::int64_t b_row, Vector (&sums)[Rows][Vectors]) {
    // Three rows share a pointer, so that the pointers of all rows fit into registers.
    constexpr int kGroup = 3, kGroups = (Rows + kGroup - 1) / kGroup;
    const T* first[kGroups];
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) first[g] = a + kGroup * g * a_row;
#pragma GCC unroll 12
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[i][v] = Vector{};
    for (std::int64_t k = 0; k < depth; ++k) {
      Vector right[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) right[v] = load(b + v * kLanes);
#pragma GCC unroll 12
      for (int i = 0; i < Rows; ++i) {
        const Vector left = broadcast(first[i / kGroup][i % kGroup * a_row], kEach);
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) multiply_add(sums[i][v], left, right[v]);
      }
#pragma GCC unroll 4
      for (int g = 0; g < kGroups; ++g) first[g] += a_column;
      b += b_row;
    }
  }

  /// c (+)= rows of so many vectors, of whose last only `rest` numbers are c's.
  [[gnu::noinline]] static void write_some(const Vector* sums, int rows, int vectors, T* c, std::int64_t c_row,
                                           std::int64_t rest, bool add) {
    for (int i = 0; i < rows; ++i, c += c_row)
      for (int v = 0; v < vectors; ++v, ++sums) {
        T* to = c + v * kLanes;
        const std::int64_t n = v < vectors - 1 ? kLanes : rest;
        store_some(to, add ? load_some(to, n) + *sums : *sums, n);
      }
  }

  /// c (+)= sums, of whose last vectors only `rest` numbers are c's.
  template <int Rows, int Vectors>
  [[gnu::always_inline]] static void write(Vector (&sums)[Rows][Vectors], T* c, std::int64_t c_row, std::int64_t rest,
                                           bool add) {
    if (rest < kLanes) {
      Vector all[Rows * Vectors];  // a copy: sums would leave the registers if its place were known elsewhere
#pragma GCC unroll 12
      for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) all[i * Vectors + v] = sums[i][v];
      return write_some(all, Rows, Vectors, c, c_row, rest, add);
    }
    if (add) {
      const T* from = c;
#pragma GCC unroll 12
      for (int i = 0; i < Rows; ++i, from += c_row)
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) sums[i][v] += load(from + v * kLanes);
    }
#pragma GCC unroll 12
    for (int i = 0; i < Rows; ++i, c += c_row)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) store(c + v * kLanes, sums[i][v]);
  }

  template <int Rows, int Vectors>
  static void block(std::int64_t depth, const T* a, std::int64_t a_row, std::int64_t a_column, const T* b,
                    std::int64_t b_row, T* c, std::int64_t c_row, std::int64_t rest, bool add) {
    if (depth <= kChainLength) {
      Vector sums[Rows][Vectors];
      sum<Rows, Vectors>(depth, a, a_row, a_column, b, b_row, sums);
      return write(sums, c, c_row, rest, add);
    }
    const std::int64_t chains = (depth + kChainLength - 1) / kChainLength;
    Vector total[Rows][Vectors] = {};
    for (std::int64_t chain = 0; chain < chains; ++chain) {
      const std::int64_t begin = depth * chain / chains, end = depth * (chain + 1) / chains;
      Vector sums[Rows][Vectors];
      sum<Rows, Vectors>(end - begin, a + begin * a_column, a_row, a_column, b + begin * b_row, b_row, sums);
#pragma GCC unroll 12
      for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) total[i][v] += sums[i][v];
    }
    write(total, c, c_row, rest, add);
  }

  template <int Vectors>
  static void rows(std::int64_t count, std::int64_t depth, const T* a, std::int64_t a_row, std::int64_t a_column,
                   const T* b, std::int64_t b_row, T* c, std::int64_t c_row, std::int64_t rest, bool add) {
    std::int64_t i = 0;
    const auto next = [&]<int Rows>() {
      block<Rows, Vectors>(depth, a + i * a_row, a_row, a_column, b, b_row, c + i * c_row, c_row, rest, add);
      i += Rows;
    };
    // Twelve rows where the registers are enough for them.
    if constexpr (12 * Vectors + Vectors + 1 <= kRegisters)
      while (i + 12 <= count) next.template operator()<12>();
    while (i + 6 <= count) next.template operator()<6>();
    switch (count - i) {
      case 5:
        return next.template operator()<5>();
      case 4:
        return next.template operator()<4>();
      case 3:
        return next.template operator()<3>();
      case 2:
        return next.template operator()<2>();
      case 1:
        return next.template operator()<1>();
    }
  }

  static void multiply(std::int64_t count, std::int64_t columns, std::int64_t depth, const T* a, std::int64_t a_row,
                       std::int64_t a_column, const T* panel, std::int64_t panel_row, T* c, std::int64_t c_row,
                       bool add) {
    std::int64_t j = 0;
    const auto next = [&]<int Vectors>() {
      // Twice for the most vectors, if the last ones are less than all of them.
      while (j + (Vectors - 1) * kLanes < columns) {
        const std::int64_t left = columns - j - (Vectors - 1) * kLanes, rest = left < kLanes ? left : kLanes;
        rows<Vectors>(count, depth, a, a_row, a_column, panel + j, panel_row, c + j, c_row, rest, add);
        j += Vectors * kLanes;
      }
    };
    if constexpr (kVectors == 4) next.template operator()<4>();
    next.template operator()<2>();
    next.template operator()<1>();
  }

  template <int... I>
  static void interleave(const Vector (&from)[kLanes], Vector (&to)[kLanes], std::integer_sequence<int, I...>) {
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      const Vector a = from[i], b = from[i + kLanes / 2];
      to[2 * i] = __builtin_shufflevector(a, b, (I / 2 + I % 2 * kLanes)...);
      to[2 * i + 1] = __builtin_shufflevector(a, b, (kLanes / 2 + I / 2 + I % 2 * kLanes)...);
    }
  }
  /// Interleaving the halves turns rows into columns, if done as often as the number of lanes can be halved.
  template <int Lanes = kLanes>
  [[gnu::always_inline]] static void turn(Vector (&square)[kLanes]) {
    if constexpr (Lanes > 1) {
      Vector next[kLanes];
      interleave(square, next, kEach);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) square[i] = next[i];
      turn<Lanes / 2>(square);
    }
  }

  /// The dots of `count` rows, at most `Rows`. Too many are read as the last one again.
  template <int Rows>
  static void some_dots(std::int64_t count, std::int64_t depth, const T* a, std::int64_t a_row, const T* x, T* c,
                        std::int64_t c_step, bool add) {
    if constexpr (Rows > 1)
      if (count <= Rows / 2) return some_dots<Rows / 2>(count, depth, a, a_row, x, c, c_step, add);
    const T* row[Rows];
    for (int r = 0; r < Rows; ++r) row[r] = a + (r < count ? r : count - 1) * a_row;
    Vector sums[kLanes] = {};
    std::int64_t k = 0;
    for (; k + kLanes <= depth; k += kLanes) {
      const Vector right = load(x + k);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) multiply_add(sums[r], load(row[r] + k), right);
    }
    if (const std::int64_t rest = depth - k) {
      const auto tail = [&](const T* from) { return k > 0 ? load_last(from + depth, rest) : load_some(from, rest); };
      const Vector right = tail(x);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) multiply_add(sums[r], tail(row[r]), right);
    }
    turn(sums);
#pragma GCC unroll 4
    for (int half = kLanes / 2; half > 0; half /= 2)
#pragma GCC unroll 8
      for (int r = 0; r < half; ++r) sums[r] += sums[r + half];
    T total[kLanes];
    store(total, sums[0]);
    for (int r = 0; r < count; ++r) c[r * c_step] = add ? c[r * c_step] + total[r] : total[r];
  }

  static void dots(std::int64_t rows, std::int64_t depth, const T* a, std::int64_t a_row, const T* x, T* c,
                   std::int64_t c_step, bool add) {
    for (std::int64_t i = 0; i < rows; i += kLanes)
      some_dots<kLanes>(rows - i < kLanes ? rows - i : kLanes, depth, a + i * a_row, a_row, x, c + i * c_step, c_step,
                        add);
  }

  static void copy(std::int64_t rows, std::int64_t columns, const T* from, std::int64_t from_row, T* to,
                   std::int64_t to_row) {
    for (std::int64_t i = 0; i < rows; ++i) {
      std::int64_t j = 0;
      for (; j + kLanes <= columns; j += kLanes) store(to + i * to_row + j, load(from + i * from_row + j));
      if (j < columns) {
        store(to + i * to_row + j, Vector{});
        copy_some(from + i * from_row + j, to + i * to_row + j, columns - j);
      }
    }
  }

  static void transpose(std::int64_t count, std::int64_t columns, const T* from, std::int64_t from_row, T* to,
                        std::int64_t to_row) {
    for (std::int64_t i = 0; i < count; i += kLanes) {
      const std::int64_t height = count - i < kLanes ? count - i : kLanes;
      for (std::int64_t j = 0; j < columns; j += kLanes) {
        const std::int64_t width = columns - j < kLanes ? columns - j : kLanes;
        Vector square[kLanes] = {};
        if (height == kLanes && width == kLanes) {
#pragma GCC unroll 16
          for (int r = 0; r < kLanes; ++r) square[r] = load(from + (i + r) * from_row + j);
          turn(square);
#pragma GCC unroll 16
          for (int r = 0; r < kLanes; ++r) store(to + (j + r) * to_row + i, square[r]);
        } else {
          for (int r = 0; r < height; ++r) square[r] = load_some(from + (i + r) * from_row + j, width);
          turn(square);
          for (int r = 0; r < width; ++r) store(to + (j + r) * to_row + i, square[r]);
        }
      }
    }
  }

  static constexpr Tile<T> tile{kLanes, kVectors* kLanes, multiply, dots, copy, transpose};
};

constexpr Tiles kTiles{TileKernel<float>::tile, TileKernel<double>::tile};

}  // namespace
}  // namespace tapegrad::kernels
