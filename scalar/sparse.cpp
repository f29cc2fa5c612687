#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/sequential_vertex_coloring.hpp>
#include <boost/graph/smallest_last_ordering.hpp>
#include <cmath>
#include <set>
#include <tapegrad/core/error.hpp>
#include <tapegrad/scalar/sparse.hpp>

namespace tapegrad::scalars::detail {
namespace {

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;

/// One edge for each pair of columns, u < v.
Graph graph_of(std::size_t columns, const std::set<std::pair<std::size_t, std::size_t>>& pairs) {
  return {pairs.begin(), pairs.end(), columns};
}

/// Vertices of few neighbours among those before them last.
std::vector<std::size_t> order_of(const Graph& graph) {
  const auto index = get(boost::vertex_index, graph);
  std::vector<std::size_t> order(num_vertices(graph)), degree(num_vertices(graph)), marker(num_vertices(graph));
  if (order.empty()) return order;
  boost::smallest_last_vertex_ordering(graph, boost::make_iterator_property_map(order.begin(), index),
                                       boost::make_iterator_property_map(degree.begin(), index),
                                       boost::make_iterator_property_map(marker.begin(), index));
  return order;
}

constexpr std::size_t kNone = ~std::size_t{0};

}  // namespace

std::size_t count_colors(const std::vector<std::size_t>& colors) {
  return colors.empty() ? 0 : *std::max_element(colors.begin(), colors.end()) + 1;
}

std::vector<std::size_t> color_columns(const SparsePattern& pattern) {
  std::set<std::pair<std::size_t, std::size_t>> meet;
  for (const auto& row : pattern.rows)
    for (std::size_t a = 0; a < row.size(); ++a)
      for (std::size_t b = a + 1; b < row.size(); ++b) meet.emplace(row[a], row[b]);
  const Graph graph = graph_of(pattern.columns, meet);
  const auto index = get(boost::vertex_index, graph);
  const std::vector<std::size_t> order = order_of(graph);
  std::vector<std::size_t> colors(pattern.columns);
  if (!colors.empty())
    boost::sequential_vertex_coloring(graph, boost::make_iterator_property_map(order.begin(), index),
                                      boost::make_iterator_property_map(colors.begin(), index));
  return colors;
}

std::vector<std::size_t> color_symmetric(const SparsePattern& pattern) {
  std::set<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < pattern.rows.size(); ++i)
    for (const std::size_t j : pattern.rows[i])
      if (i != j) pairs.emplace(std::min(i, j), std::max(i, j));
  const Graph graph = graph_of(pattern.columns, pairs);
  std::vector<std::size_t> colors(pattern.columns, kNone);
  const auto neighbours = [&](std::size_t v) {
    const auto [first, last] = adjacent_vertices(v, graph);
    return std::vector<std::size_t>(first, last);
  };
  for (const std::size_t v : order_of(graph)) {
    // Greedily, as the distance-k algorithms of the paper: a colour is forbidden if it is that of a neighbour w, or of
    // a vertex x behind w from which a path v w x y, or x w v y, would have two colours.
    std::set<std::size_t> forbidden;
    const std::vector<std::size_t> near = neighbours(v);
    for (const std::size_t w : near) {
      const bool shared = colors[w] != kNone && std::count_if(near.begin(), near.end(), [&](std::size_t other) {
                                                  return colors[other] == colors[w];
                                                }) > 1;
      if (colors[w] != kNone) forbidden.insert(colors[w]);
      for (const std::size_t x : neighbours(w)) {
        if (x == v || colors[x] == kNone) continue;
        if (colors[w] == kNone || shared) {
          forbidden.insert(colors[x]);  // not coloured yet: w could get any; shared: x w v y
          continue;
        }
        for (const std::size_t y : neighbours(x))
          if (y != w && colors[y] == colors[w]) forbidden.insert(colors[x]);
      }
    }
    colors[v] = 0;
    while (forbidden.contains(colors[v])) ++colors[v];
  }
  return colors;
}

double probe(std::size_t column) { return std::cos(1.0 + 1.61803398874989485 * static_cast<double>(column)); }

Eigen::SparseMatrix<double> decompressed(const char* what, const SparsePattern& pattern,
                                         const std::vector<std::size_t>& colors, const std::vector<double>& products,
                                         bool symmetric) {
  const std::size_t rows = pattern.rows.size(), count = count_colors(colors);
  if (products.size() != (count + 1) * rows)
    throw ValueError(std::string(what) + ": the function has another number of results than where its pattern is of");
  std::vector<Eigen::Triplet<double>> elements;
  std::vector<double> rest(products.end() - static_cast<std::ptrdiff_t>(rows), products.end()), scale(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<std::size_t> met(count);
    for (const std::size_t j : pattern.rows[i]) ++met[colors[j]];
    for (const std::size_t j : pattern.rows[i]) {
      // Where row i has several columns of j's colour, row j has one of i's.
      const double value =
          symmetric && met[colors[j]] > 1 ? products[colors[i] * rows + j] : products[colors[j] * rows + i];
      elements.emplace_back(static_cast<int>(i), static_cast<int>(j), value);
      rest[i] -= value * probe(j);
      scale[i] += std::abs(value);
    }
  }
  // Not only of the row itself: elements of others that were taken for its own are large where it is small.
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t c = 0; c < count; ++c) scale[i] += std::abs(products[c * rows + i]);
  for (std::size_t i = 0; i < rows; ++i)
    if (std::abs(rest[i]) > 1e-8 * scale[i])
      throw ValueError(std::string(what) + ": row " + std::to_string(i) +
                       " has an element that is not in the pattern, which is of another point; make a pattern at this "
                       "one");
  Eigen::SparseMatrix<double> matrix(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(pattern.columns));
  matrix.setFromTriplets(elements.begin(), elements.end());
  return matrix;
}

}  // namespace tapegrad::scalars::detail
