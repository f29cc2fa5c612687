#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/name_table.hpp>
#include <tapegrad/ops/view.hpp>

#include "../message_of.hpp"

namespace tapegrad::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::vector<NameRule> kRules{{"h.{i}.attn.{part}.weight", "blocks.{i}.{part}.weight", true},
                                   {"h.{i}.ln_{k}.bias", "blocks.{i}.norm{k}.bias"}};

TEST(NameTable, FillsAModuleAndReports) {
  const NamedTensors target{{"blocks.0.q.weight", zeros({3, 2})},
                            {"blocks.11.norm2.bias", zeros({2}, f64)},
                            {"head", zeros({1})},
                            {"own", full({1}, 5)}};
  const NamedTensors source{{"h.0.attn.q.weight", reshape(arange(6, f32), {2, 3})},
                            {"h.11.ln_2.bias", tensor({1, 2})},
                            {"head", tensor({9})},
                            {"h.0.attn.bias", ones({1})}};
  const StateReport report = fill_state(target, source, kRules);
  EXPECT_THAT(target[0].tensor.values(), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(target[1].tensor.values(), ElementsAre(1, 2));
  EXPECT_THAT(target[2].tensor.values(), ElementsAre(9));
  EXPECT_THAT(target[3].tensor.values(), ElementsAre(5));
  EXPECT_THAT(report.matched, ElementsAre(Pair("h.0.attn.q.weight", "blocks.0.q.weight"),
                                          Pair("h.11.ln_2.bias", "blocks.11.norm2.bias"), Pair("head", "head")));
  EXPECT_EQ(to_string(report), "3 tensors matched, 1 of them transposed; unused: h.0.attn.bias; missing: own");
}

TEST(NameTable, CutsATensorAndLeavesOneOut) {
  const NamedTensors target{{"q.0", zeros({1, 2})}, {"k.0", zeros({1, 2})}};
  const NamedTensors source{{"qk.0", reshape(arange(4, f32), {2, 2})}, {"mask.0", ones({1})}};
  const std::vector<NameRule> rules{{"qk.{i}", "{q,k}.{i}", true}, {"mask.{i}", ""}};
  EXPECT_EQ(to_string(fill_state(target, source, rules)), "2 tensors matched, 1 of them transposed; left out: mask.0");
  EXPECT_THAT(target[0].tensor.values(), ElementsAre(0, 2));
  EXPECT_THAT(target[1].tensor.values(), ElementsAre(1, 3));
}

TEST(NameTable, ChangesNothingWhereShapesDiffer) {
  const NamedTensors target{{"a", zeros({2})}, {"b", zeros({2})}};
  EXPECT_EQ(message_of<ValueError>([&] {
              fill_state(target, {{"a", ones({2})}, {"b", ones({3})}}, {});
            }),
            "fill_state: shapes differ: b [3] for b [2]");
  EXPECT_THAT(target[0].tensor.values(), ElementsAre(0, 0));
}

TEST(NameTable, TakesNamesOfAnyKind) {
  NamedTensors source;
  for (const char* name :
       {"", ".", "h..attn.bias", "h.{i}.ln_1.bias", "h.0.attn.bias.", "{", "}{", "\x1b[2J", "\xff\xfe"})
    source.push_back({name, ones({1})});
  source.push_back({std::string(1'000'000, 'h'), ones({1})});
  for (int i = 0; i < 100'000; ++i) source.push_back({"h." + std::to_string(i) + ".attn.rotary", ones({1})});
  const NamedTensors target{{"blocks.0.norm1.bias", zeros({1})}};
  const StateReport report = fill_state(target, source, kRules);
  EXPECT_EQ(report.unused.size(), source.size());
  EXPECT_LT(to_string(report).size(), 1000u);
  EXPECT_THAT(to_string(report), HasSubstr("\\x1B"));
}

TEST(NameTable, RefusesRulesThatMeanNothing) {
  const NamedTensors target{{"a", zeros({1})}}, source{{"x", ones({1})}, {"y", ones({1})}};
  const auto refusal = [&](const std::vector<NameRule>& rules) {
    return message_of<ValueError>([&] { fill_state(target, source, rules); });
  };
  EXPECT_THAT(refusal({{"{n}", "a"}}), HasSubstr("'x' and 'y' both become 'a'"));
  EXPECT_THAT(refusal({{"{n}", "a.{m}"}}), HasSubstr("which its source has not"));
  EXPECT_THAT(refusal({{"{n", "a"}}), HasSubstr("without a '}'"));
  EXPECT_THAT(refusal({{"x", "{a,b}{c,d}"}}), HasSubstr("has two lists"));
  EXPECT_THAT(refusal({{"x", "{a,b}"}}), HasSubstr("x [1] in 2 parts"));
  EXPECT_THAT(refusal({{"x", "{a,}"}}), HasSubstr("x [1] in 2 parts"));
}

}  // namespace
}  // namespace tapegrad::io
