#pragma once
// How an array reads in a shape that it broadcasts to.

#include <tapegrad/core/node.hpp>

namespace tapegrad {

/// The strides by which an array of shape `from` with strides `own` reads as `to`: 0 where it repeats.
inline Strides broadcast_strides(const Shape& from, const Strides& own, const Shape& to) {
  Strides strides{};
  const int lead = to.rank() - from.rank();
  for (int axis = lead; axis < to.rank(); ++axis)
    if (from[axis - lead] != 1) strides[static_cast<std::size_t>(axis)] = own[static_cast<std::size_t>(axis - lead)];
  return strides;
}

}  // namespace tapegrad
