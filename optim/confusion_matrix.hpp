#pragma once
// What classes were taken for what.

#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::optim {

/// Counts of samples by class (row) and answer (column).
class ConfusionMatrix {
 public:
  /// Outputs [N, C], of which the largest is the answer, with targets [N] of an integer dtype or probabilities [N, C];
  /// or of one shape, where an output above 0 stands for class 1 and a target above 0.5 too. Targets outside [0, C) are
  /// not counted. False, and nothing is counted, for other shapes, and for another number of classes than before.
  bool update(const Tensor& outputs, const Tensor& targets);
  void add(std::int64_t target, std::int64_t answer);

  std::int64_t classes() const { return classes_; }
  std::int64_t count(std::int64_t target, std::int64_t answer) const {
    return counts_[static_cast<std::size_t>(target * classes_ + answer)];
  }
  std::int64_t of_class(std::int64_t target) const;
  std::int64_t answered(std::int64_t answer) const;
  std::int64_t total() const;

  /// Share of the answers `c` that are right; of the samples of `c` that were found; the harmonic mean of both. 0 where
  /// there are none.
  double precision(std::int64_t c) const;
  double recall(std::int64_t c) const;
  double f1(std::int64_t c) const;
  double accuracy() const;

  /// Row by row, to go on from later; ValueError unless the count is a square.
  const std::vector<std::int64_t>& counts() const { return counts_; }
  void restore(std::vector<std::int64_t> counts);

 private:
  std::int64_t classes_ = 0;
  std::vector<std::int64_t> counts_;
};

}  // namespace tapegrad::optim
