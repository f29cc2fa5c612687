// Kernels of pointwise ops against their own formulas read on long double, and against themselves on two threads.

#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/op/table.hpp>

namespace tapegrad::tests {
namespace {

class PointwiseOp : public ::testing::TestWithParam<const OpEntry*> {
 protected:
  const OpEntry& op() const { return *GetParam(); }
  const OpInfo& info() const { return op().info(); }
  const PointwiseTable& table() const { return *static_cast<const PointwiseTable*>(op().record->table); }
  int inputs() const { return info().inputs.count; }
  bool has_gradient(int input) const { return info().differentiable && !info().masks.has(input); }

  Tensor draw(int input, const Shape& shape) {
    if (info().masks.has(input)) {
      Tensor mask = empty(shape, boolean);
      for (bool& m : mask.mutable_data<bool>()) m = rng_.uniform() < 0.5;
      return mask;
    }
    const Interval interval = info().domain.interval[input];
    Tensor t = rand(shape, interval.low, interval.high, f64, rng_);
    return has_gradient(input) ? parameter(t) : t;
  }

  void expect_close(long double got, long double wanted, const std::string& what) const {
    if (std::isnan(wanted) ? std::isnan(got) : got == wanted) return;
    EXPECT_LE(std::abs(got - wanted), 2e-14L * (std::abs(wanted) + 0.01L))
        << info().name << " " << what << ": " << got << " not " << wanted;
  }

  /// Compares a call, of which input `number` (-1 for none) is a number.
  void check(const Tensor* tensors, int number, double value) {
    std::vector<Operand> operands;
    for (int i = 0; i < inputs(); ++i) operands.push_back(i == number ? Operand(value) : Operand(tensors[i]));
    Tensor y;
    if (number < 0)
      y = op().call({tensors, static_cast<std::size_t>(inputs())}, {})[0];
    else
      y = call_pointwise(*op().record, operands, nullptr);
    const void* attributes = y.requires_grad() && number < 0 ? engine::node_of(y).attributes : nullptr;
    if (!op().attributes().empty()) {
      ASSERT_TRUE(attributes) << "a recorded call is needed to see the default attributes";
    }
    const std::size_t n = static_cast<std::size_t>(y.numel());
    std::vector<std::vector<double>> x(static_cast<std::size_t>(inputs()), std::vector<double>(n, value));
    for (int i = 0; i < inputs(); ++i)
      if (i != number) x[static_cast<std::size_t>(i)] = tensors[i].values();
    const auto point = [&](std::size_t e) {
      std::array<long double, kMaxInputs> at{};
      for (std::size_t i = 0; i < x.size(); ++i) at[i] = x[i][e];
      return at;
    };
    const std::vector<double> got = y.values();
    for (std::size_t e = 0; e < n; ++e)
      expect_close(got[e], table().value_reference(point(e).data(), attributes), "value");
    if (!y.requires_grad()) return;

    const Tensor g = rand(y.shape(), 0.5, 1.5, f64, rng_);
    std::vector<Tensor> wanted;
    std::vector<int> which;
    for (int i = 0; i < inputs(); ++i)
      if (i != number && has_gradient(i)) wanted.push_back(tensors[i]), which.push_back(i);
    const Tensor outputs[] = {y};
    for (const bool recorded : {true, false}) {
      const auto gradients = grad(outputs, wanted, std::span(&g, 1), {.retain_graph = true, .create_graph = recorded});
      for (std::size_t k = 0; k < wanted.size(); ++k) {
        const auto values = gradients[k].values();
        for (std::size_t e = 0; e < n; ++e) {
          const auto at = point(e);
          const long double output = table().value_reference(at.data(), attributes);
          expect_close(values[e], table().vjp_reference(which[k], g.values()[e], at.data(), output, attributes),
                       std::string(recorded ? "recorded" : "plain") + " gradient of " +
                           std::string(info().inputs.name[which[k]]));
        }
      }
    }
  }

  Rng rng_{11};
};

TEST_P(PointwiseOp, AgreesWithItsFormulaInLongDouble) {
  Tensor tensors[kMaxInputs];
  for (int i = 0; i < inputs(); ++i) tensors[i] = draw(i, {37});
  check(tensors, -1, 0);
}

TEST_P(PointwiseOp, AgreesWhenAnInputIsANumber) {
  if (inputs() < 2 || !op().attributes().empty()) return;
  for (int number = 0; number < inputs(); ++number) {
    if (info().masks.has(number)) continue;
    Tensor tensors[kMaxInputs];
    for (int i = 0; i < inputs(); ++i) tensors[i] = draw(i, {9});
    const Interval interval = info().domain.interval[number];
    for (const double share : {0.0, 0.3, 1.0})
      check(tensors, number, interval.low + share * (interval.high - interval.low));
  }
}

TEST_P(PointwiseOp, GivesTheSameBitsOnAnyNumberOfThreads) {
  const int before = num_threads();
  Tensor tensors[kMaxInputs];
  for (int i = 0; i < inputs(); ++i) tensors[i] = draw(i, i % 2 == 0 ? Shape{500, 301} : Shape{301});
  std::vector<std::vector<double>> first;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    std::vector<std::vector<double>> found;
    const Tensor y = op().call({tensors, static_cast<std::size_t>(inputs())}, {})[0];
    found.push_back(y.values());
    if (y.requires_grad()) {
      y.backward(ones_like(y));
      for (int i = 0; i < inputs(); ++i) {
        if (!has_gradient(i)) continue;
        found.push_back(tensors[i].grad().values());
        tensors[i].clear_grad();
      }
    }
    if (threads == 1)
      first = std::move(found);
    else
      EXPECT_TRUE(first == found) << threads << " threads";
  }
  set_num_threads(before);
}

std::vector<const OpEntry*> pointwise_ops() {
  std::vector<const OpEntry*> all;
  for (const OpEntry* op : all_ops())
    if (op->pointwise) all.push_back(op);
  return all;
}
INSTANTIATE_TEST_SUITE_P(All, PointwiseOp, ::testing::ValuesIn(pointwise_ops()),
                         [](const auto& one) { return std::string(one.param->info().name); });

}  // namespace
}  // namespace tapegrad::tests
