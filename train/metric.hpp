#pragma once
// Metrics: figures that tell people how good a model is. Those below depend on the samples of a pass and not on how it
// was cut into batches:
//
// - No value of no sample, and where any batch is not of the shapes and dtypes said here.
// - A sample whose outputs have a NaN counts as wrong where answers are counted, and makes rmse, r_squared, roc_auc and
//   perplexity NaN. Infinities are numbers like others, larger or smaller than all; equal ones tie.
// - Classes are an integer dtype. A negative one marks a sample that does not count, as the losses' ignore_index does;
//   one beyond the outputs' C is an IndexError, and a target that is NaN or infinite a ValueError, rmse's apart.
//
// Loss: what a Trainer lowers, and how the means of batches make the mean of a pass.
// ConfusionMatrix: which classes were taken for which.

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/loss.hpp>
#include <type_traits>
#include <vector>

namespace tapegrad::train {

/// Gathers a figure over the batches of a pass.
class Metric {
 public:
  virtual ~Metric() = default;
  /// "accuracy"
  virtual std::string name() const = 0;
  virtual bool higher_is_better() const { return true; }
  /// One like it that has seen nothing.
  virtual std::unique_ptr<Metric> fresh() const = 0;
  virtual void update(const Tensor& outputs, const Tensor& targets) = 0;
  /// Over all seen so far; nothing where it does not apply, as accuracy to targets that are not classes.
  virtual std::optional<double> value() const = 0;
  /// What it has gathered, as numbers, from which one like it goes on: checkpoints hold it.
  virtual std::vector<double> state() const = 0;
  virtual void restore(std::span<const double> state) = 0;
};

using Metrics = std::vector<std::shared_ptr<const Metric>>;

/// Share of the samples whose largest output, the first of equal ones, is the target's. Outputs [N, C], C at least 2;
/// targets are classes [N], or probabilities [N, C], of which the largest is meant.
std::shared_ptr<const Metric> accuracy();
/// Share of the samples whose target is among the k largest outputs; all that have no NaN, if k is C or more.
std::shared_ptr<const Metric> top_k_accuracy(std::int64_t k);
/// Share of the samples on the right side: outputs and targets of one shape, positive outputs for targets above 0.5.
std::shared_ptr<const Metric> binary_accuracy();
/// Root of the mean squared error over all elements, of one shape; NaN or infinite if an error is.
std::shared_ptr<const Metric> rmse();
/// The share of the targets' variance that the outputs explain, over all elements, of one shape: 1 - squared errors /
/// squared distances of the targets from their mean. No value where the targets are equal.
std::shared_ptr<const Metric> r_squared();

/// How figures of several classes become one.
enum class Average {
  macro,     ///< the mean over the classes that occur, in targets or answers
  weighted,  ///< weighted by their samples
  micro      ///< over all samples at once, which is accuracy
};
/// As ConfusionMatrix has them, 0 where it divides by none. Outputs and targets as for accuracy(), or of one shape:
/// then that of class 1, positive outputs being its answers.
std::shared_ptr<const Metric> precision(Average average = Average::macro);
std::shared_ptr<const Metric> recall(Average average = Average::macro);
std::shared_ptr<const Metric> f1(Average average = Average::macro);
/// Area under the receiver operating characteristic, ties counting half: of outputs and targets of one shape; of [N, 2]
/// and classes [N], for class 1; of more classes, the mean of each against the rest, over those for which there is one.
/// Keeps all scores. No value where only one class occurs.
std::shared_ptr<const Metric> roc_auc();
/// The exponential of the mean cross-entropy of logits [..., C] with classes [...]; infinite if a target has
/// probability 0.
std::shared_ptr<const Metric> perplexity();

/// The loss and the metrics of one pass.
struct Scores {
  double loss = 0;  ///< mean over the samples
  std::int64_t rows = 0;
  std::vector<std::pair<std::string, double>> metrics;
  /// "loss" or a metric; ValueError if it is not there.
  double operator[](std::string_view name) const;
};

/// The mean of a loss over a batch, from outputs and targets. One of ops/loss.hpp, by name and with options,
///
///   train::Loss loss(cross_entropy, {.label_smoothing = 0.1});
///
/// weighs a batch by what its mean divides by: samples that count, their classes' weights, elements. Any other function
///
///   train::Loss loss([](const Tensor& outputs, const Tensor& targets) { return huber_loss(outputs, targets, 2); });
///
/// gives the mean over the batch's samples, and weighs by their number; or by what a second function says.
class Loss {
 public:
  using Mean = std::function<Tensor(const Tensor& outputs, const Tensor& targets)>;
  using Weight = std::function<double(const Tensor& outputs, const Tensor& targets)>;

  /// ValueError for an empty function.
  template <class F>
  requires std::is_invocable_r_v<Tensor, F&, const Tensor&, const Tensor&> Loss(F mean) : mean_(std::move(mean)) {
    require_function();
  }
  /// `weight`: what the mean divides by, finite and at least 0.
  Loss(Mean mean, Weight weight);
  /// ValueError unless the reduction is the mean.
  template <class Options>
  Loss(Tensor (*loss)(const Tensor&, const Tensor&, const Options&), std::type_identity_t<Options> options = {})
      : mean_([=](const Tensor& outputs, const Tensor& targets) { return loss(outputs, targets, options); }),
        weight_([=](const Tensor& outputs, const Tensor& targets) { return weight_of(options, outputs, targets); }) {
    require_mean(options.reduction);
  }
  Loss(Tensor (*loss)(const Tensor&, const Tensor&, Reduce));

  /// One floating element. ValueError or ShapeError, which name what was returned, otherwise.
  Tensor operator()(const Tensor& outputs, const Tensor& targets) const;
  /// What the mean stands for in the mean of several batches, of which this one has `rows` samples.
  double weight(const Tensor& outputs, const Tensor& targets, std::int64_t rows) const;

 private:
  static double weight_of(const CrossEntropyOptions& options, const Tensor& outputs, const Tensor& targets);
  static double weight_of(const NllOptions& options, const Tensor& outputs, const Tensor& targets);
  static double weight_of(const BinaryCrossEntropyOptions& options, const Tensor& outputs, const Tensor& targets);
  static void require_mean(Reduce reduction);
  void require_function() const;

  Mean mean_;
  Weight weight_;  // empty: by samples
};

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
