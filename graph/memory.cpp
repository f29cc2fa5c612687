#include <algorithm>
#include <tapegrad/graph/analysis.hpp>

namespace tapegrad::graph {

namespace {

// What an op keeps for its gradient, less the values among it.
double kept_beside_values(const ComputationGraph& graph, VertexIndex v) {
  const double kept = graph[v].saved_bytes + graph[v].shared_bytes;
  const auto gradient = v < graph.forward_size() && kept > 0 ? graph.twin(v) : std::nullopt;
  if (!gradient) return 0;
  double values = 0;
  for (const Edge& e : graph.in_edges(*gradient)) {
    if (e.kind == EdgeKind::saved) values += value_bytes(graph[e.from]);
  }
  return std::max(kept - values, 0.0);
}

}  // namespace

// Follows the buffers through the recording, forward and then backward: each lives from the vertex that makes it to the
// last one that takes it, as an input or as a saved value. What an op keeps beside values lives until its gradient.
MemoryEstimate estimate_memory(const ComputationGraph& graph) {
  const auto size = static_cast<VertexIndex>(graph.size());
  std::vector<VertexIndex> owner(size);    // the vertex whose buffer the value of each is in
  std::vector<std::size_t> uses(size, 0);  // still to come, of the buffer of each
  std::vector<bool> stays(size, false);    // never freed: what the program holds itself
  std::vector<double> beside(size, 0);     // what each keeps for its gradient that is no value of the graph
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
    beside[v] = kept_beside_values(graph, v);
  }

  double live = estimate.persistent, held = 0;  // held: for gradients that are still to come
  const auto release = [&](VertexIndex buffer) {
    if (!stays[buffer]) live -= value_bytes(graph[buffer]);
  };
  for (VertexIndex v = 0; v < size; ++v) {
    const bool made_here = owner[v] == v && !is_leaf(graph[graph.value_of(v)]);
    if (made_here) live += value_bytes(graph[v]);
    live += beside[v];
    if (v < graph.forward_size()) held += graph[v].saved_bytes;
    estimate.live[v] = v < graph.forward_size() ? std::max(live, held) : live;
    if (estimate.live[v] > estimate.peak) {
      estimate.peak = estimate.live[v];
      estimate.peak_at = v;
    }
    for (const Edge& e : graph.in_edges(v)) {
      if (--uses[owner[e.from]] == 0) release(owner[e.from]);
    }
    if (made_here && uses[v] == 0) release(v);
    if (const auto value = graph.twin(v); value && v >= graph.forward_size()) live -= beside[*value];
  }
  return estimate;
}

}  // namespace tapegrad::graph
