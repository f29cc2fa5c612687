#include <algorithm>
#include <cmath>
#include <tapegrad/core/error.hpp>
#include <tapegrad/scalar/internal/coloring.hpp>
#include <tapegrad/scalar/sparse.hpp>

namespace tapegrad::scalars::detail {
namespace {

/// The columns that have an element in a row together, as a symmetric pattern.
SparsePattern meetings(const SparsePattern& pattern) {
  SparsePattern meet{pattern.columns, std::vector<std::vector<std::size_t>>(pattern.columns)};
  for (const auto& row : pattern.rows)
    for (const std::size_t a : row)
      for (const std::size_t b : row)
        if (a < b) meet.rows[a].push_back(b);
  return meet;
}

void check_products(const char* what, const SparsePattern& pattern, std::size_t count, std::size_t products) {
  if (products != (count + 1) * pattern.rows.size())
    throw ValueError(std::string(what) + ": the function has another number of results than where its pattern is of");
}

/// The last product, with probe(), is what the elements give. Elements that were taken for others are large where their
/// row is small, so a row's other products count too.
void check_elements(const char* what, const SparsePattern& pattern, const std::vector<Element>& elements,
                    const std::vector<double>& products) {
  const std::size_t rows = pattern.rows.size(), last = products.size() - rows;
  std::vector<double> rest(rows), scale(rows);
  for (std::size_t i = 0; i < products.size(); ++i) scale[i % rows] += std::abs(products[i]);
  for (std::size_t i = 0; i < rows; ++i) rest[i] = products[last + i];
  for (const Element& e : elements) {
    rest[e.row] -= e.value * probe(e.column);
    scale[e.row] += std::abs(e.value);
  }
  for (std::size_t i = 0; i < rows; ++i)
    if (std::abs(rest[i]) > 1e-8 * scale[i])
      throw ValueError(std::string(what) + ": row " + std::to_string(i) +
                       " has an element that is not in the pattern, which is of another point; make a pattern at this "
                       "one");
}

}  // namespace

std::size_t count_colors(const std::vector<std::size_t>& colors) {
  return colors.empty() ? 0 : *std::max_element(colors.begin(), colors.end()) + 1;
}

std::vector<std::size_t> color_columns(const SparsePattern& pattern) {
  return distance_one_coloring(adjacency_of(meetings(pattern))->graph);
}

std::vector<std::size_t> color_symmetric(const Adjacency& adjacency, Coloring coloring) {
  return coloring == Coloring::star ? star_coloring(adjacency.graph) : acyclic_coloring(adjacency.graph);
}

double probe(std::size_t column) { return std::cos(1.0 + 1.61803398874989485 * static_cast<double>(column)); }

std::vector<Element> decompressed(const char* what, const SparsePattern& pattern,
                                  const std::vector<std::size_t>& colors, const std::vector<double>& products) {
  const std::size_t rows = pattern.rows.size();
  check_products(what, pattern, count_colors(colors), products.size());
  std::vector<Element> elements;
  for (std::size_t i = 0; i < rows; ++i)
    for (const std::size_t j : pattern.rows[i]) elements.push_back({i, j, products[colors[j] * rows + i]});
  check_elements(what, pattern, elements, products);
  return elements;
}

std::vector<Element> decompressed_symmetric(const char* what, const SparsePattern& pattern, const Adjacency& adjacency,
                                            const std::vector<std::size_t>& colors,
                                            const std::vector<double>& products) {
  const std::size_t n = pattern.columns, count = count_colors(colors);
  check_products(what, pattern, count, products.size());
  const AdjacencyGraph& graph = adjacency.graph;
  const std::vector<double> off_diagonal =
      edge_elements(graph, colors, {products.begin(), products.begin() + static_cast<std::ptrdiff_t>(count * n)});
  std::vector<Element> elements;
  for (std::size_t i = 0; i < n; ++i)
    if (std::binary_search(pattern.rows[i].begin(), pattern.rows[i].end(), i))
      elements.push_back({i, i, products[colors[i] * n + i]});
  for (const auto e : boost::make_iterator_range(edges(graph))) {
    const double value = off_diagonal[get(boost::edge_index, graph, e)];
    elements.push_back({source(e, graph), target(e, graph), value});
    elements.push_back({target(e, graph), source(e, graph), value});
  }
  check_elements(what, pattern, elements, products);
  return elements;
}

}  // namespace tapegrad::scalars::detail
