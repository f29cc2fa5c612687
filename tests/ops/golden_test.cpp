#include "golden.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradient_check.hpp>

namespace tapegrad::tests {

std::vector<Golden> all_goldens() {
  std::vector<Golden> all;
  for (const auto file : {
           arithmetic_goldens,  elementary_goldens, activation_goldens, comparison_goldens,    rounding_goldens,
           special_goldens,     view_goldens,       reduce_goldens,     extremum_goldens,      moment_goldens,
           order_goldens,       scan_goldens,       softmax_goldens,    loss_goldens,          matmul_goldens,
           indexing_goldens,    arrange_goldens,    recurrence_goldens, normalization_goldens, linear_algebra_goldens,
           convolution_goldens, pooling_goldens,    attention_goldens,  resample_goldens,
       })
    for (Golden& golden : file()) all.push_back(std::move(golden));
  return all;
}

namespace {

class GoldenValues : public ::testing::TestWithParam<Golden> {};

void expect_near(const std::vector<double>& got, const std::vector<double>& wanted, const std::string& what) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(wanted[i]) ? std::isnan(got[i]) : got[i] == wanted[i]) continue;
    EXPECT_NEAR(got[i], wanted[i], 1e-12 * std::max(1.0, std::abs(wanted[i]))) << what << ", element " << i;
  }
}

TEST_P(GoldenValues, MatchValueAndGradients) {
  const Golden& golden = GetParam();
  const OpEntry& op = find_op(golden.op);
  std::vector<Tensor> inputs = golden.inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (i < golden.gradients.size() && !golden.gradients[i].empty()) inputs[i] = parameter(inputs[i]);
  const Tensor value = testing::in_one(op.call(inputs, golden.attributes));
  expect_near(value.values(), golden.value, golden.op);
  if (golden.gradients.empty()) {
    EXPECT_FALSE(op.info().differentiable) << golden.op << " has gradients: say which";
    return;
  }
  const Tensor cotangent = reshape(arange(1, static_cast<double>(value.numel()) + 0.5, 1, f64), value.shape());
  value.backward(cotangent);
  for (std::size_t i = 0; i < golden.gradients.size(); ++i)
    if (!golden.gradients[i].empty())
      expect_near(inputs[i].grad().to_dense().values(), golden.gradients[i],
                  golden.op + ", gradient of input " + std::to_string(i));
}

INSTANTIATE_TEST_SUITE_P(All, GoldenValues, ::testing::ValuesIn(all_goldens()),
                         [](const auto& one) { return one.param.op + "_" + std::to_string(one.index); });

TEST(Golden, EveryOpHasOne) {
  std::set<std::string> known;
  for (const Golden& golden : all_goldens()) known.insert(golden.op);
  for (const OpEntry* op : all_ops())
    EXPECT_TRUE(known.contains(std::string(op->info().name)))
        << op->info().name << " has no golden line: add one to tests/ops/golden_<name>.cpp";
}

}  // namespace
}  // namespace tapegrad::tests
