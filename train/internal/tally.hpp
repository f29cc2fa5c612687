#pragma once
// The loss and the metrics of a pass, as they gather.

#include <memory>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/dataset.hpp>
#include <tapegrad/train/metric.hpp>
#include <vector>

namespace tapegrad::train {

class Tally {
 public:
  struct State {
    double loss = 0, weight = 0;
    std::int64_t rows = 0;
    std::vector<std::vector<double>> metrics;
  };

  explicit Tally(const Metrics& metrics) {
    for (const auto& metric : metrics)
      if (!metrics_.emplace_back(metric->fresh()))
        throw ValueError("the metric '" + metric->name() + "': fresh() gave none");
  }

  /// `weight`: of the batch's mean loss in that of the pass.
  void add(const Tensor& outputs, const data::Batch& batch, double loss, double weight) {
    loss_ += loss * weight;
    weight_ += weight;
    rows_ += batch.rows;
    const Tensor values = outputs.detach();
    for (const auto& metric : metrics_) metric->update(values, batch.targets);
  }

  double mean_loss() const { return loss_ / weight_; }  // NaN of nothing

  Scores scores() const {
    Scores scores{mean_loss(), rows_, {}};
    for (const auto& metric : metrics_)
      if (const auto value = metric->value()) scores.metrics.emplace_back(metric->name(), *value);
    return scores;
  }

  State state() const {
    State state{loss_, weight_, rows_, {}};
    for (const auto& metric : metrics_) state.metrics.push_back(metric->state());
    return state;
  }
  /// False if the state is of other metrics.
  bool restore(const State& state) {
    if (state.metrics.size() != metrics_.size()) return false;
    loss_ = state.loss;
    weight_ = state.weight;
    rows_ = state.rows;
    for (std::size_t i = 0; i < metrics_.size(); ++i) metrics_[i]->restore(state.metrics[i]);
    return true;
  }

 private:
  double loss_ = 0, weight_ = 0;
  std::int64_t rows_ = 0;
  std::vector<std::unique_ptr<Metric>> metrics_;
};

}  // namespace tapegrad::train
