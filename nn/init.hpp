#pragma once
// Initial values of parameters, by the names of the papers that proposed them.
//
// The fan of a shape [out, in, …] is in (or out) times the extents that follow: the number of inputs (or outputs) that
// one output (or input) is connected to.

#include <concepts>
#include <functional>
#include <tapegrad/core/random.hpp>
#include <tapegrad/core/tensor.hpp>
#include <type_traits>
#include <utility>

namespace tapegrad::nn::init {

/// Makes the initial value of a parameter, by any function of its shape, dtype and a generator. Those below are made
/// for f32 and f64.
class Initializer {
 public:
  using Function = std::function<Tensor(const Shape& shape, DType dtype, Rng& rng)>;
  template <class F>
  requires std::is_invocable_r_v<Tensor, F&, const Shape&, DType, Rng&> Initializer(F function)
      : function_(std::move(function)) {}

  /// ShapeError, DTypeError or ValueError if the function gives another shape or dtype, nothing, or a number that is
  /// not finite.
  Tensor operator()(const Shape& shape, DType dtype, Rng& rng) const;

 private:
  Function function_;
};

Initializer constant(double value);
Initializer zeros();
Initializer ones();
/// In [low, high).
Initializer uniform(double low, double high);
Initializer normal(double mean = 0, double deviation = 1);
/// Normal, redrawn until within two deviations of the mean.
Initializer truncated_normal(double mean = 0, double deviation = 1);

/// Deviation gain · sqrt(2 / (fan_in + fan_out)): Glorot and Bengio 2010, for tanh, sigmoid and linear layers.
Initializer xavier_uniform(double gain = 1);
Initializer xavier_normal(double gain = 1);
/// Deviation sqrt(2 / ((1 + slope²) fan_in)): He et al. 2015, for ReLU, or leaky ReLU of that slope.
Initializer kaiming_uniform(double slope = 0);
Initializer kaiming_normal(double slope = 0);
/// Deviation sqrt(1 / fan_in): LeCun et al. 1998, for SELU too.
Initializer lecun_uniform();
Initializer lecun_normal();
/// Rows, or columns if there are fewer of them, are orthogonal and of length `gain`: Saxe et al. 2014. Axes after the
/// first count as one.
Initializer orthogonal(double gain = 1);

/// While it lives, initialisers of this thread give zeros and draw nothing: for models that a file is to fill.
///
///   const nn::init::Skip skip;
class Skip {
 public:
  Skip();
  ~Skip();
  Skip(const Skip&) = delete;
  Skip& operator=(const Skip&) = delete;

 private:
  bool before_;
};

/// How many inputs and outputs a weight joins.
struct Fans {
  double in, out;
};
/// Throws ShapeError if the rank is below 2.
Fans fans(const Shape& shape);

}  // namespace tapegrad::nn::init
