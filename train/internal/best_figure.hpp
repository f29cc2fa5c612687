#pragma once
// The best of a figure, epoch by epoch.

#include <limits>
#include <string>
#include <tapegrad/train/metric.hpp>

namespace tapegrad::train {

class BestFigure {
 public:
  struct State {
    double best = std::numeric_limits<double>::infinity();  // the sign is turned where higher is better
    std::int64_t epoch = 0, waited = 0;
  };

  /// ValueError, which begins with `who`, if `monitor` is neither "loss" nor one of the metrics.
  BestFigure(const std::string& who, std::string monitor, const Metrics& metrics, double min_delta = 0);

  /// Whether the epoch is the best so far.
  bool update(const Scores& scores, std::int64_t epoch) {
    const double cost = sign_ * scores[monitor_];
    const bool better = cost < state_.best - min_delta_;
    if (better)
      state_ = {cost, epoch, 0};
    else
      ++state_.waited;
    return better;
  }

  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  std::string monitor_;
  double min_delta_, sign_ = 1;
  State state_;
};

}  // namespace tapegrad::train
