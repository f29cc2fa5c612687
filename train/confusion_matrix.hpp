#pragma once
// What classes were taken for what.

#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::train {

/// How often a class occurs, is answered, and is answered rightly.
struct ClassCounts {
  std::int64_t samples = 0, answers = 0, right = 0;
  /// Share of the answers that are right; of the samples that were found; the harmonic mean of both. 0 where there are
  /// none.
  double precision() const;
  double recall() const;
  double f1() const;
};

/// Counts of samples by class (row) and answer (column).
class ConfusionMatrix {
 public:
  /// Stands for the answer of a sample that has none.
  static constexpr std::int64_t kNoAnswer = -1;

  ConfusionMatrix() = default;  ///< the number of classes follows from what is counted
  /// ValueError for more than 8,192 classes or fewer than 0.
  explicit ConfusionMatrix(std::int64_t classes);

  /// Outputs [N, C], of which the largest is the answer, with classes [N] of an integer dtype or probabilities [N, C];
  /// or of one shape, where an output above 0 stands for class 1 and a target above 0.5 too. Negative classes are not
  /// counted; outputs with a NaN have no answer. False, and nothing is counted, for other shapes or targets. Throws
  /// IndexError for a class of C or more, ShapeError for another number of classes than before, ValueError for a target
  /// that is not finite.
  bool update(const Tensor& outputs, const Tensor& targets);
  /// Grows to classes that it does not have. IndexError if one is negative.
  void add(std::int64_t target, std::int64_t answer);

  std::int64_t classes() const { return classes_; }
  /// `answer` may be kNoAnswer.
  std::int64_t count(std::int64_t target, std::int64_t answer) const { return counts_[place(target, answer)]; }
  ClassCounts of(std::int64_t c) const;
  std::int64_t of_class(std::int64_t target) const { return of(target).samples; }
  std::int64_t answered(std::int64_t answer) const { return of(answer).answers; }
  std::int64_t total() const;

  double precision(std::int64_t c) const { return of(c).precision(); }
  double recall(std::int64_t c) const { return of(c).recall(); }
  double f1(std::int64_t c) const { return of(c).f1(); }
  /// Share of all samples that are answered rightly; 0 of none.
  double accuracy() const;

 private:
  std::size_t place(std::int64_t target, std::int64_t answer) const {
    return static_cast<std::size_t>(target * (classes_ + 1) + answer + 1);
  }

  std::int64_t classes_ = 0;
  std::vector<std::int64_t> counts_;  // [classes, 1 + classes], without an answer first
};

}  // namespace tapegrad::train
