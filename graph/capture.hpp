#pragma once
// From what was recorded to a ComputationGraph.

#include <span>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/graph/computation_graph.hpp>
#include <vector>

namespace tapegrad::graph {

/// Of capture().
struct CaptureOptions {
  std::string title{};
  bool gradients = true;    ///< add the gradient twins of what requires a gradient
  bool statistics = false;  ///< measure values and gradients that are still alive
  bool times = false;       ///< of each operation, and of its gradient, as `trace` took them
  /// Values that are shown even where no output depends on them, such as the parameters of a model.
  std::vector<Tensor> also{};
  /// One that keeps measurements: with it, statistics are of every value and gradient that it saw. May be null.
  const Trace* trace = nullptr;
};

/// Everything that `outputs` were computed from, as far as it was recorded: what no gradient goes through is a leaf,
/// unless a Trace was open. Works before and after backward().
ComputationGraph capture(std::span<const Tensor> outputs, const CaptureOptions& options = {});
ComputationGraph capture(const Tensor& output, const CaptureOptions& options = {});

/// Everything that was computed while `trace` was open, used or not. The operation that threw, if one did, is marked.
/// Its outputs are `outputs`, or else what backward() or grad() was called on while the trace was open.
ComputationGraph capture(const Trace& trace, std::span<const Tensor> outputs, const CaptureOptions& options = {});
ComputationGraph capture(const Trace& trace, const CaptureOptions& options = {});

}  // namespace tapegrad::graph
