#include <algorithm>
#include <tapegrad/graph/analysis.hpp>

namespace tapegrad::graph {
namespace {

bool is_bad(const Vertex& v) { return v.statistics && v.statistics->nan + v.statistics->inf > 0; }

}  // namespace

std::optional<VertexIndex> first_bad_vertex(const ComputationGraph& graph) {
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    if (!is_bad(graph[v])) continue;
    const auto inputs = graph.in_edges(v);
    if (std::none_of(inputs.begin(), inputs.end(), [&](const Edge& e) { return is_bad(graph[e.from]); })) return v;
  }
  return std::nullopt;
}

}  // namespace tapegrad::graph
