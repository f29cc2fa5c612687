#include <tapegrad/graph/tape.hpp>

#include <algorithm>
#include <cmath>
#include <tapegrad/graph/internal/graph_builder.hpp>

namespace tapegrad::graph {
namespace {

Vertex number(VertexKind kind) {
  Vertex v;
  v.kind = kind;
  v.dtype = "f64";
  v.requires_grad = true;
  return v;
}

Statistics measured(double value) {
  Statistics statistics;
  statistics.nan = std::isnan(value) ? 1 : 0;
  statistics.inf = std::isinf(value) ? 1 : 0;
  statistics.zero = value == 0 ? 1 : 0;
  statistics.norm = std::abs(value);
  if (std::isfinite(value)) statistics.min = statistics.max = statistics.mean = value;
  return statistics;
}

}  // namespace

ComputationGraph capture(const scalars::Recording<double>& recording, const std::vector<NamedScalar>& named,
                         std::string title) {
  std::vector<scalars::Dependence<double>> edges = recording.dependences();
  // By statement, its arguments in order.
  std::stable_sort(edges.begin(), edges.end(), [](const auto& a, const auto& b) { return a.result < b.result; });
  std::vector<Vertex> statements(recording.statements(), number(VertexKind::input));
  for (const auto& edge : edges) {
    statements[edge.result].kind = VertexKind::op;
    statements[edge.result].family = "pointwise";
    statements[edge.result].op = edge.partial ? "statement" : "external";
  }
  for (const NamedScalar& scalar : named) {
    Vertex& v = statements[recording.place_of(scalar.value)];
    v.name = scalar.name;
    v.statistics = measured(scalar.value.value());
  }
  GraphBuilder builder(title);
  std::vector<GraphBuilder::Handle> handles;
  handles.reserve(statements.size());
  for (const Vertex& v : statements) handles.push_back(builder.add(v));
  for (std::size_t i = 0, first = 0; i < edges.size(); ++i) {
    if (edges[i].result != edges[first].result) first = i;
    builder.connect(handles[edges[i].argument], handles[edges[i].result], static_cast<std::uint32_t>(i - first),
                    EdgeKind::data, edges[i].partial);
  }
  for (const NamedScalar& scalar : named) {
    const std::size_t place = recording.place_of(scalar.value);
    if (statements[place].kind == VertexKind::input) continue;
    Vertex output = number(VertexKind::output);
    output.name = scalar.name;
    builder.connect(handles[place], builder.add(std::move(output)), 0);
  }
  return std::move(builder).build();
}

}  // namespace tapegrad::graph
