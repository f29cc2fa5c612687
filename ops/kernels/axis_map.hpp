#pragma once
// Linear maps that act on each spatial axis by itself: average pooling, interpolation, and their adjoints.

#include <cstdint>
#include <span>
#include <vector>

namespace tapegrad::kernels {

/// A sparse matrix along one axis, made row by row.
class AxisMap {
 public:
  explicit AxisMap(std::int64_t in) : in_(in) {}
  /// Adds to the row that is being made.
  void add(std::int64_t position, double weight) {
    positions_.push_back(position);
    weights_.push_back(weight);
  }
  void end_row() { begin_.push_back(static_cast<std::int64_t>(positions_.size())); }

  std::int64_t in() const { return in_; }
  std::int64_t out() const { return static_cast<std::int64_t>(begin_.size()) - 1; }
  AxisMap transposed() const;

  /// y [outer, out, inner] from x [outer, in, inner].
  template <class T>
  void apply(std::int64_t outer, std::int64_t inner, const T* x, T* y) const;

 private:
  std::int64_t in_;
  std::vector<std::int64_t> begin_{0}, positions_;
  std::vector<double> weights_;
};

/// y [outer, out of each map…] from x [outer, in of each map…].
template <class T>
void apply_maps(std::int64_t outer, std::span<const AxisMap> maps, const T* x, T* y);

}  // namespace tapegrad::kernels
