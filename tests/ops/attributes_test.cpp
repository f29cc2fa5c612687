// Attributes that no op can do anything with: NaN and infinities are refused, or mean what docs/kinks.md says.

#include <gtest/gtest.h>

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/testing/internal/op_kinks.hpp>

namespace tapegrad::tests {
namespace {

class EveryAttribute : public ::testing::TestWithParam<const OpEntry*> {
 protected:
  /// Whether docs/kinks.md shows the op with this attribute.
  static bool decided(std::string_view name, const std::string& value) {
    for (const testing::KinkGroup& group : testing::op_kinks())
      for (const testing::OpKink& kink : group.kinks)
        for (const auto& [attribute, text] : kink.attributes)
          if (kink.op == GetParam()->info().name && attribute == name && text == value) return true;
    return false;
  }
};

TEST_P(EveryAttribute, RefusesWhatIsNotFinite) {
  const OpEntry& op = *GetParam();
  Rng rng(1);
  const std::vector<Sample> samples = op.samples(rng);
  for (const AttributeInfo& attribute : op.attributes())
    for (const std::string value : {"nan", "inf", "-inf"}) {
      if (value == attribute.default_value || decided(attribute.name, value)) continue;
      NamedValues given = samples[0].attributes;
      std::erase_if(given, [&](const auto& one) { return one.first == attribute.name; });
      given.emplace_back(attribute.name, value);
      EXPECT_THROW(op.call(samples[0].inputs, given), Error)
          << "accepted " << attribute.name << "=" << value << "; docs/kinks.md says nothing of it";
    }
}

INSTANTIATE_TEST_SUITE_P(All, EveryAttribute, ::testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         [](const auto& one) { return std::string(one.param->info().name); });

TEST(Attributes, AreCheckedByFunctionsAndByNameAlike) {
  const Tensor x = ones({2});
  const auto by_name = [&](const char* op, NamedValues attributes) { return find_op(op).call({&x, 1}, attributes); };
  EXPECT_THROW(celu(x, -1), ValueError);
  EXPECT_THROW(by_name("celu", {{"alpha", "-1"}}), ValueError);
  EXPECT_THROW(elu(x, -1), ValueError);
  EXPECT_THROW(by_name("elu", {{"alpha", "-1"}}), ValueError);
  EXPECT_THROW(hardtanh(x, 1, -1), ValueError);
  EXPECT_THROW(by_name("hardtanh", {{"low", "2"}}), ValueError);
  EXPECT_THROW(softshrink(x, -1), ValueError);
  EXPECT_THROW(by_name("hardshrink", {{"bound", "-1"}}), ValueError);
  EXPECT_THROW(clamp(x, 1, 0), ValueError);
  EXPECT_THROW(by_name("clamp", {{"min", "1"}, {"max", "0"}}), ValueError);
  EXPECT_THROW(by_name("polygamma", {{"order", "-1"}}), ValueError);
  EXPECT_THROW(huber_loss(x, x, -1), ValueError);
  const std::vector<Tensor> both{x, x};
  EXPECT_THROW(find_op("huber").call(both, {{"delta", "0"}}), ValueError);
}

}  // namespace
}  // namespace tapegrad::tests
