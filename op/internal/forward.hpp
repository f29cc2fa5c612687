#pragma once
// Forward mode: tangents pushed through a recorded graph, in the order in which it was computed.

#include <span>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::internal {

/// What lies between arguments and a value computed from them. Keeps the value's graph.
class ForwardPass {
 public:
  ForwardPass(const Tensor& value, std::span<const Tensor> arguments);

  /// Whether each op on the way has a rule; if not, push() must not be called.
  bool complete() const { return complete_; }

  /// The value's derivative along the tangents `given`, one for each argument, of its shape; an undefined one is zero.
  /// Undefined when the value does not move. GraphError when saved values are gone or were changed.
  Tensor push(std::span<const Tensor> given) const;

 private:
  Tensor value_;
  std::vector<Tensor> arguments_;
  std::vector<const Node*> order_;  // computed nodes that depend on arguments, each after its inputs
  bool complete_ = true;
};

}  // namespace tapegrad::internal
