#pragma once
// What few nodes have, kept apart so that the others stay small.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <utility>
#include <vector>

namespace tapegrad {

struct NodeExtra {
  std::string name;
  std::mutex gradient_mutex;  ///< passes of several threads may end at one leaf
  Tensor gradient;            ///< accumulated by backward(): of leaves, and of tensors that retain it
  Tensor gradient_rest;       ///< what rounding has taken from it, once many passes have added to it
  std::int64_t passes = 0;    ///< that have added to it
  bool retain_gradient = false;
  std::vector<std::pair<std::size_t, Tensor::Hook>> hooks;
  std::size_t next_hook = 0;
  std::optional<RowSparse> rows;
  std::vector<Tensor> cotangents;  ///< of a call with several results, those that the backward pass has brought so far
};

/// Made if it is not there, by one of the threads that ask at once.
NodeExtra& extra_of(Node& node);

/// Null if nothing has been made.
inline NodeExtra* find_extra(const Node& node) {
  return std::atomic_ref(const_cast<NodeExtra*&>(node.extra)).load(std::memory_order_acquire);
}

/// Stands in Node::versions(), or as output_version, for a value that was saved until a backward pass let go of it.
inline constexpr std::uint32_t kLetGo = ~std::uint32_t{0};

/// Whether the node keeps, or until a backward pass kept, the value of an input, or its own, for its gradient.
inline bool saved_input(const Node& node, std::size_t i) {
  return node.edges()[i].saves() || (node.released && node.versions()[i] == kLetGo);
}
inline bool saved_output(const Node& node) {
  return node.saves_output || (node.released && node.output_version == kLetGo);
}

/// What backward() has left at the node; undefined if nothing.
Tensor accumulated_gradient(const Node& node);

}  // namespace tapegrad
