#include <tapegrad/optim/lbfgs.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/optim/internal/checks.hpp>

namespace tapegrad::optim {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

// a + factor · b
Vector sum(Vector a, double factor, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += factor * b[i];
  return a;
}

void require_scalar(const Tensor& loss) {
  if (!loss.defined()) throw ValueError("Lbfgs: the loss returned an undefined tensor");
  if (loss.numel() != 1 || !is_floating(loss.dtype()))
    throw ShapeError(fmt::format("Lbfgs: the loss returned {}; expected one floating element", describe(loss)));
  if (!loss.requires_grad())
    throw ValueError(
        "Lbfgs: the loss depends on no parameter that requires a gradient: it was computed under NoGrad, "
        "or through detach() or item()");
}

double largest(const Vector& v) {
  double largest = 0;
  for (const double x : v) {
    if (std::isnan(x)) return x;
    largest = std::max(largest, std::abs(x));
  }
  return largest;
}

}  // namespace

/// Along one direction.
class Lbfgs::LineSearch {
 public:
  /// How the loss does at a length of the step.
  struct Trial {
    double length = 0, loss = 0, slope = 0;
    Point point;
  };

  LineSearch(Lbfgs& optimizer, const std::function<Tensor()>& loss, const Point& start, const Vector& direction)
      : optimizer_(optimizer), loss_(loss), direction_(direction), options_(optimizer.options_) {
    start_ = {0, start.loss, dot(start.gradient, direction), start};
  }

  std::int64_t evaluations() const { return evaluations_; }

  /// A point that meets the strong Wolfe conditions, or failing that the lowest seen that decreases the loss
  /// sufficiently.
  std::optional<Point> run(double length) {
    Trial before = start_;
    while (evaluations_ < options_.searches) {
      Trial now = at(length);
      if (!decreases(now) || (evaluations_ > 1 && now.loss >= before.loss))
        return zoom(std::move(before), std::move(now));
      if (is_flat(now)) return std::move(now.point);
      if (now.slope >= 0) return zoom(std::move(now), std::move(before));
      before = std::move(now);
      length *= 2;
    }
    return lowest();
  }

 private:
  Trial at(double length) {
    ++evaluations_;
    Trial trial{length, 0, 0, optimizer_.evaluate(loss_, sum(start_.point.x, length, direction_))};
    trial.loss = trial.point.loss;
    trial.slope = dot(trial.point.gradient, direction_);
    if (decreases(trial) && (!lowest_ || trial.loss < lowest_->loss)) lowest_ = trial;
    return trial;
  }

  // NaN and infinities decrease nothing.
  bool decreases(const Trial& t) const {
    return t.loss <= start_.loss + options_.sufficient_decrease * t.length * start_.slope && std::isfinite(t.slope);
  }
  bool is_flat(const Trial& t) const { return std::abs(t.slope) <= -options_.curvature * start_.slope; }

  // Between `low`, the better one, and `high` there are points that meet the conditions.
  std::optional<Point> zoom(Trial low, Trial high) {
    while (evaluations_ < options_.searches) {
      Trial middle = at(between(low, high));
      if (!decreases(middle) || middle.loss >= low.loss) {
        high = std::move(middle);
      } else {
        if (is_flat(middle)) return std::move(middle.point);
        if (middle.slope * (high.length - low.length) >= 0) high = std::move(low);
        low = std::move(middle);
      }
      if (std::abs(high.length - low.length) * largest(direction_) <= options_.change_tolerance) break;
    }
    return lowest();
  }

  // Where the cubic through both values and slopes is lowest, kept off the ends.
  static double between(const Trial& a, const Trial& b) {
    const double middle = (a.length + b.length) / 2, margin = 0.1 * std::abs(b.length - a.length);
    const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.length - b.length);
    const double d2 = std::copysign(std::sqrt(d1 * d1 - a.slope * b.slope), b.length - a.length);
    const double cubic = b.length - (b.length - a.length) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
    if (!std::isfinite(cubic)) return middle;
    return std::clamp(cubic, std::min(a.length, b.length) + margin, std::max(a.length, b.length) - margin);
  }

  std::optional<Point> lowest() const { return lowest_ ? std::optional(lowest_->point) : std::nullopt; }

  Lbfgs& optimizer_;
  const std::function<Tensor()>& loss_;
  const Vector& direction_;
  const Options& options_;
  Trial start_;
  std::optional<Trial> lowest_;
  std::int64_t evaluations_ = 0;
};

Lbfgs::Lbfgs(NamedTensors parameters) : Lbfgs(std::move(parameters), Options{}) {}

Lbfgs::Lbfgs(NamedTensors parameters, Options options) : parameters_(std::move(parameters)), options_(options) {
  if (parameters_.empty()) throw ValueError("Lbfgs: there are no parameters");
  for (const auto& [name, tensor] : parameters_) require_trainable("Lbfgs", name, tensor);
  const Options& o = options_;
  if (!(o.gradient_tolerance >= 0) || !(o.change_tolerance >= 0))
    throw ValueError(
        fmt::format("Lbfgs: tolerances {} and {}; they are at least 0", o.gradient_tolerance, o.change_tolerance));
  if (o.iterations < 0 || o.history < 1 || !(o.lr > 0) || o.searches < 1 ||
      !(0 < o.sufficient_decrease && o.sufficient_decrease < o.curvature && o.curvature < 1))
    throw ValueError(
        fmt::format("Lbfgs: {} iterations, history {}, lr {}, {} searches, Wolfe constants {} and {}; the "
                    "constants lie in (0, 1), the first below the second, and the others above 0",
                    o.iterations, o.history, o.lr, o.searches, o.sufficient_decrease, o.curvature));
}

Lbfgs::Vector Lbfgs::gather() const {
  Vector x;
  for (const auto& [name, tensor] : parameters_) {
    const std::vector<double> values = tensor.values();
    x.insert(x.end(), values.begin(), values.end());
  }
  return x;
}

void Lbfgs::scatter(const Vector& x) {
  const double* from = x.data();
  for (NamedTensor& parameter : parameters_) {
    Tensor& tensor = parameter.tensor;
    Tensor values = tensor.is_contiguous() ? tensor : empty(tensor.shape(), tensor.dtype());
    dispatch_floating(tensor.dtype(), [&]<class T>() {
      for (T& value : values.mutable_data<T>()) value = static_cast<T>(*from++);
    });
    if (!tensor.is_contiguous()) tensor.copy_from(values);
  }
}

Lbfgs::Point Lbfgs::evaluate(const std::function<Tensor()>& loss, Vector x) {
  scatter(x);
  for (auto& [name, tensor] : parameters_) tensor.clear_grad();
  const GradMode recording(true);
  const Tensor value = loss();
  require_scalar(value);
  value.backward();
  // The parameters as they were rounded to their dtype are where the gradient is.
  Point point{gather(), value.item(), {}};
  point.gradient.reserve(point.x.size());
  bool depends = false;
  for (auto& [name, tensor] : parameters_) {
    const Tensor gradient = tensor.grad();
    if (gradient.defined()) require_fitting("Lbfgs", name, tensor, gradient);
    depends = depends || gradient.defined();
    const std::vector<double> values =
        gradient.defined() ? gradient.to_dense().values() : Vector(static_cast<std::size_t>(tensor.numel()));
    point.gradient.insert(point.gradient.end(), values.begin(), values.end());
    tensor.clear_grad();
  }
  if (!depends) throw ValueError("Lbfgs: the loss depends on none of the parameters that require a gradient");
  return point;
}

Lbfgs::Vector Lbfgs::direction(const Vector& gradient) const {
  Vector d = sum(Vector(gradient.size()), -1, gradient);
  if (history_.empty()) {
    // The scale is not known yet: a first step that changes the parameters by 1 in sum at most.
    const double norm = std::accumulate(d.begin(), d.end(), 0.0, [](double s, double v) { return s + std::abs(v); });
    const double scale = std::min(1.0, 1 / norm);
    for (double& v : d) v *= scale;
    return d;
  }
  Vector alpha(history_.size());
  for (std::size_t i = history_.size(); i-- > 0;) {
    const auto& [step, change] = history_[i];
    alpha[i] = dot(step, d) / dot(change, step);
    d = sum(std::move(d), -alpha[i], change);
  }
  const auto& [step, change] = history_.back();
  const double scale = dot(step, change) / dot(change, change);
  for (double& v : d) v *= scale;
  for (std::size_t i = 0; i < history_.size(); ++i) {
    const double beta = dot(history_[i].change, d) / dot(history_[i].change, history_[i].step);
    d = sum(std::move(d), alpha[i] - beta, history_[i].step);
  }
  return d;
}

void Lbfgs::remember(const Point& from, const Point& to) {
  Pair pair{sum(to.x, -1, from.x), sum(to.gradient, -1, from.gradient)};
  // A pair without curvature would make the matrix indefinite.
  if (!(dot(pair.step, pair.change) > 1e-16 * dot(pair.change, pair.change))) return;
  if (history_.size() == options_.history) history_.erase(history_.begin());
  history_.push_back(std::move(pair));
}

Lbfgs::Result Lbfgs::step(const std::function<Tensor()>& loss) {
  Point now{gather(), 0, {}};
  try {
    const Result result = search(loss, now);
    scatter(now.x);
    return result;
  } catch (...) {
    scatter(now.x);
    for (auto& [name, tensor] : parameters_) tensor.clear_grad();
    throw;
  }
}

Lbfgs::Result Lbfgs::search(const std::function<Tensor()>& loss, Point& now) {
  Result result;
  now = evaluate(loss, now.x);
  result.evaluations = 1;
  if (!std::isfinite(now.loss) || !std::isfinite(largest(now.gradient)))
    throw DivergenceError(fmt::format("Lbfgs: the loss is {}, its gradient at most {}, where the step starts", now.loss,
                                      largest(now.gradient)));
  const auto converged = [&](const Point& point) { return largest(point.gradient) <= options_.gradient_tolerance; };
  while (result.iterations < options_.iterations) {
    if (converged(now)) {
      result.stopped = Stop::converged;
      break;
    }
    Vector d = direction(now.gradient);
    if (dot(d, now.gradient) >= 0) {  // rounding has spoilt the history
      history_.clear();
      d = direction(now.gradient);
    }
    LineSearch search(*this, loss, now, d);
    std::optional<Point> next = search.run(options_.lr);
    result.evaluations += search.evaluations();
    if (!next) {
      result.stopped = Stop::stalled;
      break;
    }
    ++result.iterations;
    const double change = std::max(std::abs(next->loss - now.loss), largest(sum(next->x, -1, now.x)));
    remember(now, *next);
    now = std::move(*next);
    if (change <= options_.change_tolerance || converged(now)) {
      result.stopped = Stop::converged;
      break;
    }
  }
  result.loss = now.loss;
  return result;
}

NamedTensors Lbfgs::state() const {
  const auto n = static_cast<std::int64_t>(gather().size()), pairs = std::ssize(history_);
  Tensor steps = empty({pairs, n}, f64), changes = empty({pairs, n}, f64);
  auto step = steps.mutable_data<double>().begin(), change = changes.mutable_data<double>().begin();
  for (const Pair& pair : history_) {
    step = std::ranges::copy(pair.step, step).out;
    change = std::ranges::copy(pair.change, change).out;
  }
  return {{"lbfgs.steps", steps}, {"lbfgs.changes", changes}};
}

void Lbfgs::load_state(const NamedTensors& state) {
  const auto n = static_cast<std::int64_t>(gather().size());
  const Tensor *steps = find(state, "lbfgs.steps"), *changes = find(state, "lbfgs.changes");
  if (!steps || !changes || steps->rank() != 2 || steps->size(1) != n || steps->shape() != changes->shape() ||
      steps->dtype() != f64 || changes->dtype() != f64 || steps->size(0) > static_cast<std::int64_t>(options_.history))
    throw ValueError(
        fmt::format("Lbfgs::load_state: expected lbfgs.steps and lbfgs.changes, f64 [pairs, {}], with {} "
                    "pairs at most",
                    n, options_.history));
  std::vector<Pair> loaded;
  for (std::int64_t i = 0; i < steps->size(0); ++i) loaded.push_back({(*steps)[i].values(), (*changes)[i].values()});
  history_ = std::move(loaded);
}

}  // namespace tapegrad::optim
