#pragma once
// Models small enough to look at, for `tapegrad graph --example`.

#include <span>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/graph/computation_graph.hpp>

namespace tapegrad::tools {

struct Example {
  std::string_view name, what;
  /// Runs the model once, forward and backward, on made-up data.
  graph::ComputationGraph (*record)();
};

std::span<const Example> examples();

/// Throws ValueError that lists them if there is none of that name.
const Example& find_example(std::string_view name);

graph::ComputationGraph mlp_example();
graph::ComputationGraph cnn_example();
graph::ComputationGraph text_classifier_example();
graph::ComputationGraph lstm_example();
graph::ComputationGraph transformer_example();

/// What the examples end with: the gradient of the loss, and the graph with what was measured on the way.
graph::ComputationGraph differentiated(Tensor loss, std::string_view title);

}  // namespace tapegrad::tools
