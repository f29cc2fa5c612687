#include <tapegrad/graph/analysis.hpp>

namespace tapegrad::graph {

// Follows the buffers through the recording, forward and then backward: each lives from the vertex that makes it to the
// last one that takes it, as an input or as a saved value.
MemoryEstimate estimate_memory(const ComputationGraph& graph) {
  const auto size = static_cast<VertexIndex>(graph.size());
  std::vector<VertexIndex> owner(size);    // the vertex whose buffer the value of each is in
  std::vector<std::size_t> uses(size, 0);  // still to come, of the buffer of each
  std::vector<bool> stays(size, false);    // never freed: what the program holds itself
  MemoryEstimate estimate;
  estimate.live.resize(size);
  for (VertexIndex v = 0; v < size; ++v) {
    const auto inputs = graph.in_edges(v);
    const bool is_output = graph[v].kind == VertexKind::output;
    owner[v] = (graph[v].is_view || is_output) && !inputs.empty() ? owner[inputs.front().from] : v;
    for (const Edge& e : inputs) ++uses[owner[e.from]];
    const bool persistent = is_leaf(graph[graph.value_of(v)]);
    if (persistent) estimate.persistent += value_bytes(graph[v]);
    if (persistent || is_output) stays[owner[v]] = true;
  }

  double live = estimate.persistent;
  const auto release = [&](VertexIndex buffer) {
    if (!stays[buffer]) live -= value_bytes(graph[buffer]);
  };
  for (VertexIndex v = 0; v < size; ++v) {
    const bool made_here = owner[v] == v && !is_leaf(graph[graph.value_of(v)]);
    if (made_here) live += value_bytes(graph[v]);
    estimate.live[v] = live;
    if (live > estimate.peak) {
      estimate.peak = live;
      estimate.peak_at = v;
    }
    for (const Edge& e : graph.in_edges(v)) {
      if (--uses[owner[e.from]] == 0) release(owner[e.from]);
    }
    if (made_here && uses[v] == 0) release(v);
  }
  return estimate;
}

}  // namespace tapegrad::graph
