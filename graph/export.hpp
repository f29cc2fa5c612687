#pragma once
// A graph for other programs.

#include <string>
#include <tapegrad/graph/computation_graph.hpp>

namespace tapegrad::graph {

/// GraphML, which Gephi, yEd, Cytoscape, networkx and Boost read: every vertex, gradients too, with its fields as data.
std::string to_graphml(const ComputationGraph& graph);

/// The JSON that Google's Model Explorer opens: scopes as its namespaces, gradients in a namespace of their own.
std::string to_model_explorer(const ComputationGraph& graph);

}  // namespace tapegrad::graph
