// Every op on its own samples: see testing/op_check.hpp for what is tried.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradient_check.hpp>

namespace tapegrad::tests {
namespace {

class EveryOp : public ::testing::TestWithParam<const OpEntry*> {
 protected:
  static std::string name() { return std::string(GetParam()->info().name); }
  /// Of an input; which of two that do not fit each other, bad_inputs() says itself.
  static void expect_shape(const std::string& text, const BadInput& bad) {
    const bool named = std::any_of(bad.inputs.begin(), bad.inputs.end(), [&](const Tensor& t) {
      const bool scalar = t.defined() && t.rank() == 0 && text.find("scalar") != std::string::npos;
      return t.defined() && (scalar || text.find(to_string(t.shape())) != std::string::npos);
    });
    EXPECT_TRUE(named) << "gives no shape: " << text;
  }
  static std::string failures(const testing::OpCheckResult& result) {
    std::string text;
    for (const std::string& f : result.failures) text += f + "\n";
    return text;
  }
};

TEST_P(EveryOp, HasCorrectGradientsToTheThirdOrder) {
  const testing::OpCheckResult result = testing::check_op(*GetParam(), 3);
  EXPECT_TRUE(result.ok()) << failures(result);
  EXPECT_GT(result.samples, 0);
  EXPECT_EQ(result.strided, result.samples);
  EXPECT_LE(result.worst, 1) << result.worst_where;
  if (!GetParam()->info().differentiable) return;
  EXPECT_EQ(result.orders, 3) << "nothing was compared";
  EXPECT_TRUE(result.forward);
  EXPECT_EQ(result.skipped, 0u) << "samples keep away from kinks";
}

TEST_P(EveryOp, GivesTheSameInSinglePrecision) {
  const testing::OpCheckResult result = testing::check_op(*GetParam(), 1, f32, 5);
  EXPECT_TRUE(result.ok()) << failures(result);
}

TEST_P(EveryOp, RefusesBadInputsWithAMessage) {
  for (const BadInput& bad : GetParam()->bad_inputs()) {
    try {
      bad.call(bad.inputs);
      ADD_FAILURE() << "accepted what should say: " << bad.message;
    } catch (const Error& e) {
      const std::string text = e.what();
      EXPECT_NE(text.find(bad.message), std::string::npos) << "not in: " << text << "\n    wanted: " << bad.message;
      EXPECT_EQ(text.rfind(name() + ": ", 0), 0u) << "does not begin with the op's name: " << text;
      if (dynamic_cast<const ShapeError*>(&e)) expect_shape(text, bad);
    }
  }
}

TEST_P(EveryOp, TakesIntegersWhereItIsNumeric) {
  if (GetParam()->info().kind != Kind::numeric) return;
  Rng rng(3);
  for (const Sample& sample : GetParam()->samples(rng)) {
    std::vector<Tensor> integers, floats;
    for (const Tensor& t : sample.inputs) {
      Tensor whole = t;
      if (is_floating(t.dtype())) {
        // Away from zero, by which integers do not divide.
        std::vector<std::int64_t> rounded;
        for (const double v : t.values()) rounded.push_back(static_cast<std::int64_t>(v) + (v < 0 ? -1 : 1));
        whole = copy_of(std::span<const std::int64_t>(rounded), t.shape());
      }
      integers.push_back(whole);
      floats.push_back(is_floating(t.dtype()) ? cast(whole, f64) : t);
    }
    const Tensor got = sample.call(integers)[0];
    EXPECT_FALSE(got.requires_grad());
    std::vector<double> wanted = sample.call(floats)[0].values();
    if (!is_floating(got.dtype()))
      for (double& v : wanted) v = std::trunc(v);  // attributes may be fractions
    // A fraction among the arguments makes the result f32.
    EXPECT_THAT(got.values(), ::testing::Pointwise(::testing::DoubleNear(1e-6), wanted)) << describe(got);
  }
}

TEST(SmoothOps, HaveCorrectGradientsToTheFourthOrder) {
  for (const char* name : {"exp", "tanh", "sigmoid", "gelu", "erf", "lgamma", "logaddexp", "div", "pow", "softmax",
                           "log_softmax", "logsumexp", "cross_entropy", "matmul", "prod", "std", "norm", "cumprod"}) {
    const testing::OpCheckResult result = testing::check_op(find_op(name), 4);
    EXPECT_EQ(result.orders, 4) << name << ": " << (result.ok() ? "" : result.failures[0]);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryOp, ::testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         [](const auto& one) { return std::string(one.param->info().name); });

}  // namespace
}  // namespace tapegrad::tests
