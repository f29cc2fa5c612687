#pragma once
// L-BFGS: a quasi-Newton method for losses without noise, as of all data at once.

#include <functional>
#include <tapegrad/core/named_tensors.hpp>
#include <vector>

namespace tapegrad::optim {

/// Limited-memory BFGS with a line search for the strong Wolfe conditions: Nocedal and Wright, Numerical Optimization,
/// 2006, algorithms 7.4, 3.5 and 3.6. All arithmetic on the parameters taken together is in double.
///
///   optim::Lbfgs optimizer(model.named_parameters());
///   const auto result = optimizer.step([&] { return nn::mse_loss(model(x), y); });
class Lbfgs {
 public:
  /// How a step is searched for.
  struct Options {
    std::int64_t iterations = 20;      ///< of a call of step()
    std::size_t history = 10;          ///< pairs of steps and changes of the gradient that are kept
    double lr = 1;                     ///< the length that each line search tries first, in Newton steps
    double gradient_tolerance = 1e-7;  ///< stop when no element of the gradient is larger
    double change_tolerance = 1e-12;   ///< stop when an iteration changes neither the loss nor any parameter by more
    double sufficient_decrease = 1e-4, curvature = 0.9;  ///< constants of the Wolfe conditions
    std::int64_t searches = 25;                          ///< evaluations of the loss in a line search at most
  };

  enum class Stop {
    iterations,  ///< all done
    converged,   ///< a tolerance is met
    stalled      ///< the line search found no better point
  };
  /// What a step came to.
  struct Result {
    double loss = 0;  ///< at the parameters as they are now
    std::int64_t iterations = 0, evaluations = 0;
    Stop stopped = Stop::iterations;
  };

  /// ValueError for options outside their ranges, no parameters, or parameters that are not floating leaves.
  explicit Lbfgs(NamedTensors parameters);
  Lbfgs(NamedTensors parameters, Options options);

  /// Lowers `loss`, which is called with the parameters at several places and returns one floating element, which
  /// depends on them. The gradients that parameters have are dropped. Throws DivergenceError if loss or gradient is not
  /// finite where the search starts, ValueError or ShapeError if what `loss` returns or a gradient cannot be, and what
  /// `loss` throws; the parameters are then as before, or as after the last complete iteration.
  Result step(const std::function<Tensor()>& loss);

  /// The history, as tensors, from which a later step goes on bit for bit.
  NamedTensors state() const;
  /// ValueError for what state() of an optimiser of the same parameters does not give; nothing is changed then.
  void load_state(const NamedTensors& state);

 private:
  using Vector = std::vector<double>;
  struct Pair {
    Vector step, change;
  };
  struct Point {
    Vector x;
    double loss = 0;
    Vector gradient;
  };
  class LineSearch;

  Result search(const std::function<Tensor()>& loss, Point& now);
  Vector gather() const;
  void scatter(const Vector& x);
  Point evaluate(const std::function<Tensor()>& loss, Vector x);
  Vector direction(const Vector& gradient) const;
  void remember(const Point& from, const Point& to);

  NamedTensors parameters_;
  Options options_;
  std::vector<Pair> history_;  // the oldest first
};

}  // namespace tapegrad::optim
