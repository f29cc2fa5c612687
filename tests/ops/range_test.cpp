// Every op over the whole range of its dtype, from the smallest subnormal number to the largest: f32 and f64 against
// the op's formulas in long double; structural ops in f32 against f64. Value and gradient are held to 4 ulp, or 4 times
// the condition number of the op at that point, computed here; where an op cannot keep to that, its info says so
// (OpInfo::accuracy). NaN is accepted only where the function is not defined, or where docs/kinks.md says so.

#include "range.hpp"

#include <gtest/gtest.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/op/table.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/testing/internal/op_kinks.hpp>

namespace tapegrad::tests {
namespace {

constexpr std::size_t kPoints = 300;

/// A pointwise op's formulas in long double.
class Formula {
 public:
  using Point = std::array<long double, kMaxInputs>;

  Formula(const OpEntry& op, const void* attributes)
      : info_(op.info()), table_(*static_cast<const PointwiseTable*>(op.record->table)), attributes_(attributes) {}

  /// Of the value, or of the gradient for an input.
  Truth value(const Point& x) const {
    return of(x, [&](const Point& at) { return table_.value_reference(at.data(), attributes_); });
  }
  Truth gradient(int input, const Point& x) const {
    return of(x, [&](const Point& at) {
      return table_.vjp_reference(input, 1, at.data(), table_.value_reference(at.data(), attributes_), attributes_);
    });
  }

  /// Whether the value is defined next to x, on both sides along every input.
  bool defined_around(const Point& x) const {
    bool defined = true;
    moved(x, [&](const Point& at) { defined &= !std::isnan(table_.value_reference(at.data(), attributes_)); });
    return defined;
  }

 private:
  static constexpr long double kStep = 0x1p-26L;

  template <class Visit>
  void moved(const Point& x, const Visit& visit) const {
    for (int i = 0; i < info_.inputs.count; ++i)
      for (const long double step : {kStep, -kStep}) {
        if (info_.masks.has(i)) continue;
        Point at = x;
        at[static_cast<std::size_t>(i)] *= 1 + step;
        visit(at);
      }
  }
  template <class F>
  Truth of(const Point& x, const F& f) const {
    Truth truth{f(x), 0};
    moved(x, [&](const Point& at) {
      const long double change = std::fabs(f(at) - truth.value);
      truth.movement += std::isnan(change) ? 0 : change / (2 * kStep);
    });
    return truth;
  }

  const OpInfo& info_;
  const PointwiseTable& table_;
  const void* attributes_;
};

class PointwiseRange : public ::testing::TestWithParam<const OpEntry*> {
 protected:
  const OpEntry& op() const { return *GetParam(); }
  const OpInfo& info() const { return op().info(); }
  bool has_gradient(int input) const { return info().differentiable && !info().masks.has(input); }

  template <class T>
  std::vector<std::vector<T>> draw() const {
    Noise noise(1);
    const std::vector<T> points = range_points<T>(kPoints, noise);
    const auto count = static_cast<std::size_t>(info().inputs.count);
    std::vector<std::vector<T>> inputs(count);
    for (int relation = 0; relation < (count > 1 ? kRelations : 1); ++relation)
      for (const T x : points) {
        inputs[0].push_back(x);
        for (std::size_t i = 1; i < count; ++i)
          inputs[i].push_back(related(x, (relation + static_cast<int>(i) - 1) % kRelations, points, noise));
      }
    return inputs;
  }

  /// Whether none of these is subnormal: a recorded gradient is made of ops, each of which rounds its result.
  template <class T>
  bool normal(const Formula::Point& x, long double truth) const {
    bool all = std::fabs(truth) >= std::numeric_limits<T>::min();
    for (int i = 0; i < info().inputs.count; ++i)
      all &= x[static_cast<std::size_t>(i)] == 0 ||
             std::fabs(x[static_cast<std::size_t>(i)]) >= std::numeric_limits<T>::min();
    return all;
  }

  /// Whether docs/kinks.md has a NaN among the op's gradients for `input` where its value is a number.
  bool kink_is_nan(int input) const {
    for (const testing::KinkGroup& group : testing::op_kinks())
      for (const testing::OpKink& kink : group.kinks)
        if (kink.op == info().name && kink.inputs[0].rank() == 0 && !std::isnan(kink.value[0]) &&
            std::isnan(kink.gradients[static_cast<std::size_t>(input)][0]))
          return true;
    return false;
  }

  template <class T>
  void expect_right() const {
    const auto drawn = draw<T>();
    std::vector<Tensor> inputs, moving;
    std::vector<int> which;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      const bool mask = info().masks.has(static_cast<int>(i));
      const Tensor t = copy_of(drawn[i]);
      inputs.push_back(mask ? t > 0 : has_gradient(static_cast<int>(i)) ? parameter(t) : t);
      if (has_gradient(static_cast<int>(i))) moving.push_back(inputs[i]), which.push_back(static_cast<int>(i));
    }
    const Tensor y = op().call(inputs, {})[0];
    const Formula formula(op(), y.requires_grad() ? engine::node_of(y).attributes : nullptr);
    std::vector<std::vector<double>> at;
    for (const Tensor& t : inputs) at.push_back(t.values());
    const auto point = [&](std::size_t e) {
      Formula::Point x{};
      for (std::size_t i = 0; i < at.size(); ++i) x[i] = at[i][e];
      return x;
    };
    const auto compare = [&](const std::vector<double>& got, const auto& truth_at, const std::string& what,
                             bool recorded) {
      Worst worst;
      for (std::size_t e = 0; e < got.size(); ++e) {
        const Truth truth = truth_at(point(e));
        if (recorded && !normal<T>(point(e), truth.value)) continue;
        worst.add(error_of<T>(got[e], truth, info().accuracy.ulps), [&] {
          std::string text = "(";
          for (std::size_t i = 0; i < at.size(); ++i) text += (i ? ", " : "") + number(at[i][e]);
          return text + ") gives " + number(got[e]) + ", not " + number(truth.value);
        });
      }
      worst.expect_right(what);
    };
    compare(
        y.values(), [&](const auto& x) { return formula.value(x); }, "value", false);
    if (!y.requires_grad()) return;
    const Tensor ones = ones_like(y);
    for (const bool recorded : {false, true}) {
      const auto gradients = grad({&y, 1}, moving, {&ones, 1}, {.retain_graph = true, .create_graph = recorded});
      for (std::size_t k = 0; k < moving.size(); ++k)
        compare(
            gradients[k].to_dense().values(), [&](const auto& x) { return formula.gradient(which[k], x); },
            std::string(recorded ? "recorded" : "plain") + " gradient of " + std::string(info().inputs.name[which[k]]),
            recorded);
    }
    for (std::size_t e = 0; e < at[0].size(); ++e) {
      const Formula::Point x = point(e);
      for (const int input : which) {
        if (!std::isnan(formula.gradient(input, x).value) || kink_is_nan(input)) continue;
        EXPECT_FALSE(formula.defined_around(x)) << "the gradient is NaN at " << number(x[0]) << ", " << number(x[1]);
      }
    }
  }
};

TEST_P(PointwiseRange, F32) { expect_right<float>(); }
TEST_P(PointwiseRange, F64) { expect_right<double>(); }

std::vector<const OpEntry*> pointwise_ops() {
  std::vector<const OpEntry*> ops;
  for (const OpEntry* op : all_ops())
    if (op->pointwise) ops.push_back(op);
  return ops;
}
INSTANTIATE_TEST_SUITE_P(All, PointwiseRange, ::testing::ValuesIn(pointwise_ops()),
                         [](const auto& one) { return std::string(one.param->info().name); });

}  // namespace
}  // namespace tapegrad::tests
