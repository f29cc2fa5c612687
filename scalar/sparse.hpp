#pragma once
// Jacobians and Hessians most of whose elements are 0, at the cost of a few products with vectors: which elements are
// not is found by a sweep of sets over the tape, and columns that do not meet are worked out together.
//
//   const SparseHessian hessian(f, x);           // the pattern and its colouring
//   Eigen::SparseMatrix<double> h = hessian(x);  // hessian.colors() products, there or at another x
//
// A. R. Curtis, M. J. D. Powell, J. K. Reid, 1974; A. H. Gebremedhin, F. Manne, A. Pothen, What Color Is Your
// Jacobian?, SIAM Review 47 (2005).

#include <Eigen/SparseCore>
#include <cstdint>
#include <memory>
#include <tapegrad/scalar/derivatives.hpp>

namespace tapegrad::scalars {

/// Which elements of a matrix can differ from 0: the columns of each row, in order.
struct SparsePattern {
  std::size_t columns = 0;
  std::vector<std::vector<std::size_t>> rows;
};

/// Which columns of a Hessian are worked out together. star: each element is read from one product. acyclic: fewer
/// products, from which some elements are differences.
enum class Coloring { star, acyclic };

namespace detail {

/// A set of results, as an adjoint: the sweep takes to each value the results that depend on it.
struct ResultSet {
  static constexpr std::size_t kMost = 256;
  std::uint64_t bits[kMost / 64]{};
  ResultSet& operator+=(const ResultSet& other) {
    for (std::size_t i = 0; i < kMost / 64; ++i) bits[i] |= other.bits[i];
    return *this;
  }
  void add(std::size_t result) { bits[result / 64] |= std::uint64_t{1} << result % 64; }
  bool has(std::size_t result) const { return (bits[result / 64] >> result % 64 & 1) != 0; }
  friend bool vanishes(const ResultSet& set) {
    for (const std::uint64_t word : set.bits)
      if (word != 0) return false;
    return true;
  }
  template <class T>
  friend const ResultSet& carried(const T&, const ResultSet& set) {
    return set;
  }
};

/// A colour for each column, so that no two of one colour have an element in the same row.
std::vector<std::size_t> color_columns(const SparsePattern& pattern);
/// The graph of a symmetric pattern, whose edges are its elements off the diagonal.
struct Adjacency;
std::shared_ptr<const Adjacency> adjacency_of(const SparsePattern& pattern);
std::vector<std::size_t> color_symmetric(const Adjacency& adjacency, Coloring coloring);
std::size_t count_colors(const std::vector<std::size_t>& colors);

struct Element {
  std::size_t row, column;
  double value;
};

/// The matrix from its products with the sums of the columns of each colour, products[color * rows + row]. The last
/// product, with probe(), tells whether there are elements outside of the pattern: ValueError that names `what`.
std::vector<Element> decompressed(const char* what, const SparsePattern& pattern,
                                  const std::vector<std::size_t>& colors, const std::vector<double>& products);
std::vector<Element> decompressed_symmetric(const char* what, const SparsePattern& pattern, const Adjacency& adjacency,
                                            const std::vector<std::size_t>& colors,
                                            const std::vector<double>& products);

/// Here, because the library's own Eigen is not the program's.
inline Eigen::SparseMatrix<double> matrix_of(const SparsePattern& pattern, const std::vector<Element>& elements) {
  std::vector<Eigen::Triplet<double>> triplets;
  triplets.reserve(elements.size());
  for (const Element& e : elements) triplets.emplace_back(static_cast<int>(e.row), static_cast<int>(e.column), e.value);
  Eigen::SparseMatrix<double> matrix(static_cast<Eigen::Index>(pattern.rows.size()),
                                     static_cast<Eigen::Index>(pattern.columns));
  matrix.setFromTriplets(triplets.begin(), triplets.end());
  return matrix;
}

/// An element of a vector in no direction in particular.
double probe(std::size_t column);

/// products[direction * rows + row] for the directions of the colours, and of the probe; `product` takes the inputs in
/// eight directions to the results.
template <class Product>
std::vector<double> compressed(const std::vector<double>& x, const std::vector<std::size_t>& colors,
                               const Product& product) {
  constexpr int kLanes = 8;
  if (x.size() != colors.size()) fail_size("the vector", x.size(), colors.size());
  const std::size_t directions = count_colors(colors) + 1;
  std::vector<double> products;
  for (std::size_t first = 0; first < directions; first += kLanes) {
    std::vector<Dual<double, kLanes>> seeded(x.begin(), x.end());
    for (std::size_t j = 0; j < x.size(); ++j) {
      if (colors[j] >= first && colors[j] < first + kLanes) seeded[j].tangent(static_cast<int>(colors[j] - first)) = 1;
      if (directions <= first + kLanes) seeded[j].tangent(static_cast<int>(directions - 1 - first)) = probe(j);
    }
    const std::vector<Dual<double, kLanes>> y = product(seeded);
    products.resize(directions * y.size());
    for (std::size_t lane = 0; lane < kLanes && first + lane < directions; ++lane)
      for (std::size_t i = 0; i < y.size(); ++i)
        products[(first + lane) * y.size() + i] = y[i].tangent(static_cast<int>(lane));
  }
  return products;
}

}  // namespace detail

/// Which elements of the Jacobian of f can differ from 0, by what f did at x.
template <class F>
SparsePattern jacobian_pattern(const F& f, const std::vector<double>& x) {
  Recording recording;
  const Index base = recording.position().index;
  const std::vector<Real> inputs = detail::inputs_of(recording, x);
  const std::vector<Real> y = detail::results_of(f(inputs));
  SparsePattern pattern{x.size(), std::vector<std::vector<std::size_t>>(y.size())};
  for (std::size_t first = 0; first < y.size(); first += detail::ResultSet::kMost) {
    const std::size_t count = std::min(detail::ResultSet::kMost, y.size() - first);
    std::vector<detail::ResultSet> sets(recording.statements());
    for (std::size_t i = 0; i < count; ++i)
      if (!y[first + i].is_constant()) sets[y[first + i].index() - base - 1].add(i);
    detail::Tape<double>::of_thread().sweep(sets.data(), base, base);
    for (std::size_t j = 0; j < x.size(); ++j)
      for (std::size_t i = 0; i < count; ++i)
        if (sets[inputs[j].index() - base - 1].has(i)) pattern.rows[first + i].push_back(j);
  }
  return pattern;
}

/// Of the Hessian of f.
template <class F>
SparsePattern hessian_pattern(const F& f, const std::vector<double>& x) {
  return jacobian_pattern([&](const auto& at) { return gradient(f, at); }, x);
}

/// The Jacobian of a function, by products with colors() vectors. F is held by value.
template <class F>
class SparseJacobian {
 public:
  SparseJacobian(F f, const std::vector<double>& x)
      : f_(std::move(f)), pattern_(jacobian_pattern(f_, x)), colors_(detail::color_columns(pattern_)) {}

  const SparsePattern& pattern() const { return pattern_; }
  std::size_t colors() const { return detail::count_colors(colors_); }
  /// ValueError where there is an element that the pattern does not have, because f took another way than at the x of
  /// the pattern.
  Eigen::SparseMatrix<double> operator()(const std::vector<double>& x) const {
    const auto product = [&](const auto& seeded) { return detail::results_of(f_(seeded)); };
    return detail::matrix_of(
        pattern_, detail::decompressed("SparseJacobian", pattern_, colors_, detail::compressed(x, colors_, product)));
  }

 private:
  F f_;
  SparsePattern pattern_;
  std::vector<std::size_t> colors_;
};

/// The Hessian of a function, by colors() products with vectors, forward over reverse. Errors as of SparseJacobian.
template <class F>
class SparseHessian {
 public:
  SparseHessian(F f, const std::vector<double>& x, Coloring coloring = Coloring::star)
      : f_(std::move(f)),
        pattern_(hessian_pattern(f_, x)),
        adjacency_(detail::adjacency_of(pattern_)),
        colors_(detail::color_symmetric(*adjacency_, coloring)) {}

  const SparsePattern& pattern() const { return pattern_; }
  std::size_t colors() const { return detail::count_colors(colors_); }
  Eigen::SparseMatrix<double> operator()(const std::vector<double>& x) const {
    const auto product = [&](const auto& seeded) { return gradient(f_, seeded); };
    return detail::matrix_of(pattern_, detail::decompressed_symmetric("SparseHessian", pattern_, *adjacency_, colors_,
                                                                      detail::compressed(x, colors_, product)));
  }

 private:
  F f_;
  SparsePattern pattern_;
  std::shared_ptr<const detail::Adjacency> adjacency_;
  std::vector<std::size_t> colors_;
};

}  // namespace tapegrad::scalars
