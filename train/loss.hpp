#pragma once
// Loss: what a Trainer lowers, and how the means of batches make the mean of a pass.

#include <concepts>
#include <functional>
#include <tapegrad/ops/loss.hpp>
#include <type_traits>

namespace tapegrad::train {

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

}  // namespace tapegrad::train
