#pragma once
// Metrics: figures that tell people how good a model is.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::optim {

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

/// Share of the samples whose largest output is the target's. Outputs [N, C], targets [N] of an integer dtype, or
/// probabilities [N, C].
std::shared_ptr<const Metric> accuracy();
/// Share of the samples whose target is among the k largest outputs.
std::shared_ptr<const Metric> top_k_accuracy(std::int64_t k);
/// Share of the samples on the right side: outputs and targets of one shape, positive outputs for targets above 0.5.
std::shared_ptr<const Metric> binary_accuracy();
/// Root of the mean squared error, of one shape.
std::shared_ptr<const Metric> rmse();

/// How figures of several classes become one.
enum class Average {
  macro,     ///< the mean over the classes that occur
  weighted,  ///< weighted by their samples
  micro      ///< over all samples at once, which is accuracy
};
/// As ConfusionMatrix has them; of outputs and targets of one shape, that of the class 1.
std::shared_ptr<const Metric> precision(Average average = Average::macro);
std::shared_ptr<const Metric> recall(Average average = Average::macro);
std::shared_ptr<const Metric> f1(Average average = Average::macro);
/// Area under the receiver operating characteristic: of outputs and targets of one shape; of [N, 2] and [N], for class
/// 1; of more classes, the mean of each against the rest. Keeps all scores; nothing where only one class occurs.
std::shared_ptr<const Metric> roc_auc();
/// The exponential of the mean cross-entropy of logits [..., C] with classes [...].
std::shared_ptr<const Metric> perplexity();

/// The loss and the metrics of one pass.
struct Scores {
  double loss = 0;  ///< mean over the samples
  std::int64_t rows = 0;
  std::vector<std::pair<std::string, double>> metrics;
  /// "loss" or a metric; ValueError if it is not there.
  double operator[](std::string_view name) const;
};

}  // namespace tapegrad::optim
