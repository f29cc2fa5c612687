#pragma once
// A graph as a page for a browser.

#include <string>
#include <tapegrad/graph/computation_graph.hpp>
#include <tapegrad/graph/draw.hpp>
#include <vector>

namespace tapegrad::graph {

/// One HTML file that needs no network, of some 100 kB and about 150 bytes a vertex: the graph as a picture whose
/// scopes open and close, with search, details, overlays and export of what is in sight; as tables where JavaScript is
/// off. The options say how it starts: direction, pass, overlay, the depth to which scopes are open (as far as that
/// stays readable, if not given), the vertex to begin with. A graph beyond the budget (4,000 nodes and 20,000 edges if
/// not given; characters do not count) is folded first, and `folded` receives one line for each thing that is.
std::string to_html(const ComputationGraph& graph, const DrawOptions& options = {},
                    std::vector<std::string>* folded = nullptr);

}  // namespace tapegrad::graph
