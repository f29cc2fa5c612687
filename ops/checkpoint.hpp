#pragma once
// Activation checkpointing: a part of a model whose intermediate values are computed again instead of kept.

#include <tapegrad/ops/tensor_function.hpp>

namespace tapegrad {

/// f(inputs), of which only the inputs are kept for the backward pass, which calls f again: memory for time.
///
///   Tensor h = checkpoint([&](const Tensor& x) { return block(x); }, x);
///
/// The gradients, of the inputs and of the leaves that f closes over, are those of f(inputs), of any order. What f
/// draws from any generator is repeated; generators, running statistics and caches move once (core/recompute.hpp is for
/// layers with state of their own). `f`, with what it refers to, must outlive the graph and do the same each time:
/// ValueError if it draws otherwise or returns another shape. A result that was computed outside of f must be among the
/// inputs (ValueError if f closes over one), and one computed inside must be returned (GraphError if another is
/// differentiated).
Tensor checkpoint(const TensorFunction& f, const std::vector<Tensor>& inputs);
Tensor checkpoint(const TensorFunction& f, const Tensor& input);

}  // namespace tapegrad
