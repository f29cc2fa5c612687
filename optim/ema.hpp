#pragma once
// Moving averages of weights.

#include <tapegrad/core/named_tensors.hpp>

namespace tapegrad::optim {

/// Exponential moving averages of parameters, which often generalise better than the last weights: Polyak and Juditsky
/// 1992.
///
///   optim::Ema average(model.named_parameters(), 0.999);
///   optimizer.step();
///   average.update();
///   {
///     optim::Ema::Guard averaged(average);  // the model has the averages here
///     evaluate(model);
///   }
class Ema {
 public:
  /// Starts from the parameters as they are. ValueError unless the decay lies in [0, 1) and there are parameters, all
  /// of them floating leaves.
  Ema(NamedTensors parameters, double decay);

  /// average = decay · average + (1 - decay) · parameter, after each step of the optimiser.
  void update();
  /// Exchanges the values of the averages and the parameters.
  void swap();
  double decay() const { return decay_; }

  /// The averages, by the parameters' names; its own tensors.
  const NamedTensors& state() const { return averages_; }
  /// As Module::load_state().
  void load_state(const NamedTensors& state);

  /// The averages are in the parameters' place while it lives.
  class Guard {
   public:
    explicit Guard(Ema& average) : average_(average) { average_.swap(); }
    ~Guard() { average_.swap(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    Ema& average_;
  };

 private:
  NamedTensors parameters_, averages_;
  double decay_;
};

}  // namespace tapegrad::optim
