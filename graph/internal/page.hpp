#pragma once

#include <map>
#include <string>
#include <tapegrad/graph/internal/diagram.hpp>
#include <vector>

namespace tapegrad::graph {

/// The page of a graph, or of a comparison if there are marks. `description` stands beneath the title; if empty, it
/// says how large the graph is.
std::string page_text(const ComputationGraph& graph, const DrawOptions& options,
                      const std::map<VertexIndex, Mark>* marks, std::string description,
                      std::vector<std::string>* folded);

}  // namespace tapegrad::graph
