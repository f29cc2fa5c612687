#include <tapegrad/solvers/odeint.hpp>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/internal/closed_over.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/transforms.hpp>

namespace tapegrad::solvers {
namespace {

// What is integrated together: y alone, or y with its adjoint and the parameters' gradients.
using State = std::vector<Tensor>;
using Slopes = std::function<State(double t, const State& y)>;

// Dormand and Prince, "A family of embedded Runge-Kutta formulae", J. Comp. Appl. Math. 6 (1980).
constexpr int kStages = 7;
constexpr double kTimes[kStages] = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
constexpr double kWeights[kStages][kStages - 1] = {{},
                                                   {1. / 5},
                                                   {3. / 40, 9. / 40},
                                                   {44. / 45, -56. / 15, 32. / 9},
                                                   {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
                                                   {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
                                                   {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}};
// The formula of order 5 less that of order 4.
constexpr double kErrors[kStages] = {71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40};

/// y + h Σ weights[i] slopes[i].
State moved(const State& y, double h, std::span<const double> weights, std::span<const State> slopes) {
  State result = y;
  for (std::size_t i = 0; i < slopes.size(); ++i)
    if (weights[i] != 0)
      for (std::size_t part = 0; part < y.size(); ++part)
        result[part] = result[part] + (h * weights[i]) * slopes[i][part];
  return result;
}

class Integrator {
 public:
  Integrator(const Slopes& slopes, const OdeOptions& options) : slopes_(slopes), options_(options) {}

  State advance(State y, double from, double to) {
    std::vector<State> k{slopes_(from, y)};
    if (length_ == 0) length_ = first_length(y, k[0], std::abs(to - from));
    const double direction = to < from ? -1 : 1;
    for (double t = from; t != to;) {
      if (++steps_ > options_.max_steps)
        throw ValueError("odeint: more than " + std::to_string(options_.max_steps) +
                         " steps at t = " + std::to_string(t) +
                         "; the equation may be stiff or its solution end there: allow more steps "
                         "or a larger tolerance");
      const double left = std::abs(to - t);
      const bool is_last = length_ >= left * (1 - 1e-12);
      const double h = direction * (is_last ? left : length_);
      k.resize(1);
      State next;
      for (int stage = 1; stage < kStages; ++stage) {
        next = moved(y, h, kWeights[stage], k);
        k.push_back(slopes_(t + kTimes[stage] * h, next));
      }
      const double error = error_of(y, next, h, k);
      // A NaN is an error that a shorter step may not have.
      const double factor = error > 0 ? std::clamp(0.9 * std::pow(error, -0.2), 0.2, 10.0) : error == 0 ? 10 : 0.2;
      if (error <= 1) {
        t = is_last ? to : t + h;
        y = std::move(next);
        k[0] = std::move(k[kStages - 1]);  // of the same point
      }
      // What was cut to end at `to` says nothing against longer steps.
      length_ = is_last && error <= 1 ? std::max(length_, std::abs(h) * factor) : std::abs(h) * factor;
      if (t + direction * length_ == t && t != to)
        throw ValueError("odeint: at t = " + std::to_string(t) +
                         " no step is short enough for the tolerance; the "
                         "solution may end there");
    }
    return y;
  }

 private:
  /// The root of the mean square of each element over what is tolerated in it.
  double scaled(std::span<const Tensor> parts, const State& a, const State& b) const {
    const NoGrad unrecorded;
    double squares = 0, count = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Tensor tolerated =
          options_.absolute_tolerance + options_.relative_tolerance * maximum(abs(a[i].detach()), abs(b[i].detach()));
      squares += sum(square(parts[i].detach() / tolerated)).item();
      count += static_cast<double>(parts[i].numel());
    }
    return count > 0 ? std::sqrt(squares / count) : 0;
  }
  double error_of(const State& y, const State& next, double h, std::span<const State> k) const {
    const NoGrad unrecorded;
    State nothing;
    for (const Tensor& part : y) nothing.push_back(zeros_like(part));
    return scaled(moved(nothing, h, kErrors, k), y, next);
  }
  /// Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.4: a hundredth of y over its slope.
  double first_length(const State& y, const State& slope, double whole) const {
    const double size = scaled(y, y, y), speed = scaled(slope, y, y);
    return std::min(whole, size > 1e-5 && speed > 1e-5 ? 0.01 * size / speed : 1e-6 * std::max(whole, 1.0));
  }

  const Slopes& slopes_;
  const OdeOptions& options_;
  double length_ = 0;
  std::int64_t steps_ = 0;
};

Tensor slope_of(const OdeFunction& f, double t, const Tensor& y, std::span<const Tensor> parameters) {
  Tensor slope = f(t, y, parameters);
  const auto text = [&] { return "odeint: the function gave " + describe(slope) + " as the slope of " + describe(y); };
  if (slope.shape() != y.shape()) throw ShapeError(text() + "; the shapes must be equal");
  if (slope.dtype() != y.dtype()) throw DTypeError(text() + "; the dtypes must be equal");
  return slope;
}

Tensor path_of(const OdeFunction& f, const std::vector<double>& times, std::span<const Tensor> inputs,
               const OdeOptions& options) {
  const std::span<const Tensor> parameters = inputs.subspan(1);
  const Slopes slopes = [&](double t, const State& y) { return State{slope_of(f, t, y[0], parameters)}; };
  Integrator integrator(slopes, options);
  State y{inputs[0]};
  std::vector<Tensor> path{y[0]};
  for (std::size_t i = 1; i < times.size(); ++i) {
    y = integrator.advance(std::move(y), times[i - 1], times[i]);
    path.push_back(y[0]);
  }
  return stack(path);
}

/// Pontryagin's adjoint a = dL/dy, for which da/dt = -aᵀ df/dy, and dL/dp, which gathers aᵀ df/dp; given are dL/dpath,
/// the start, the parameters, and the path.
std::vector<Tensor> adjoint_gradients(const OdeFunction& f, const std::vector<double>& times,
                                      std::span<const Tensor> given, const OdeOptions& options) {
  if (grad_enabled()) throw GraphError("odeint: the adjoint has first derivatives only; ask for OdeGradient::recorded");
  const Tensor &cotangents = given.front(), &path = given.back();
  const std::span<const Tensor> parameters = given.subspan(2, given.size() - 3);
  const Slopes slopes = [&](double t, const State& state) {
    const auto at_time = [&](std::span<const Tensor> of) { return f(t, of[0], of.subspan(1)); };
    std::vector<Tensor> of{state[0]};
    of.insert(of.end(), parameters.begin(), parameters.end());
    Pullback pulled = vjp(at_time, of, state[1]);
    State slope{std::move(pulled.value)};
    for (std::size_t i = 0; i < of.size(); ++i) {
      const Tensor& gradient = pulled.gradients[i];
      slope.push_back(gradient.defined() ? -gradient : zeros_like(of[i]));
    }
    return slope;
  };
  State state{Tensor(), zeros_like(given[1])};
  for (const Tensor& p : parameters) state.push_back(zeros_like(p));
  Integrator integrator(slopes, options);
  for (std::size_t i = times.size(); i-- > 0;) {
    const auto at = static_cast<std::int64_t>(i);
    state[0] = path[at].contiguous();  // rather than what solving back to here has made of it
    state[1] = state[1] + cotangents[at];
    if (i > 0) state = integrator.advance(std::move(state), times[i], times[i - 1]);
  }
  return {state.begin() + 1, state.end()};
}

void require_inputs(const Tensor& start, const std::vector<double>& times, const OdeOptions& options) {
  if (!is_floating(start.dtype()))
    throw DTypeError("odeint: it starts at " + describe(start) + "; it must be floating");
  if (times.empty()) throw ValueError("odeint: there are no times; the first is that of the start");
  for (std::size_t i = 0; i < times.size(); ++i) {
    const bool turns = i > 1 && (times[i] > times[i - 1]) != (times[1] > times[0]);
    if (!std::isfinite(times[i]) || turns || (i > 0 && times[i] == times[i - 1]))
      throw ValueError("odeint: time " + std::to_string(i) + " is " + std::to_string(times[i]) +
                       "; times are finite, and all ascend or all descend");
  }
  if (!(options.relative_tolerance >= 0) || !(options.absolute_tolerance >= 0) ||
      !(options.relative_tolerance + options.absolute_tolerance > 0) || options.max_steps < 0)
    throw ValueError("odeint: tolerances are 0 or more, one of them above 0, and so is max_steps");
}

}  // namespace

Tensor odeint(const OdeFunction& f, const Tensor& start, const std::vector<double>& times,
              const std::vector<Tensor>& parameters, const OdeOptions& options) {
  require_inputs(start, times, options);
  std::vector<Tensor> inputs{start};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  if (options.gradient == OdeGradient::recorded) return path_of(f, times, inputs, options);
  if (grad_enabled()) {
    const std::vector<Tensor> copies = detached(inputs);
    const Tensor slope = slope_of(f, times[0], copies[0], std::span(copies).subspan(1));
    const std::vector<Tensor> leaves = closed_over_leaves("odeint", slope, copies, 0);
    if (!leaves.empty())
      throw ValueError("odeint: the function reaches " + describe(leaves[0]) +
                       ", which requires a gradient, without its parameters; pass it as one");
  }
  const auto forward = [=](std::span<const Tensor> in) {
    const NoGrad unrecorded;
    return path_of(f, times, in, options);
  };
  const auto backward = [=](std::span<const Tensor> given) { return adjoint_gradients(f, times, given, options); };
  return with_gradient(forward, backward)(inputs);
}

}  // namespace tapegrad::solvers
