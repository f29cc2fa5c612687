#pragma once
// Questions to a graph.

#include <optional>
#include <tapegrad/graph/computation_graph.hpp>

namespace tapegrad::graph {

/// The earliest vertex, in the order of execution, whose value holds NaN or infinity although all its inputs are
/// finite. Gradients count as executed after all values.
std::optional<VertexIndex> first_bad_vertex(const ComputationGraph& graph);

}  // namespace tapegrad::graph
