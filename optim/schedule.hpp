#pragma once
// Schedules of the learning rate: functions of time that give a factor for it. Trainer::fit counts time in epochs, so
// that half an epoch of warm-up is warm_up(0.5); in a loop of one's own it may as well be steps:
//
//   optimizer.set_rate_factor(schedule(step));

#include <cstdint>
#include <functional>
#include <limits>
#include <tapegrad/core/language.hpp>
#include <utility>
#include <vector>

namespace tapegrad::optim {

/// Time from 0 to a factor of the learning rate. Those below throw ValueError when made with a length, a factor or a
/// part that cannot be. Where a schedule changes, the new phase holds: cosine_restarts(2)(2) is 1. A time that misses
/// such a point by its own rounding, one part in 10⁹, counts as being there.
using Schedule = std::function<double(double time)>;

namespace schedule {

Schedule constant(double factor = 1);
/// From one factor to another over `length`, then constant.
Schedule linear(double from, double to, double length);
/// `gamma` once more after each `every`.
Schedule steps(double every, double gamma = 0.1);
/// `gamma` once more at each of `times`.
Schedule multi_step(std::vector<double> times, double gamma = 0.1);
/// gamma^time.
Schedule exponential(double gamma);
/// Half a cosine from 1 to `last` over `length`, then constant: Loshchilov and Hutter 2017.
Schedule cosine(double length, double last = 0);
/// The same, started again from 1 each time, each cycle `growth` times as long as the one before.
Schedule cosine_restarts(double length, double growth = 1, double last = 0);
/// Linear from `first` to `then(0)` over `length`, which may be 0; then `then`, whose time starts there.
Schedule warm_up(double length, Schedule then = constant(), double first = 0);
/// 1 until `length`, then sqrt(length / time), after a linear rise: Vaswani et al. 2017.
Schedule inverse_sqrt(double length);
/// A cosine from 1 / `start` up to 1 over the share `rise` of `length`, and down to 1 / (`start` · `end`): Smith and
/// Topin 2018.
Schedule one_cycle(double length, double rise = 0.3, double start = 25, double end = 1e4);
/// Each part for its length, with a time of its own; the last one for good. A part of length 0 is passed over.
Schedule sequence(std::vector<std::pair<double, Schedule>> parts);
/// The product of both.
Schedule product(Schedule a, Schedule b);

}  // namespace schedule

/// Lowers the learning rate when a figure has stopped to improve.
struct PlateauOptions {
  double factor = 0.1;         ///< of the rate, each time
  std::int64_t patience = 10;  ///< updates without improvement that are tolerated
  double min_delta = 0;        ///< how much better counts as an improvement
  std::int64_t cooldown = 0;   ///< updates after a change that do not count
  double smallest = 0;         ///< the factor does not fall below it
  bool higher_is_better = false;
};
/// Lowers the learning rate where the loss no longer falls.
class Plateau {
 public:
  /// What goes into a checkpoint.
  struct State {
    double factor = 1, best = std::numeric_limits<double>::infinity();
    std::int64_t waited = 0, cooling = 0;
  };

  /// ValueError unless the factor lies in (0, 1), `smallest` in [0, 1], and the others are at least 0.
  explicit Plateau(PlateauOptions options = {});
  /// Takes the figure, after an epoch say, and gives the factor of the learning rate from now on. NaN is no
  /// improvement.
  double update(double figure);
  double factor() const { return state_.factor; }

  /// To go on from later.
  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  PlateauOptions options_;
  State state_;
};

}  // namespace tapegrad::optim
