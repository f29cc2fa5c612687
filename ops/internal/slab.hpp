#pragma once
// A dense array seen as [outer, count, inner], to work along its middle axis.

#include <algorithm>
#include <cstdint>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/shape.hpp>

namespace tapegrad {

struct Slab {
  std::int64_t outer, count, inner;

  std::int64_t numel() const { return outer * count * inner; }
  /// How many vectors of `count` elements there are.
  std::int64_t lanes() const { return outer * inner; }
};

/// `shape` around one of its axes.
inline Slab slab_around(const Shape& shape, int axis) {
  Slab s{1, shape[axis], 1};
  for (int i = 0; i < axis; ++i) s.outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) s.inner *= shape[i];
  return s;
}

/// Calls `body(outer, inner begin, columns)` for blocks of at most `most` columns, as for_chunks.
template <class Body>
void for_columns(const Slab& s, std::int64_t most, bool parallel, const Body& body) {
  const std::int64_t blocks = (s.inner + most - 1) / most;
  for_chunks(s.outer * blocks, parallel, [&](std::int64_t c) {
    const std::int64_t begin = c % blocks * most;
    body(c / blocks, begin, std::min(most, s.inner - begin));
  });
}

}  // namespace tapegrad
