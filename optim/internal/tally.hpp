#pragma once
// The loss and the metrics of a pass, as they gather.

#include <memory>
#include <tapegrad/data/dataset.hpp>
#include <tapegrad/optim/metric.hpp>
#include <vector>

namespace tapegrad::optim {

class Tally {
 public:
  struct State {
    double loss = 0;
    std::int64_t rows = 0;
    std::vector<std::vector<double>> metrics;
  };

  explicit Tally(const Metrics& metrics) {
    for (const auto& metric : metrics) metrics_.push_back(metric->fresh());
  }

  void add(const Tensor& outputs, const data::Batch& batch, double loss) {
    loss_ += loss * static_cast<double>(batch.rows);
    rows_ += batch.rows;
    const Tensor values = outputs.detach();
    for (const auto& metric : metrics_) metric->update(values, batch.targets);
  }

  double mean_loss() const { return loss_ / static_cast<double>(rows_); }  // NaN of nothing

  Scores scores() const {
    Scores scores{mean_loss(), rows_, {}};
    for (const auto& metric : metrics_)
      if (const auto value = metric->value()) scores.metrics.emplace_back(metric->name(), *value);
    return scores;
  }

  State state() const {
    State state{loss_, rows_, {}};
    for (const auto& metric : metrics_) state.metrics.push_back(metric->state());
    return state;
  }
  /// False if the state is of other metrics.
  bool restore(const State& state) {
    if (state.metrics.size() != metrics_.size()) return false;
    loss_ = state.loss;
    rows_ = state.rows;
    for (std::size_t i = 0; i < metrics_.size(); ++i) metrics_[i]->restore(state.metrics[i]);
    return true;
  }

 private:
  double loss_ = 0;
  std::int64_t rows_ = 0;
  std::vector<std::unique_ptr<Metric>> metrics_;
};

}  // namespace tapegrad::optim
