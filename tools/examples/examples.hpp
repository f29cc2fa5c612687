#pragma once
// Models small enough to look at, for `tapegrad graph --example`.

#include <functional>
#include <span>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/graph/computation_graph.hpp>

namespace tapegrad::tools {

struct Example {
  std::string_view name, what;
  /// Runs the model once, forward and backward, on made-up data; `times` differ from run to run.
  graph::ComputationGraph (*record)(bool times);
};

std::span<const Example> examples();

/// Throws ValueError that lists them if there is none of that name.
const Example& find_example(std::string_view name);

graph::ComputationGraph mlp_example(bool times);
graph::ComputationGraph cnn_example(bool times);
graph::ComputationGraph text_classifier_example(bool times);
graph::ComputationGraph lstm_example(bool times);
graph::ComputationGraph transformer_example(bool times);

/// What the examples end with: runs the model, differentiates its loss, and captures the graph with what was measured.
graph::ComputationGraph recorded(std::string_view title, bool times, const std::function<Tensor()>& loss);

}  // namespace tapegrad::tools
