#pragma once
// Tensors with names: the state of a model or an optimiser, and what files of weights hold.

#include <string>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

/// A tensor under a name: a parameter, an input, an entry of a file.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// In an order that means something to whoever made it; names differ.
using NamedTensors = std::vector<NamedTensor>;

/// The tensor of that name, or null.
const Tensor* find(const NamedTensors& tensors, std::string_view name);

/// The same names with copies of the values.
NamedTensors clone(const NamedTensors& tensors);

/// Copies the values of `source` into the tensors of the same names in `target`. Throws one ValueError, which begins
/// with `what`, that lists all names that are missing in `source` or unexpected there, and all that differ in shape or
/// dtype; nothing is changed then.
void overwrite(const NamedTensors& target, const NamedTensors& source, std::string_view what);

/// "a, b, c and 17 more", for messages.
std::string abridged(const std::vector<std::string>& items);

}  // namespace tapegrad
