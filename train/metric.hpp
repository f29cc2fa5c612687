#pragma once
// Metrics: figures that tell people how good a model is. Those below depend on the samples of a pass and not on how it
// was cut into batches:
//
// - No value of no sample, and where any batch is not of the shapes and dtypes said here.
// - A sample whose outputs have a NaN counts as wrong where answers are counted, and makes rmse, roc_auc and perplexity
//   NaN. Infinities are numbers like others, larger or smaller than all; equal ones tie.
// - Classes are an integer dtype. A negative one marks a sample that does not count, as the losses' ignore_index does;
//   one beyond the outputs' C is an IndexError, and a target that is NaN or infinite a ValueError, rmse's apart.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tapegrad/core/tensor.hpp>
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

}  // namespace tapegrad::train
