#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/text_batches.hpp>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;
using Rows = std::vector<std::int64_t>;

EncodedTexts four_texts() {
  EncodedTexts texts;
  texts.append(std::vector<std::int32_t>{2, 3});
  texts.append(std::vector<std::int32_t>{4});
  texts.append(std::vector<std::int32_t>{5, 6, 7});
  texts.append(std::vector<std::int32_t>{8, 9});
  return texts;
}

Rows rows_of(const RowEpoch& epoch) {
  Rows rows;
  for (const auto batch : epoch) rows.insert(rows.end(), batch.begin(), batch.end());
  return rows;
}

TEST(RowBatches, KeepTheLastPartialBatch) {
  const RowBatches batches(all_rows(7), {.batch_size = 3, .shuffle = false});
  const RowEpoch epoch = batches.epoch(0);
  ASSERT_EQ(epoch.size(), 3);
  EXPECT_THAT(epoch[0], ElementsAre(0, 1, 2));
  EXPECT_THAT(epoch[2], ElementsAre(6));
  EXPECT_EQ(RowBatches(all_rows(6), {.batch_size = 3}).epoch(0).size(), 2);
  EXPECT_EQ(RowBatches({}).epoch(0).size(), 0);
  EXPECT_THAT(rows_of(RowBatches({}).epoch(0)), ElementsAre());
  EXPECT_THROW(RowBatches(all_rows(3), {.batch_size = 0}), ValueError);
}

TEST(RowBatches, EpochsFollowFromSeedAndNumberAlone) {
  const RowBatches batches(all_rows(100), {.seed = 5});
  const Rows third = rows_of(batches.epoch(3));
  (void)batches.epoch(4);
  EXPECT_EQ(rows_of(batches.epoch(3)), third);
  EXPECT_EQ(rows_of(RowBatches(all_rows(100), {.seed = 5}).epoch(3)), third);
  EXPECT_NE(rows_of(batches.epoch(4)), third);
  EXPECT_NE(rows_of(RowBatches(all_rows(100), {.seed = 6}).epoch(3)), third);
  EXPECT_NE(third, all_rows(100));
}

RC_GTEST_PROP(RowBatches, DealEveryRowOnce, (const std::set<std::int64_t>& rows, std::uint64_t seed)) {
  const auto batch_size = *rc::gen::inRange<std::int64_t>(1, 20);
  const RowEpoch epoch = RowBatches({rows.begin(), rows.end()}, {.batch_size = batch_size, .seed = seed}).epoch(2);
  for (std::int64_t i = 0; i + 1 < epoch.size(); ++i) RC_ASSERT(std::ssize(epoch[i]) == batch_size);
  Rows dealt = rows_of(epoch);
  std::ranges::sort(dealt);
  RC_ASSERT(std::ranges::equal(dealt, rows));
}

TEST(RaggedBatches, PutSequencesEndToEnd) {
  const EncodedTexts texts = four_texts();
  std::vector<RaggedBatch> dealt;
  for (const RaggedBatch& batch : RaggedBatches(texts, {2, 0, 1}, {.batch_size = 2, .shuffle = false}).epoch(0)) {
    dealt.push_back(batch);
  }
  ASSERT_EQ(dealt.size(), 2u);
  EXPECT_THAT(dealt[0].rows, ElementsAre(2, 0));
  EXPECT_THAT(dealt[0].ids, ElementsAre(5, 6, 7, 2, 3));
  EXPECT_THAT(dealt[0].offsets, ElementsAre(0, 3, 5));
  EXPECT_THAT(dealt[1].ids, ElementsAre(4));
  EXPECT_THAT(dealt[1].offsets, ElementsAre(0, 1));
}

TEST(PaddedBatches, PadToTheLongestOfTheBatch) {
  const EncodedTexts texts = four_texts();
  const PaddedBatches batches(texts, {1, 2, 3}, {.batch_size = 2, .shuffle = false});
  const auto epoch = batches.epoch(0);
  ASSERT_EQ(epoch.size(), 2);
  const PaddedBatch first = epoch[0];
  EXPECT_EQ(first.length, 3);
  EXPECT_THAT(first.ids, ElementsAre(4, 0, 0, 5, 6, 7));
  EXPECT_THAT(first.mask, ElementsAre(1, 0, 0, 1, 1, 1));
  EXPECT_EQ(epoch[1].length, 2);
  EXPECT_THAT(epoch[1].ids, ElementsAre(8, 9));
}

TEST(TextBatches, RefuseRowsOutsideTheTexts) {
  const EncodedTexts texts = four_texts();
  EXPECT_THROW(ragged_batch(texts, Rows{0, 4}), IndexError);
  EXPECT_THROW(padded_batch(texts, Rows{-1}), IndexError);
  EXPECT_EQ(padded_batch(texts, {}).length, 0);
  EXPECT_THAT(ragged_batch(texts, {}).offsets, ElementsAre(0));
}

}  // namespace
}  // namespace tapegrad::data
