#include <tapegrad/graph/computation_graph.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace tapegrad::graph {

double element_count(const Vertex& v) {
  double count = 1;
  for (const std::int64_t extent : v.shape) count *= static_cast<double>(extent);
  return count;
}

double value_bytes(const Vertex& v) {
  constexpr std::array<std::pair<std::string_view, int>, 6> sizes{
      {{"f32", 4}, {"f64", 8}, {"i64", 8}, {"i32", 4}, {"u8", 1}, {"bool", 1}}};
  for (const auto& [dtype, size] : sizes) {
    if (v.dtype == dtype) return size * element_count(v);
  }
  return 0;
}

std::span<const Edge> ComputationGraph::in_edges(VertexIndex v) const {
  return {edges_.data() + first_in_[v], edges_.data() + first_in_[v + 1]};
}

std::span<const Edge> ComputationGraph::out_edges(VertexIndex v) const {
  return {edges_by_source_.data() + first_out_[v], edges_by_source_.data() + first_out_[v + 1]};
}

std::optional<VertexIndex> ComputationGraph::twin(VertexIndex v) const {
  return twins_[v] == v ? std::nullopt : std::optional(twins_[v]);
}

std::string ComputationGraph::id(VertexIndex v) const {
  return (v < forward_size_ ? "n" : "g") + std::to_string(value_of(v));
}

std::optional<VertexIndex> ComputationGraph::find(std::string_view id_or_name) const {
  if (id_or_name.size() > 1 && (id_or_name[0] == 'n' || id_or_name[0] == 'g')) {
    VertexIndex number = 0;
    const char* const end = id_or_name.data() + id_or_name.size();
    const auto [rest, error] = std::from_chars(id_or_name.data() + 1, end, number);
    if (error == std::errc{} && rest == end && number < forward_size_) {
      if (id_or_name[0] == 'n') return number;
      if (const auto gradient = twin(number)) return gradient;
    }
  }
  const auto named = std::find_if(vertices_.begin(), vertices_.end(),
                                  [&](const Vertex& v) { return !v.name.empty() && v.name == id_or_name; });
  if (named == vertices_.end()) return std::nullopt;
  return static_cast<VertexIndex>(named - vertices_.begin());
}

}  // namespace tapegrad::graph
