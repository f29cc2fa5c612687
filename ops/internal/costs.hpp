#pragma once
// What a call costs, from the shapes of what goes in and out.

#include <initializer_list>
#include <tapegrad/core/op.hpp>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::internal {

/// `flops` for each element of `over`, and one look at each element of the tensors that are read and written.
inline Cost one_pass(double flops, const Tensor& over, std::initializer_list<Tensor> in_and_out) {
  Cost cost{flops * static_cast<double>(over.numel()), 0};
  for (const Tensor& t : in_and_out)
    cost.bytes += static_cast<double>(t.numel()) * static_cast<double>(size_of(t.dtype()));
  return cost;
}

/// Of `y`, each element of which is read somewhere and written.
inline Cost moved(const Tensor& y) { return one_pass(0, y, {y, y}); }

}  // namespace tapegrad::internal
