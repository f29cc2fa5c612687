#include <algorithm>
#include <cmath>
#include <exception>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/op/table.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradient_check.hpp>
#include <tapegrad/testing/internal/op_kinks.hpp>

namespace tapegrad::testing {
namespace {

using Tensors = std::vector<Tensor>;

/// The same values in a buffer with gaps, its axes the other way round.
Tensor spread(const Tensor& t) {
  if (!t.defined() || t.rank() == 0 || t.numel() == 0) return t;
  std::vector<std::int64_t> reversed(t.shape().begin(), t.shape().end());
  std::reverse(reversed.begin(), reversed.end());
  reversed.push_back(2);
  if (reversed.size() > kMaxRank) return t;
  const Shape wide{std::span<const std::int64_t>(reversed)};
  const Strides steps = row_major_strides(wide);
  Strides swapped{};
  for (int axis = 0; axis < t.rank(); ++axis)
    swapped[static_cast<std::size_t>(axis)] = steps[static_cast<std::size_t>(t.rank() - 1 - axis)];
  const Tensor buffer = zeros(wide, t.dtype());
  Tensor view = make_view(buffer, t.shape(), &swapped, 1);
  const Tensor dense = t.contiguous();
  dispatch(t.dtype(), [&]<class T>() {
    T* to = reinterpret_cast<T*>(engine::node_of(view).data);
    const auto from = dense.data<T>();
    for (std::size_t i = 0; i < from.size(); ++i) {
      std::int64_t rest = static_cast<std::int64_t>(i), offset = 0;
      for (int axis = t.rank() - 1; axis >= 0; --axis) {
        offset += rest % t.shape()[axis] * swapped[static_cast<std::size_t>(axis)];
        rest /= t.shape()[axis];
      }
      to[offset] = from[i];
    }
  });
  return view;
}

/// One result of an op, or all in one, as a function of its inputs.
using Function = std::function<Tensor(std::span<const Tensor>)>;

/// A sample's inputs, and such a function of them.
struct Case {
  const Tensors& inputs;
  Function function;
};

struct Outcome {
  Tensor value;
  Tensors gradients;  ///< undefined where there is none
};

class OpChecker {
 public:
  OpChecker(const OpEntry& op, int order, DType dtype, std::uint64_t seed)
      : op_(op), order_(order), dtype_(dtype), rng_(seed) {
    result_.op = std::string(op.info().name);
    result_.differentiable = op.info().differentiable;
    result_.forward_rule = result_.differentiable && has_forward_rule(*op.record);
  }

  OpCheckResult run() {
    const GradMode on(true);
    bool all_forward = true;
    for (const Sample& sample : op_.samples(rng_)) {
      const std::string where = "sample " + std::to_string(result_.samples++) + attributes(sample);
      where_ = where;
      sample_forward_ = true;
      try {
        check(sample, where);
      } catch (const std::exception& e) {
        fail(std::string("threw: ") + e.what());
      }
      all_forward &= sample_forward_;
    }
    check_kinks();
    if (result_.samples == 0) result_.failures.push_back("there are no samples");
    result_.orders = result_.differentiable && dtype_ == f64 && result_.ok() && result_.compared > 0 ? order_ : 0;
    result_.forward = result_.orders > 0 && all_forward;
    return std::move(result_);
  }

 private:
  static std::string attributes(const Sample& sample) {
    std::string text;
    for (const auto& [name, value] : sample.attributes) text += (text.empty() ? " (" : ", ") + name + "=" + value;
    return text.empty() ? "" : text + ")";
  }

  void fail(const std::string& text) { result_.failures.push_back(where_ + ": " + text); }

  bool wants_gradient(std::size_t input, const Tensor& t) const {
    return t.defined() && is_floating(t.dtype()) && !op_.record->input(input).fixed;
  }

  void check(const Sample& sample, const std::string& where) {
    const Tensors results = sample.call(sample.inputs);
    const auto any_input = [&](const auto& is) {
      return std::any_of(sample.inputs.begin(), sample.inputs.end(),
                         [&](const Tensor& t) { return t.defined() && is(t); });
    };
    result_.zero_size += any_input([](const Tensor& t) { return t.numel() == 0; }) ||
                         std::any_of(results.begin(), results.end(), [](const Tensor& t) { return t.numel() == 0; });
    result_.scalars += any_input([](const Tensor& t) { return t.rank() == 0; });
    ++result_.strided;
    for (std::size_t i = 0; results.size() > 1 && i < results.size(); ++i) {
      where_ = where + ", " + std::string(op_.record->results[i]);
      check({sample.inputs, [&, i](std::span<const Tensor> inputs) { return sample.call(inputs)[i]; }});
    }
    where_ = where;
    check({sample.inputs, [&](std::span<const Tensor> inputs) { return in_one(sample.call(inputs)); }});
  }

  void check(const Case& sample) {
    const Outcome plain = differentiate(sample, sample.inputs, {});
    check_strided(sample, plain);
    if (!plain.value.requires_grad()) return;
    if (dtype_ == f32)
      check_single(sample, plain);
    else if (plain.value.dtype() == f64)
      check_orders(sample);
    check_shared(sample);
  }

  /// Value and gradients against `cotangent`, or 1, 2, 3, … without one.
  Outcome differentiate(const Case& sample, const Tensors& inputs, const Tensor& cotangent) {
    Tensors at;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      at.push_back(wants_gradient(i, inputs[i]) ? parameter(inputs[i]) : inputs[i]);
    Outcome outcome{sample.function(at), Tensors(inputs.size())};
    if (result_.differentiable && !outcome.value.requires_grad() && is_floating(outcome.value.dtype()) &&
        std::any_of(at.begin(), at.end(), [](const Tensor& t) { return t.defined() && t.requires_grad(); }))
      fail("the result does not require a gradient");
    if (!outcome.value.requires_grad()) return outcome;
    outcome.value.backward(cotangent.defined() ? cotangent : ramp(outcome.value));
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (!at[i].defined() || !at[i].requires_grad() || !at[i].grad().defined()) continue;
      outcome.gradients[i] = at[i].grad().to_dense();
      if (outcome.gradients[i].shape() != inputs[i].shape())
        fail("the gradient of input " + std::to_string(i) + ", " + describe(inputs[i]) + ", has the shape " +
             to_string(outcome.gradients[i].shape()));
    }
    return outcome;
  }

  static Tensor ramp(const Tensor& like) {
    const Tensor line = arange(1, static_cast<double>(like.numel()) + 0.5, 1, like.dtype());
    return make_view(line, like.shape(), nullptr, 0);
  }

  void expect_near(const Tensor& got, const Tensor& wanted, double tolerance, const std::string& what) {
    if (got.defined() != wanted.defined()) return fail(what + ": one is missing");
    if (!got.defined()) return;
    const auto a = got.values(), b = wanted.values();
    if (got.shape() != wanted.shape()) return fail(what + ": shape " + to_string(got.shape()));
    double size = 1;
    for (const double v : b)
      if (std::isfinite(v)) size = std::max(size, std::abs(v));
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
      if (!(std::abs(a[i] - b[i]) <= tolerance * size))
        return fail(what + ": element " + std::to_string(i) + " is " + std::to_string(a[i]) + ", not " +
                    std::to_string(b[i]));
    }
  }
  void expect_near(const Outcome& got, const Outcome& wanted, double tolerance, const std::string& what) {
    expect_near(got.value, wanted.value, tolerance, what + ", value");
    for (std::size_t i = 0; i < wanted.gradients.size(); ++i)
      expect_near(got.gradients[i], wanted.gradients[i], tolerance, what + ", gradient of input " + std::to_string(i));
  }

  void check_kinks() {
    for (const KinkGroup& group : op_kinks())
      for (const OpKink& kink : group.kinks) {
        if (kink.op != op_.info().name || find_op(kink.op).record != op_.record) continue;
        const std::vector<std::string> differences = check_kink(kink);
        result_.kinks += differences.empty();
        result_.failures.insert(result_.failures.end(), differences.begin(), differences.end());
      }
  }

  void check_strided(const Case& sample, const Outcome& plain) {
    constexpr double kRounding = 1e-12;  // a product may add in another order
    Tensors inputs;
    for (const Tensor& t : sample.inputs) inputs.push_back(spread(t));
    expect_near(differentiate(sample, inputs, {}), plain, kRounding, "on strided inputs");
    if (!plain.value.requires_grad()) return;
    expect_near(differentiate(sample, sample.inputs, spread(ramp(plain.value))), plain, kRounding,
                "with a strided cotangent");
    const Tensor two = full({}, 2, plain.value.dtype());
    const Strides still{};
    const Tensor everywhere = make_view(two, plain.value.shape(), &still, 0);
    expect_near(differentiate(sample, sample.inputs, everywhere),
                differentiate(sample, sample.inputs, full(plain.value.shape(), 2, plain.value.dtype())), kRounding,
                "with a broadcast cotangent");
  }

  void check_single(const Case& sample, const Outcome& plain) {
    Tensors inputs;
    for (const Tensor& t : sample.inputs) inputs.push_back(t.defined() && t.dtype() == f64 ? cast(t, f32) : t);
    expect_near(differentiate(sample, inputs, {}), plain, 1e-4, "in f32 against f64");
  }

  void check_orders(const Case& sample) {
    // Inputs without a gradient by nature stay as they are: a condition, indices, a weight that is a constant.
    const Tensors& inputs = sample.inputs;
    Tensors moving;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (wants_gradient(i, inputs[i])) moving.push_back(inputs[i]);
    if (moving.empty()) return;
    const auto f = [&](std::span<const Tensor> given) {
      Tensors all = inputs;
      for (std::size_t i = 0, next = 0; i < all.size(); ++i)
        if (wants_gradient(i, inputs[i])) all[i] = given[next++];
      return sample.function(all);
    };
    const GradientReport report =
        check_gradients(f, moving, {.name = result_.op + ", " + where_, .order = order_, .seed = rng_.next_u64()});
    result_.compared += report.compared;
    result_.skipped += report.kinks.size();
    if (report.compared && report.worst.error >= result_.worst) {
      result_.worst = report.worst.error;
      result_.worst_where = where_ + ": order " + std::to_string(report.worst.order) + ", input " + report.worst.input +
                            ", element " + report.worst.element;
    }
    if (report.ok()) return;
    sample_forward_ = false;
    fail(to_string(report));
  }

  void check_shared(const Case& sample) {
    if (sample.inputs.size() < 2 || dtype_ == f32) return;
    const Tensor &a = sample.inputs[0], &b = sample.inputs[1];
    if (!wants_gradient(0, a) || !wants_gradient(1, b) || a.shape() != b.shape() || a.numel() == 0) return;
    Tensors inputs = sample.inputs;
    if (op_.pointwise) {
      const Domain& domain = op_.info().domain;
      const double low = std::max(domain.interval[0].low, domain.interval[1].low),
                   high = std::min(domain.interval[0].high, domain.interval[1].high);
      if (!(low < high)) return;
      inputs[0] = rand(a.shape(), low, high, f64, rng_);
    }
    const auto f = [&](const Tensor& x) {
      Tensors all = inputs;
      all[0] = all[1] = x;
      return sample.function(all);
    };
    if (op_.record->takes_list() || inputs.size() == 2) {
      ++result_.shared;
      const GradientReport report = check_gradients(
          f, {inputs[0]}, {.name = result_.op + " of one tensor twice", .order = order_, .seed = rng_.next_u64()});
      result_.compared += report.compared;
      result_.skipped += report.kinks.size();
      if (!report.ok()) fail(to_string(report));
    }
  }

  const OpEntry& op_;
  const int order_;
  const DType dtype_;
  Rng rng_;
  OpCheckResult result_;
  std::string where_;
  bool sample_forward_ = true;
};

}  // namespace

Tensor in_one(std::span<const Tensor> results) {
  if (results.size() == 1) return results[0];
  std::vector<Tensor> rows;
  for (const Tensor& t : results)
    if (is_floating(t.dtype())) rows.push_back(reshape(t, {t.numel()}));
  return concat(rows);
}

OpCheckResult check_op(const OpEntry& op, int order, DType dtype, std::uint64_t seed) {
  return OpChecker(op, order, dtype, seed).run();
}

}  // namespace tapegrad::testing
