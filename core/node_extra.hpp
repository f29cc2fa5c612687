#pragma once
// What few nodes have, kept apart so that the others stay small.

#include <optional>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <utility>
#include <vector>

namespace tapegrad {

struct NodeExtra {
  std::string name;
  Tensor gradient;          ///< accumulated by backward(): of leaves, and of tensors that retain it
  Tensor gradient_rest;     ///< what rounding has taken from it, once many passes have added to it
  std::int64_t passes = 0;  ///< that have added to it
  bool retain_gradient = false;
  std::vector<std::pair<std::size_t, Tensor::Hook>> hooks;
  std::size_t next_hook = 0;
  std::optional<RowSparse> rows;
  std::vector<Tensor> cotangents;  ///< of a call with several results, those that the backward pass has brought so far

  void set_gradient(Tensor value) {
    gradient = std::move(value);
    gradient_rest = Tensor();
    passes = 0;
  }
};

NodeExtra& extra_of(Node& node);

}  // namespace tapegrad
