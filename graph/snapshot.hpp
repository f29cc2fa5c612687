#pragma once
// The graph as a JSON file (docs/graph-snapshot.md), to be drawn, folded and compared without the program that made it.

#include <string>
#include <string_view>
#include <tapegrad/graph/computation_graph.hpp>

namespace tapegrad::graph {

/// The version that to_json writes, and the last that from_json reads.
inline constexpr int kSnapshotVersion = 1;

/// One line a vertex and one line an edge; the same graph gives the same bytes.
std::string to_json(const ComputationGraph& graph);

/// Reads what to_json wrote, or another program by the same schema: vertices may come in any order and are numbered
/// anew. Throws IoError, which begins with `origin` and names the place, for text that is not such a snapshot, is of a
/// later version, or describes no valid graph.
ComputationGraph from_json(std::string_view text, std::string_view origin = "snapshot");

}  // namespace tapegrad::graph
