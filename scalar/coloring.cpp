#include <boost/graph/sequential_vertex_coloring.hpp>
#include <boost/graph/smallest_last_ordering.hpp>
#include <boost/pending/disjoint_sets.hpp>
#include <boost/range/iterator_range.hpp>
#include <queue>
#include <set>
#include <tapegrad/scalar/internal/coloring.hpp>

namespace tapegrad::scalars::detail {
namespace {

using Vertex = AdjacencyGraph::vertex_descriptor;
using EdgeDescriptor = AdjacencyGraph::edge_descriptor;

constexpr std::size_t kNone = ~std::size_t{0};

auto neighbors(Vertex v, const AdjacencyGraph& graph) {
  return boost::make_iterator_range(adjacent_vertices(v, graph));
}
auto edges_of(Vertex v, const AdjacencyGraph& graph) { return boost::make_iterator_range(out_edges(v, graph)); }
std::size_t index_of(EdgeDescriptor e, const AdjacencyGraph& graph) { return get(boost::edge_index, graph, e); }

/// Vertices of few neighbours among those before them last.
std::vector<Vertex> order_of(const AdjacencyGraph& graph) {
  const std::size_t n = num_vertices(graph);
  const auto index = get(boost::vertex_index, graph);
  std::vector<Vertex> order(n);
  std::vector<std::size_t> degree(n), marker(n);
  if (n > 0)
    boost::smallest_last_vertex_ordering(graph, boost::make_iterator_property_map(order.begin(), index),
                                         boost::make_iterator_property_map(degree.begin(), index),
                                         boost::make_iterator_property_map(marker.begin(), index));
  return order;
}

/// The first colour that the marks, which hold the vertex that forbade a colour, leave to v.
std::size_t first_allowed(const std::vector<Vertex>& forbidden_by, Vertex v) {
  std::size_t color = 0;
  while (forbidden_by[color] == v) ++color;
  return color;
}

}  // namespace

std::shared_ptr<const Adjacency> adjacency_of(const SparsePattern& pattern) {
  std::set<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < pattern.rows.size(); ++i)
    for (const std::size_t j : pattern.rows[i])
      if (i != j) pairs.emplace(std::min(i, j), std::max(i, j));
  AdjacencyGraph graph(pattern.columns);
  for (const auto& [i, j] : pairs) add_edge(i, j, num_edges(graph), graph);
  return std::make_shared<const Adjacency>(Adjacency{std::move(graph)});
}

Colors distance_one_coloring(const AdjacencyGraph& graph) {
  const auto index = get(boost::vertex_index, graph);
  const std::vector<Vertex> order = order_of(graph);
  Colors colors(order.size());
  if (!colors.empty())
    boost::sequential_vertex_coloring(graph, boost::make_iterator_property_map(order.begin(), index),
                                      boost::make_iterator_property_map(colors.begin(), index));
  return colors;
}

Colors star_coloring(const AdjacencyGraph& graph) {
  Colors colors(num_vertices(graph), kNone);
  std::vector<Vertex> forbidden_by(colors.size() + 1, kNone);
  std::vector<std::size_t> among_neighbors(colors.size());  // of each colour
  const auto forbid = [&](std::size_t color, Vertex v) { forbidden_by[color] = v; };
  for (const Vertex v : order_of(graph)) {
    for (const Vertex w : neighbors(v, graph))
      if (colors[w] != kNone) {
        forbid(colors[w], v);
        ++among_neighbors[colors[w]];
      }
    // With x's colour: v w could be continued to a path v w x y or x w v y of two colours. w may get any colour yet.
    for (const Vertex w : neighbors(v, graph)) {
      const bool continues = colors[w] == kNone || among_neighbors[colors[w]] > 1;
      for (const Vertex x : neighbors(w, graph)) {
        if (x == v || colors[x] == kNone || forbidden_by[colors[x]] == v) continue;
        bool alternates = continues;
        if (!alternates)
          for (const Vertex y : neighbors(x, graph)) alternates = alternates || (y != w && colors[y] == colors[w]);
        if (alternates) forbid(colors[x], v);
      }
    }
    for (const Vertex w : neighbors(v, graph))
      if (colors[w] != kNone) among_neighbors[colors[w]] = 0;
    colors[v] = first_allowed(forbidden_by, v);
  }
  return colors;
}

Colors acyclic_coloring(const AdjacencyGraph& graph) {
  struct Visit {
    Vertex by = kNone, from = kNone;
  };
  Colors colors(num_vertices(graph), kNone);
  std::vector<Vertex> forbidden_by(colors.size() + 1, kNone);
  // The trees of two colours, as sets of edges; the first visit to each of them for the vertex in turn.
  boost::disjoint_sets_with_storage<> trees(num_edges(graph));
  std::vector<Visit> first(num_edges(graph));
  std::vector<std::size_t> edge_to(colors.size(), kNone);  // by colour
  for (const Vertex v : order_of(graph)) {
    for (const Vertex w : neighbors(v, graph))
      if (colors[w] != kNone) forbidden_by[colors[w]] = v;
    // Two edges of v into one tree would close a cycle of its colours.
    for (const Vertex w : neighbors(v, graph)) {
      if (colors[w] == kNone) continue;
      for (const EdgeDescriptor e : edges_of(w, graph)) {
        const Vertex x = target(e, graph);
        if (x == v || colors[x] == kNone || forbidden_by[colors[x]] == v) continue;
        Visit& visit = first[trees.find_set(index_of(e, graph))];
        if (visit.by != v)
          visit = {v, w};
        else if (visit.from != w)
          forbidden_by[colors[x]] = v;
      }
    }
    colors[v] = first_allowed(forbidden_by, v);
    for (const EdgeDescriptor e : edges_of(v, graph)) {
      const Vertex w = target(e, graph);
      if (colors[w] == kNone) continue;
      std::size_t& same = edge_to[colors[w]];
      if (same == kNone)
        same = index_of(e, graph);
      else
        trees.union_set(same, index_of(e, graph));
      for (const EdgeDescriptor further : edges_of(w, graph))
        if (target(further, graph) != v && colors[target(further, graph)] == colors[v])
          trees.union_set(index_of(e, graph), index_of(further, graph));
    }
    for (const Vertex w : neighbors(v, graph))
      if (colors[w] != kNone) edge_to[colors[w]] = kNone;
  }
  return colors;
}

std::vector<double> edge_elements(const AdjacencyGraph& graph, const Colors& colors, std::vector<double> products) {
  const std::size_t n = num_vertices(graph);
  // The edges of a vertex to a colour whose elements are not known: their number, and the exclusive or of their
  // indices, which is the index of the last one.
  struct Unknown {
    std::size_t count = 0, edges = 0;
  };
  struct Leaf {
    std::size_t vertex, color;
  };
  std::vector<EdgeDescriptor> all(num_edges(graph));
  std::vector<Unknown> unknown(products.size());
  for (const EdgeDescriptor e : boost::make_iterator_range(edges(graph))) {
    const std::size_t index = index_of(e, graph);
    all[index] = e;
    for (const auto& [v, w] : {std::pair(source(e, graph), target(e, graph)), {target(e, graph), source(e, graph)}}) {
      Unknown& edges = unknown[colors[w] * n + v];
      ++edges.count;
      edges.edges ^= index;
    }
  }
  // First come the leaves of the trees, whose sums have one element; in a star no other is needed.
  std::queue<Leaf> leaves;
  for (std::size_t i = 0; i < unknown.size(); ++i)
    if (unknown[i].count == 1) leaves.push({i % n, i / n});
  std::vector<double> elements(all.size());
  for (; !leaves.empty(); leaves.pop()) {
    const auto [v, color] = leaves.front();
    Unknown& last = unknown[color * n + v];
    if (last.count != 1) continue;  // taken from the other end
    const std::size_t index = last.edges;
    last = {};
    elements[index] = products[color * n + v];
    const Vertex w = source(all[index], graph) == v ? target(all[index], graph) : source(all[index], graph);
    const std::size_t other = colors[v] * n + w;
    products[other] -= elements[index];
    unknown[other].edges ^= index;
    if (--unknown[other].count == 1) leaves.push({w, colors[v]});
  }
  return elements;
}

}  // namespace tapegrad::scalars::detail
