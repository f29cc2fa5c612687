#pragma once
// Derivatives of functions, where core/autograd.hpp has those of values. The functions run on copies of the handles
// given: nothing is added to any grad(), and graphs that they close over stay usable.
//
//   auto [y, dy] = jvp(f, x, v);
//   Tensor h = hessian(f, w);
//   std::vector<Tensor> j = jacobian(f, {a, b});
//
// Activation checkpointing: a part of a model whose intermediate values are computed again instead of kept.

#include <tapegrad/ops/tensor_function.hpp>

namespace tapegrad {

struct TransformOptions {
  /// Record the result, so that it can be differentiated again: with respect to the inputs that require a gradient, and
  /// to what the function closes over.
  bool create_graph = false;
};

/// A value and the cotangents pulled back to the inputs; undefined for inputs that are not floating.
struct Pullback {
  Tensor value;
  std::vector<Tensor> gradients;
};
/// f(inputs), and cotangent · df/dinput for each input. Without a cotangent f must return one element. ShapeError when
/// the cotangent has not the value's shape.
Pullback vjp(const TensorFunction& f, const std::vector<Tensor>& inputs, const Tensor& cotangent = {},
             const TransformOptions& options = {});
struct ValueAndGradient {
  Tensor value, gradient;
};
ValueAndGradient vjp(const TensorFunction& f, const Tensor& input, const Tensor& cotangent = {},
                     const TransformOptions& options = {});

struct Pushforward {
  Tensor value, tangent;
};
/// f(inputs), and the sum of df/dinput · tangent, in the value's shape. Each tangent has its input's shape; an
/// undefined one is zero. Forward mode: tangents pass each operation right after its value, at about the cost of the
/// values. Where an operation has no forward rule (OpInfo::forward), one backward pass and one through that pass.
Pushforward jvp(const TensorFunction& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents,
                const TransformOptions& options = {});
Pushforward jvp(const TensorFunction& f, const Tensor& input, const Tensor& tangent,
                const TransformOptions& options = {});

/// The Hessian of f, which returns one element, times `vectors`: the same shapes as the inputs.
std::vector<Tensor> hvp(const TensorFunction& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& vectors,
                        const TransformOptions& options = {});
Tensor hvp(const TensorFunction& f, const Tensor& input, const Tensor& vector, const TransformOptions& options = {});

/// All derivatives of all elements, in the shape of the value followed by that of the input. Costs a backward pass for
/// each element of the value or, where that is cheaper, a forward one for each element of the inputs.
std::vector<Tensor> jacobian(const TensorFunction& f, const std::vector<Tensor>& inputs,
                             const TransformOptions& options = {});
Tensor jacobian(const TensorFunction& f, const Tensor& input, const TransformOptions& options = {});

/// Second derivatives of f, which returns one element: block [i][j] has the shape of input i followed by that of j.
std::vector<std::vector<Tensor>> hessian(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                         const TransformOptions& options = {});
Tensor hessian(const TensorFunction& f, const Tensor& input, const TransformOptions& options = {});

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
