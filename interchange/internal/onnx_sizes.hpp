#pragma once
// Extents that a file leaves open, told from recordings at several sizes: what is the same in all of them is written as
// it is, what differs has to be a polynomial of the sizes.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tapegrad/interchange/internal/onnx_export.hpp>
#include <vector>

namespace tapegrad::onnx {

/// Of the sizes, each to the first power at most: coefficients by the set of sizes that a term multiplies, a bit each.
struct Polynomial {
  std::map<unsigned, double> terms = {};
  bool is_constant() const { return terms.empty() || (terms.size() == 1 && terms.contains(0)); }
};

/// The sizes at which a computation is recorded, and what a value of each recording says of the polynomial.
class SizeGrid {
 public:
  /// ValueError if a name is empty or there twice, a least size is negative, or there are too many sizes.
  explicit SizeGrid(std::vector<Size> sizes);

  /// Every corner of a cube of side 1, and one point far from it that the fit has to meet.
  const std::vector<Sizes>& points() const { return points_; }
  const std::vector<Size>& sizes() const { return sizes_; }
  /// None if they lie on no such polynomial; `tolerance` is relative.
  std::optional<Polynomial> fit(std::span<const double> values, double tolerance) const;
  /// "2*batch + 1".
  std::string describe(const Polynomial& p) const;

 private:
  std::vector<Size> sizes_;
  std::vector<Sizes> points_;
};

/// Makes the first export, one of each point, that of all sizes. GraphError if the recordings are not of one form;
/// ValueError for a value that differs in a way that cannot be written.
void merge_recordings(std::span<Export* const> exports, const SizeGrid& grid);

}  // namespace tapegrad::onnx
