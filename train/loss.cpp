#include <tapegrad/train/metric.hpp>

#include <fmt/format.h>

#include <cmath>
#include <tapegrad/core/error.hpp>

namespace tapegrad::train {
namespace {

double elements(const Tensor& tensor) { return static_cast<double>(tensor.numel()); }

// Samples that count, each with the weight of its class; of probabilities, all.
template <class Options>
double counted(const Options& options, const Tensor& outputs, const Tensor& targets) {
  if (is_floating(targets.dtype())) return elements(targets) / static_cast<double>(outputs.size(outputs.rank() > 1));
  const std::vector<double> weights = options.weights.defined() ? options.weights.values() : std::vector<double>{};
  double sum = 0;
  for (const double target : targets.values())
    if (target != static_cast<double>(options.ignore_index))
      sum += weights.empty() ? 1 : weights.at(static_cast<std::size_t>(target));
  return sum;
}

}  // namespace

Loss::Loss(Mean mean, Weight weight) : mean_(std::move(mean)), weight_(std::move(weight)) {
  require_function();
  if (!weight_) throw ValueError("the weight of a Trainer's loss is an empty function");
}

Loss::Loss(Tensor (*loss)(const Tensor&, const Tensor&, Reduce))
    : mean_([=](const Tensor& outputs, const Tensor& targets) { return loss(outputs, targets, Reduce::mean); }),
      weight_([](const Tensor& outputs, const Tensor&) { return elements(outputs); }) {}

Tensor Loss::operator()(const Tensor& outputs, const Tensor& targets) const {
  Tensor loss = mean_(outputs, targets);
  if (!loss.defined()) throw ValueError("the loss returned an undefined tensor");
  if (loss.numel() != 1 || !is_floating(loss.dtype()))
    throw ShapeError(
        fmt::format("the loss returned {}; expected one floating element, the mean over the batch", describe(loss)));
  return loss;
}

double Loss::weight(const Tensor& outputs, const Tensor& targets, std::int64_t rows) const {
  if (!weight_) return static_cast<double>(rows);
  const double weight = weight_(outputs, targets);
  if (!(weight >= 0) || !std::isfinite(weight))
    throw ValueError(fmt::format("the weight of a loss is {}; it is finite and at least 0", weight));
  return weight;
}

double Loss::weight_of(const CrossEntropyOptions& options, const Tensor& outputs, const Tensor& targets) {
  return counted(options, outputs, targets);
}
double Loss::weight_of(const NllOptions& options, const Tensor& outputs, const Tensor& targets) {
  return counted(options, outputs, targets);
}
double Loss::weight_of(const BinaryCrossEntropyOptions&, const Tensor& outputs, const Tensor&) {
  return elements(outputs);
}

void Loss::require_mean(Reduce reduction) {
  if (reduction != Reduce::mean)
    throw ValueError(
        fmt::format("a Trainer's loss is a mean over the batch, not reduction {}", format_attribute(reduction)));
}

void Loss::require_function() const {
  if (!mean_) throw ValueError("a Trainer's loss is an empty function");
}

}  // namespace tapegrad::train
