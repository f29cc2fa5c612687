#pragma once
// What a function of tensors reaches besides its inputs.

#include <span>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

/// Leaves of the same values, which require a gradient where the inputs do.
std::vector<Tensor> detached(std::span<const Tensor> inputs);

/// The leaves below `result` that require a gradient, but for `inputs`. ValueError, which begins with `what`, for a
/// result that is older than `since`: the function closes over what was computed outside of it.
std::vector<Tensor> closed_over_leaves(const char* what, const Tensor& result, std::span<const Tensor> inputs,
                                       std::uint64_t since);

}  // namespace tapegrad
