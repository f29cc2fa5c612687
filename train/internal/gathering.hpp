#pragma once
// What the library's metrics share: when they apply, how targets are read, and their state in a checkpoint.

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <tapegrad/train/metric.hpp>
#include <vector>

namespace tapegrad::train {

/// A metric that has no value once any batch of the pass was not of the kind it is for: a figure of some batches alone
/// would depend on how the pass was cut.
class GatheringMetric : public Metric {
 public:
  void update(const Tensor& outputs, const Tensor& targets) final {
    if (applies_) applies_ = outputs.defined() && targets.defined() && gather(outputs, targets);
  }
  std::optional<double> value() const final { return applies_ ? figure() : std::nullopt; }
  std::vector<double> state() const final;
  /// ValueError for numbers that state() does not give.
  void restore(std::span<const double> state) final;

 protected:
  /// False if they are not of the kind that it is for.
  virtual bool gather(const Tensor& outputs, const Tensor& targets) = 0;
  virtual std::optional<double> figure() const = 0;
  virtual std::vector<double> gathered() const = 0;
  /// False if they cannot be what gathered() gives.
  virtual bool take_up(std::span<const double> numbers) = 0;

 private:
  bool applies_ = true;
};

/// Whether a number of a state is a count, below 2⁵³.
bool is_count(double value);

inline constexpr std::int64_t kNone = -1;

/// The class of each sample of `outputs` [..., C], or kNone where a sample does not count. `targets` are classes [...]
/// of an integer dtype, a negative one of which does not count, or, if outputs are [N, C], floating probabilities
/// [N, C], of which the first largest is meant. Nothing if they are neither, or C is below 2. IndexError for a class of
/// C or more and ValueError for a target that is not finite; both begin with `who` and name the sample.
std::optional<std::vector<std::int64_t>> classes_of(const std::string& who, const Tensor& outputs,
                                                    const Tensor& targets);
/// 1 for a target above 0.5, else 0, element by element. Nothing if outputs and targets are not of one shape.
/// ValueError as above.
std::optional<std::vector<std::int64_t>> signs_of(const std::string& who, const Tensor& outputs, const Tensor& targets);

/// The place of the largest, the first of several; kNone if any is NaN.
std::int64_t answer_of(std::span<const double> scores);

/// What a classifier answered, sample by sample; kNone where a sample does not count, or has no answer.
struct Answers {
  std::int64_t classes = 0;
  bool binary = false;  ///< outputs and targets of one shape: a positive output answers 1
  std::vector<std::int64_t> targets, answers;
};
/// Of outputs [N, C] as classes_of() takes them, or, where targets are no probabilities, of one shape as signs_of().
std::optional<Answers> answers_of(const std::string& who, const Tensor& outputs, const Tensor& targets);

/// Calls f(row, values) for each row of `outputs` [..., C], C > 0.
template <class F>
void for_each_row(const Tensor& outputs, F f) {
  const Tensor dense = outputs.to_dense().contiguous();
  const auto width = static_cast<std::size_t>(dense.size(-1));
  std::vector<double> row(width);
  dispatch(dense.dtype(), [&]<class T>() {
    const std::span<const T> all = dense.data<T>();
    for (std::size_t i = 0; i * width < all.size(); ++i) {
      std::ranges::transform(all.subspan(i * width, width), row.begin(),
                             [](T value) { return static_cast<double>(value); });
      f(i, std::span<const double>(row));
    }
  });
}

}  // namespace tapegrad::train
