#include <algorithm>
#include <cmath>
#include <numeric>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/transforms.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradient_check.hpp>
#include <tapegrad/testing/internal/diagnosis.hpp>
#include <tapegrad/testing/internal/slope.hpp>

namespace tapegrad::testing {
namespace {

using Tensors = std::vector<Tensor>;
using Numbers = std::vector<double>;

bool same_bits(const Numbers& a, const Numbers& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

std::string position(const Shape& shape, std::int64_t flat) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = flat % shape[axis];
    flat /= shape[axis];
  }
  return to_string(Shape(index));
}

Tensor from_numbers(const Numbers& values, const Shape& shape, DType dtype) {
  Tensor t = empty(shape, dtype);
  t.copy_from(wrap(std::span(const_cast<Numbers&>(values)), shape));
  return t;
}

/// A shift of one input.
struct Line {
  std::size_t input;
  std::string element;
  std::int64_t at = -1;  ///< the element that moves; -1 for all, along `direction`
  Numbers direction;
  double scale = 1;  ///< of the step: the size of what moves
};

class Checker {
 public:
  Checker(const TensorFunction& f, const Tensors& inputs, const GradientOptions& options)
      : f_(f), options_(options), rng_(options.seed) {
    const bool single = options.dtype == f32;
    report_.name = options.name;
    report_.order = options.order;
    report_.dtype = options.dtype;
    report_.absolute_tolerance = options.absolute > 0 ? options.absolute : single ? 1e-2 : 1e-6;
    report_.relative_tolerance = options.relative > 0 ? options.relative : single ? 1e-2 : 1e-6;
    report_.kinks_fail = options.kinks == Kinks::fail;
    if (single)
      report_.warnings.push_back(
          "checked in f32, where differences carry three digits: use f64 to tell a wrong rule from rounding");
    const NoGrad off;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      names_.push_back(std::to_string(i));
      if (!inputs[i].name().empty()) names_[i] += " '" + std::string(inputs[i].name()) + "'";
      const Tensor dense = inputs[i].to_dense().detach();
      inputs_.push_back(is_floating(dense.dtype()) ? cast(dense, options.dtype).detach() : dense);
      if (!is_floating(dense.dtype()))
        report_.warnings.push_back("input " + names_[i] + " is " + describe(dense) + ": not differentiated");
    }
  }

  GradientReport run() {
    if (prepare())
      for (int order = 1; order <= options_.order; ++order) {
        const std::size_t failures = report_.mismatches.size() + report_.problems.size();
        guarded(order, [&] { order == 1 ? check_first() : check_nested(order); });
        if (report_.mismatches.size() + report_.problems.size() > failures) break;  // the higher ones rest on it
      }
    if (unsettled_)
      report_.warnings.push_back(std::to_string(unsettled_) +
                                 " of the slopes above did not settle over the sweep of steps: the function is noisy "
                                 "there, or has a kink within a step");
    std::stable_sort(report_.mismatches.begin(), report_.mismatches.end(),
                     [](const auto& a, const auto& b) { return a.error > b.error; });
    return std::move(report_);
  }

 private:
  template <class Step>
  bool guarded(int order, const Step& step) {
    try {
      step();
      return true;
    } catch (const std::exception& e) {
      report_.problems.push_back((order ? "differentiating (order " + std::to_string(order) + ")" : "calling it") +
                                 std::string(" threw: ") + e.what());
      return false;
    }
  }

  /// Calls f twice: its value must exist, be finite and come back the same.
  bool prepare() {
    return guarded(0,
                   [&] {
                     const NoGrad off;
                     value_ = f_(inputs_).to_dense().detach();
                     const Numbers once = value_.values(), twice = f_(inputs_).values();
                     if (!same_bits(once, twice)) {
                       report_.problems.push_back(
                           "two calls on the same inputs gave different values: fix the seed of its noise");
                       return;
                     }
                     for (std::size_t i = 0; i < once.size(); ++i)
                       if (!std::isfinite(once[i])) {
                         report_.problems.push_back("the value is " + std::to_string(once[i]) + " at element " +
                                                    position(value_.shape(), static_cast<std::int64_t>(i)) +
                                                    ": choose inputs where it is finite");
                         return;
                       }
                     if (!is_floating(value_.dtype()))
                       report_.problems.push_back("the value is " + describe(value_) + ", which has no derivative");
                     else if (value_.dtype() == f32 && options_.dtype == f64)
                       report_.warnings.push_back("the function computes in f32 although its inputs are f64");
                     weights_ = draw(value_.shape(), value_.dtype());
                   }) &&
           report_.problems.empty();
  }

  /// Random numbers away from zero, no two alike: an error cannot hide behind symmetry.
  Tensor draw(const Shape& shape, DType dtype) {
    Tensor t = empty(shape, dtype);
    dispatch_floating(dtype, [&]<class T>() {
      for (T& v : t.mutable_data<T>()) {
        const double size = 0.5 + rng_.uniform();
        v = static_cast<T>(rng_.uniform() < 0.4 ? -size : size);
      }
    });
    return t;
  }

  bool differentiated(std::size_t i) const { return is_floating(inputs_[i].dtype()); }

  Tensors leaves() const {
    Tensors all;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      all.push_back(differentiated(i) ? parameter(inputs_[i]) : inputs_[i]);
    return all;
  }

  /// h_order, recorded: f's value for order 1, one number above.
  Tensor nested(int order, const Tensors& at) {
    if (order == 1) return f_(at);
    const Tensor inner = nested(order - 1, at);
    const Tensors gradients = pulled(inner, order == 2 ? weights_ : Tensor(), at, true);
    Tensor total = scalar(0, options_.dtype);
    for (std::size_t i = 0; i < at.size(); ++i)
      if (gradients[i].defined())
        total = total + sum(gradients[i].to_dense() * vectors_[static_cast<std::size_t>(order - 2)][i]);
    return total;
  }

  Tensors pulled(const Tensor& value, const Tensor& cotangent, const Tensors& at, bool create_graph) const {
    Tensors all(at.size()), wanted;
    if (!value.requires_grad()) return all;
    for (std::size_t i = 0; i < at.size(); ++i)
      if (differentiated(i)) wanted.push_back(at[i]);
    const Tensors found =
        grad({&value, 1}, wanted, cotangent.defined() ? std::span(&cotangent, 1) : std::span<const Tensor>(),
             {.retain_graph = true, .create_graph = create_graph});
    for (std::size_t i = 0, next = 0; i < at.size(); ++i)
      if (differentiated(i)) all[i] = found[next++];
    return all;
  }

  /// The gradient's numbers; checks its shape. Empty when there is none.
  Numbers numbers(const Tensor& gradient, std::size_t input) {
    if (!gradient.defined()) return {};
    if (gradient.shape() != inputs_[input].shape()) {
      report_.problems.push_back("the gradient of input " + names_[input] + ", " + describe(inputs_[input]) +
                                 ", has the shape " + to_string(gradient.shape()) +
                                 (gradient.numel() > inputs_[input].numel()
                                      ? ": sum it over the axes along which the input is broadcast"
                                      : ""));
      return Numbers(static_cast<std::size_t>(inputs_[input].numel()), std::nan(""));
    }
    return gradient.values();
  }

  std::vector<Line> lines() {
    std::vector<Line> all;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!differentiated(i)) continue;
      const Numbers values = inputs_[i].values();
      const std::int64_t n = inputs_[i].numel();
      const auto element = [&](std::int64_t e) {
        all.push_back(
            {i, position(inputs_[i].shape(), e), e, {}, std::max(1.0, std::abs(values[static_cast<std::size_t>(e)]))});
      };
      if (n <= options_.full) {
        for (std::int64_t e = 0; e < n; ++e) element(e);
        continue;
      }
      for (std::int64_t k = 0; k < options_.full; ++k)
        element(static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(n))));
      for (int k = 0; k < 3; ++k) {
        Numbers direction = draw(inputs_[i].shape(), f64).values();
        // Of length √2, so that the value moves as much as when one element does.
        for (double& d : direction) d /= std::sqrt(static_cast<double>(n) / 2);
        all.push_back({i, "direction " + std::to_string(k), -1, std::move(direction), 1});
      }
    }
    return all;
  }

  Tensors moved(const Line& line, double t) const {
    Tensors at = inputs_;
    Numbers values = inputs_[line.input].values();
    if (line.at >= 0)
      values[static_cast<std::size_t>(line.at)] += t;
    else
      for (std::size_t e = 0; e < values.size(); ++e) values[e] += t * line.direction[e];
    at[line.input] = from_numbers(values, inputs_[line.input].shape(), options_.dtype);
    return at;
  }

  static double along(const Line& line, const Numbers& gradient) {
    if (gradient.empty()) return 0;
    if (line.at >= 0) return gradient[static_cast<std::size_t>(line.at)];
    return std::inner_product(gradient.begin(), gradient.end(), line.direction.begin(), 0.0);
  }

  std::vector<internal::Slope> slopes(const Line& line, const Numbers& middle, double magnitude,
                                      const std::function<Numbers(const Tensors&)>& evaluate) const {
    const bool single = options_.dtype == f32 || value_.dtype() == f32;
    const internal::SweepSteps steps{.first = std::exp2(std::floor(std::log2(line.scale)) - (single ? 3 : 6)),
                                     .count = single ? 8 : 18,
                                     .epsilon = single ? 6e-8 : 1.2e-16,
                                     .magnitude = magnitude,
                                     .absolute = 0.01 * report_.absolute_tolerance,
                                     .relative = 0.01 * report_.relative_tolerance};
    return internal::measure_slopes([&](double t) { return evaluate(moved(line, t)); }, middle, steps);
  }

  /// True if it is wrong.
  bool compare(int order, const Line& line, const std::string& output, double analytic, const internal::Slope& slope) {
    // Where a derivative is zero, what is left of it is rounding, which looks like a small kink.
    const double small = report_.absolute_tolerance;
    if (slope.kink && !(std::abs(slope.left) <= small && std::abs(slope.right) <= small)) {
      if (options_.kinks != Kinks::ignore)
        report_.kinks.push_back({order, names_[line.input], line.element, output, analytic, slope.left, slope.right});
      return false;
    }
    const bool wrong = compare(order, names_[line.input], line.element, output, analytic, slope.value);
    if (wrong && !(slope.error <= tolerance(analytic, slope.value))) ++unsettled_;
    return wrong;
  }

  double tolerance(double a, double b) const {
    return report_.absolute_tolerance + report_.relative_tolerance * std::max(std::abs(a), std::abs(b));
  }

  bool compare(int order, const std::string& input, const std::string& element, const std::string& output,
               double analytic, double numeric) {
    const double difference = std::abs(analytic - numeric);
    const double error = std::isnan(difference) ? INFINITY : difference / tolerance(analytic, numeric);
    const GradientComparison one{order, input, element, output, analytic, numeric, error};
    if (report_.compared++ == 0 || one.error > report_.worst.error) report_.worst = one;
    if (error > 1) report_.mismatches.push_back(one);
    return error > 1;
  }

  void check_first() {
    const Tensors at = leaves();
    const Tensor value = f_(at);
    const auto outputs = static_cast<std::size_t>(value_.numel());
    std::int64_t entries = 0;
    for (std::size_t i = 0; i < at.size(); ++i)
      if (differentiated(i)) entries += at[i].numel() * value_.numel();
    const bool full = entries <= options_.jacobian;

    const std::vector<Numbers> weighted = gradient_numbers(value, at);
    std::vector<std::vector<Numbers>> rows;  // by output, then input
    for (std::size_t o = 0; full && o < outputs; ++o) {
      Numbers one(outputs, 0);
      one[o] = 1;
      const Tensors found = pulled(value, from_numbers(one, value_.shape(), value_.dtype()), at, false);
      rows.emplace_back();
      for (std::size_t i = 0; i < at.size(); ++i) rows.back().push_back(numbers(found[i], i));
    }

    const NoGrad off;
    const Numbers base = value_.values(), weights = weights_.values();
    double magnitude = 0;
    for (std::size_t o = 0; o < outputs; ++o) magnitude += std::abs(weights[o] * base[o]);
    std::vector<bool> needed(at.size(), false);
    std::vector<internal::WrongGradient> seen(at.size());
    for (const Line& line : lines()) {
      // Weighted by the cotangent, as differences from the value at the middle: what does not move adds no rounding.
      const auto contract = [&](const Numbers& values) {
        long double total = 0;
        for (std::size_t o = 0; o < outputs; ++o)
          total += static_cast<long double>(weights[o]) * (static_cast<long double>(values[o]) - base[o]);
        return static_cast<double>(total);
      };
      const auto evaluate = [&](const Tensors& inputs) {
        Numbers values = f_(inputs).values();
        const double total = contract(values);
        if (!full) values.clear();
        values.push_back(total);
        return values;
      };
      Numbers middle = full ? base : Numbers();
      middle.push_back(0);
      const auto found = slopes(line, middle, full ? 0 : magnitude, evaluate);
      internal::WrongGradient& of_input = seen[line.input];
      const std::size_t before = report_.mismatches.size();
      bool zero = false, right = false;
      for (std::size_t o = 0; o + 1 < found.size(); ++o) {
        const double analytic = along(line, rows[o][line.input]);
        const bool wrong = compare(1, line, position(value_.shape(), static_cast<std::int64_t>(o)), analytic, found[o]);
        zero = zero || (wrong && analytic == 0);
        right = right || (!wrong && analytic != 0);
        of_input.some_other = of_input.some_other || (wrong && analytic != 0);
      }
      of_input.some_zero = of_input.some_zero || (zero && right);
      of_input.some_other = of_input.some_other || (zero && !right);
      const bool kink = std::any_of(found.begin(), found.end(), [](const auto& s) { return s.kink; });
      // What the elements say already is not said again of their sum.
      const bool said = report_.mismatches.size() > before;
      if (!full || (!kink && !said)) compare(1, line, "weighted", along(line, weighted[line.input]), found.back());
      of_input.analytic.push_back(along(line, weighted[line.input]));
      of_input.numeric.push_back(found.back().value);
      needed[line.input] = needed[line.input] || std::abs(found.back().value) > report_.absolute_tolerance;
    }
    for (std::size_t i = 0; i < at.size(); ++i)
      if (needed[i] && weighted[i].empty())
        report_.problems.push_back("input " + names_[i] +
                                   " got no gradient, although the value depends on it: the function detached it, "
                                   "computed under NoGrad, or used values() of it");
    diagnose(seen);
    const auto is_right = [&] { return report_.mismatches.empty() && report_.problems.empty(); };
    if ((options_.forward || options_.order > 1) && is_right()) check_recorded(weighted);
    if (options_.forward && is_right()) check_forward(weighted);
  }

  void diagnose(std::vector<internal::WrongGradient>& seen) {
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const bool wrong = std::any_of(report_.mismatches.begin(), report_.mismatches.end(),
                                     [&](const GradientComparison& m) { return m.input == names_[i]; });
      // Only of an input that was looked at in each element.
      if (!wrong || std::ssize(seen[i].analytic) != inputs_[i].numel()) continue;
      seen[i].input = names_[i];
      seen[i].shape = inputs_[i].shape();
      seen[i].tolerance = report_.relative_tolerance;
      if (std::string text = internal::diagnosis(seen[i]); !text.empty()) report_.diagnoses.push_back(std::move(text));
    }
  }

  /// The gradient against the random cotangent, taken twice.
  std::vector<Numbers> gradient_numbers(const Tensor& value, const Tensors& at) {
    std::vector<Numbers> first;
    const Tensors once = pulled(value, weights_, at, false), twice = pulled(value, weights_, at, false);
    for (std::size_t i = 0; i < at.size(); ++i) {
      first.push_back(numbers(once[i], i));
      if (!same_bits(first[i], numbers(twice[i], i)))
        report_.problems.push_back("two backward passes gave input " + names_[i] + " different gradients");
    }
    return first;
  }

  /// The gradient that create_graph gives, which the higher orders start from, against the plain one.
  void check_recorded(const std::vector<Numbers>& plain) {
    const GradMode on(true);
    const Tensors at = leaves();
    const Tensors recorded = pulled(f_(at), weights_, at, true);
    for (std::size_t i = 0; i < at.size(); ++i) {
      const Numbers values = numbers(recorded[i], i);
      if (values.size() != plain[i].size()) {
        report_.problems.push_back("input " + names_[i] + " has a gradient only with, or only without, create_graph");
        continue;
      }
      for (std::size_t e = 0; e < values.size(); ++e)
        compare(1, names_[i], position(inputs_[i].shape(), static_cast<std::int64_t>(e)), "recorded", values[e],
                plain[i][e]);
    }
  }

  /// <u, jvp(v)> against <vjp(u), v>.
  void check_forward(const std::vector<Numbers>& gradients) {
    Tensors tangents(inputs_.size());
    double reverse = 0, size = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!differentiated(i)) continue;
      tangents[i] = draw(inputs_[i].shape(), options_.dtype);
      const Numbers v = tangents[i].values();
      for (std::size_t e = 0; e < gradients[i].size(); ++e) {
        reverse += gradients[i][e] * v[e];
        size += std::abs(gradients[i][e] * v[e]);
      }
    }
    const Numbers pushed = jvp(f_, inputs_, tangents).tangent.values(), weights = weights_.values();
    const double forward = std::inner_product(pushed.begin(), pushed.end(), weights.begin(), 0.0);
    // Terms that cancel leave their rounding behind.
    const double rounding = size * (options_.dtype == f32 ? 1e-5 : 1e-13);
    if (std::abs(forward - reverse) > rounding)
      compare(1, "all", "tangent", "jvp", reverse, forward);
    else
      compare(1, "all", "tangent", "jvp", reverse, reverse);
  }

  void check_nested(int order) {
    Tensors vectors;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      vectors.push_back(differentiated(i) ? draw(inputs_[i].shape(), options_.dtype) : Tensor());
    vectors_.push_back(std::move(vectors));
    const Tensors at = leaves();
    const Tensor value = nested(order, at);
    const Tensors found = pulled(value, {}, at, false);
    const Numbers middle = value.values();
    std::vector<bool> missed(inputs_.size(), false);
    for (const Line& line : lines()) {
      const auto evaluate = [&](const Tensors& inputs) {
        Tensors copies;
        for (std::size_t i = 0; i < inputs.size(); ++i)
          copies.push_back(differentiated(i) ? parameter(inputs[i]) : inputs[i]);
        return nested(order, copies).values();
      };
      const auto slope = slopes(line, middle, 0, evaluate)[0];
      compare(order, line, "nested", along(line, numbers(found[line.input], line.input)), slope);
    }
  }

  const TensorFunction& f_;
  const GradientOptions& options_;
  Rng rng_;
  GradientReport report_;
  Tensors inputs_;
  std::vector<std::string> names_;
  Tensor value_, weights_;
  std::vector<Tensors> vectors_;  // v_1, v_2, …: one tensor an input
  std::size_t unsettled_ = 0;
};

}  // namespace

GradientReport check_gradients(const TensorFunction& f, const Tensors& inputs, const GradientOptions& options) {
  if (options.order < 1 || options.order > 4)
    throw ValueError("check_gradients: order " + std::to_string(options.order) + "; it is 1 to 4");
  if (!is_floating(options.dtype))
    throw ValueError("check_gradients: dtype " + std::string(name_of(options.dtype)) + "; use f64, or f32");
  if (options.full < 1 || options.jacobian < 0 || !(options.absolute >= 0) || !(options.relative >= 0))
    throw ValueError("check_gradients: full, jacobian and the tolerances must not be negative, nor full zero");
  if (std::none_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return t.defined() && is_floating(t.dtype()); }))
    throw ValueError("check_gradients: no input is f32 or f64, so there is nothing to differentiate");
  const GradMode on(true);
  return Checker(f, inputs, options).run();
}

}  // namespace tapegrad::testing
