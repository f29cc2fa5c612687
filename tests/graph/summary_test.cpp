#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/internal/text.hpp>

#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Summary, IsThisTable) {
  EXPECT_EQ(to_text(samples::mlp()),
            R"(mlp: 18 values, 16 gradients

layer          ops            output         parameters  operations     saved
─────────────────────────────────────────────────────────────────────────────
x              input          [32, 784] f32
labels         input          [32] f32
hidden1        matmul, add    [32, 512] f32     401,920      25.7 M   162 KiB
relu           relu           [32, 512] f32                  16.4 k  64.0 KiB
hidden2        matmul, add    [32, 256] f32     131,328       8.4 M  96.0 KiB
relu           relu           [32, 256] f32                   8.2 k  32.0 KiB
output         matmul, add    [32, 10] f32        2,570       164 k  33.2 KiB
cross_entropy  cross_entropy  scalar f32                          1   1.2 KiB
loss           output         scalar f32
─────────────────────────────────────────────────────────────────────────────
parameters             535,818 (2.0 MiB), 535,818 of them trainable
arithmetic operations  34.3 M forward
saved for backward     388 KiB
peak memory, estimated 4.5 MiB
)");
}

TEST(Summary, RepeatsAreOneRowWithTheirSum) {
  const std::string text = to_text(samples::transformer(12), {.depth = 1});
  EXPECT_THAT(text, HasSubstr("encoder.layers.0…11\u00A0×\u00A012"));
  EXPECT_THAT(text, HasSubstr("2,379,264"));
  EXPECT_THAT(text, Not(HasSubstr("feed_forward")));
  EXPECT_THAT(to_text(samples::transformer(12)), HasSubstr("├─ feed_forward "));
  EXPECT_THAT(to_text(samples::transformer(3), {.fold = false}), HasSubstr("2 "));
}

TEST(Summary, OpsGetRowsOnRequest) {
  const std::string text = to_text(samples::mlp(), {.ops = true});
  EXPECT_THAT(text, HasSubstr("hidden1        matmul, add"));
  EXPECT_THAT(text, HasSubstr("├─ matmul      matmul"));
  EXPECT_THAT(text, HasSubstr("└─ add         add"));
}

TEST(Summary, ColumnsStayInLineWhateverTheScript) {
  samples::Recording r;
  const auto x = r.input("输入层 <b>\n\"quoted\"", {4});
  r.linear("hidden", x, 4, 2, 1);
  const std::string text = to_text(r.finish());
  std::vector<std::size_t> columns;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    if (const std::size_t at = line.find("[4] f32"); at != std::string::npos)
      columns.push_back(display_width(line.substr(0, at)));
    if (const std::size_t at = line.find("[1, 2] f32"); at != std::string::npos)
      columns.push_back(display_width(line.substr(0, at)));
  }
  ASSERT_EQ(columns.size(), 2U);
  EXPECT_EQ(columns[0], columns[1]);
}

TEST(Summary, OfNothingAndOfVeryMuch) {
  EXPECT_THAT(to_text(ComputationGraph()), HasSubstr("0 values"));
  EXPECT_THAT(to_text(samples::unrolled(20'000)), HasSubstr("20,000"));
  EXPECT_GT(to_text(samples::unrolled(20'000), {.fold = false}).size(), 1'000'000U);
}

}  // namespace
}  // namespace tapegrad::graph
