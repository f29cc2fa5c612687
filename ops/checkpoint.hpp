#pragma once
// Activation checkpointing: a part of a model whose intermediate values are computed again instead of kept.

#include <tapegrad/ops/tensor_function.hpp>

namespace tapegrad {

/// f(inputs), of which only the inputs are kept for the backward pass, which calls f again: memory for time.
///
///   Tensor h = checkpoint([&](const Tensor& x) { return block(x); }, x);
///
/// The gradients, of the inputs and of the leaves that f closes over, are those of f(inputs), of any order; random
/// choices are repeated where they come from this thread's default_rng(). `f`, with what it refers to, must outlive the
/// graph, and do the same each time. A result that was computed outside of f must be among the inputs: ValueError if f
/// closes over one.
Tensor checkpoint(const TensorFunction& f, const std::vector<Tensor>& inputs);
Tensor checkpoint(const TensorFunction& f, const Tensor& input);

}  // namespace tapegrad
