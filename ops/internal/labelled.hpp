#pragma once
// Tensors whose axes have labels, and the contraction of two of them.

#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::internal {

using Label = int;
using Labels = std::vector<Label>;

/// A tensor with a label for each axis, no two alike.
struct Labelled {
  Tensor value;
  Labels labels;
};

/// The axes in the order of `order`, with extent 1 for the labels that the tensor does not have. It has no others.
Tensor arranged(const Labelled& t, const Labels& order);

/// Σ a b over the labels that both have and `kept` does not name. The result has those that both have and are kept,
/// then the rest of a's and of b's, each in its own order. Equal labels have equal extents.
Labelled contract(const Labelled& a, const Labelled& b, const Labels& kept);

}  // namespace tapegrad::internal
