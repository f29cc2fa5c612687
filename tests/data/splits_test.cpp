#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Rows = std::vector<std::int64_t>;

Rows sorted_union(Rows a, const Rows& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::ranges::sort(a);
  return a;
}

std::map<std::int32_t, double> held_out_shares(const std::vector<std::int32_t>& labels, const Split& split) {
  std::map<std::int32_t, double> held, all;
  for (const std::int32_t label : labels) ++all[label];
  for (const std::int64_t row : split.held_out) ++held[labels[static_cast<std::size_t>(row)]];
  for (auto& [label, count] : held) count /= all[label];
  return held;
}

// Orders are part of what a seed promises: a change of this test is a change of everybody's experiments.
TEST(Shuffle, FollowsFromTheSeedOnEveryMachine) {
  Rows rows = all_rows(10);
  shuffle(rows, 1);
  EXPECT_THAT(rows, ElementsAre(4, 2, 5, 7, 1, 9, 0, 6, 3, 8));
  rows = all_rows(10);
  shuffle(rows, 1, 1);
  EXPECT_THAT(rows, ElementsAre(5, 7, 3, 9, 4, 2, 1, 0, 8, 6));
}

TEST(Shuffle, SpreadsEveryRowEvenly) {
  constexpr int kRows = 5, kShuffles = 20'000, kExpected = kShuffles / kRows;
  int landed[kRows][kRows] = {};
  for (std::uint64_t seed = 0; seed < kShuffles; ++seed) {
    Rows rows = all_rows(kRows);
    shuffle(rows, seed);
    for (std::size_t place = 0; place < kRows; ++place) ++landed[rows[place]][place];
  }
  for (const auto& row : landed) {
    for (const int times : row) EXPECT_NEAR(times, kExpected, 6 * std::sqrt(kExpected));
  }
}

TEST(Take, SelectsInOrderAndChecks) {
  const std::vector<std::string> items = {"a", "b", "c"};
  EXPECT_THAT(take(items, Rows{2, 0, 2}), ElementsAre("c", "a", "c"));
  EXPECT_THROW(take(items, Rows{3}), IndexError);
  EXPECT_THROW(take(items, Rows{-1}), IndexError);
  EXPECT_THROW(all_rows(-1), ValueError);
}

TEST(Split, HoldsOutTheShareAskedFor) {
  EXPECT_EQ(split(60'676, 0.1, 1).held_out.size(), 6068u);
  EXPECT_THAT(split(10, 0, 1).held_out, IsEmpty());
  EXPECT_EQ(split(3, 0.01, 1).held_out.size(), 1u);
  EXPECT_EQ(split(3, 0.99, 1).kept.size(), 1u);
  EXPECT_EQ(split(0, 0, 1).kept.size(), 0u);
}

TEST(Split, RefusesWhatCannotBeSplit) {
  for (const double fraction : {-0.1, 1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(split(10, fraction, 1), ValueError) << fraction;
    EXPECT_THROW(stratified_split(std::vector<std::int32_t>{0, 1}, fraction, 1), ValueError) << fraction;
  }
  EXPECT_THROW(split(1, 0.5, 1), ValueError);
  EXPECT_THROW(split(-1, 0.5, 1), ValueError);
  EXPECT_THROW(stratified_split(std::vector<std::int32_t>{0, 1, 2}, 0.5, 1), ValueError) << "one row a class";
  EXPECT_THROW(k_folds(5, 1, 1), ValueError);
  EXPECT_THROW(k_folds(5, 6, 1), ValueError);
}

RC_GTEST_PROP(Split, Partitions, (std::uint64_t seed)) {
  const auto count = *rc::gen::inRange<std::int64_t>(2, 300);
  const double fraction = *rc::gen::inRange(0, 1000) / 1000.0;
  const Split first = split(count, fraction, seed), again = split(count, fraction, seed);
  RC_ASSERT(sorted_union(first.kept, first.held_out) == all_rows(count));
  RC_ASSERT(first.kept == again.kept);
  RC_ASSERT(first.held_out == again.held_out);
  const Split nested = split(first.kept, first.kept.size() < 2 ? 0 : fraction, seed);
  RC_ASSERT(sorted_union(nested.kept, nested.held_out) == sorted_union(first.kept, {}));
}

TEST(GroupSplit, KeepsGroupsTogether) {
  std::vector<std::int64_t> groups(100, 7);  // half of the rows are one group
  for (std::size_t i = 0; i < 50; ++i) groups[2 * i] = 100 + static_cast<std::int64_t>(i / 5);
  const Split parts = group_split(all_rows(100), groups, 0.2, 3);
  EXPECT_EQ(parts.held_out.size(), 20u);
  EXPECT_EQ(sorted_union(parts.kept, parts.held_out), all_rows(100));
  std::map<std::int64_t, int> held;
  for (const std::int64_t row : parts.held_out) ++held[groups[static_cast<std::size_t>(row)]];
  EXPECT_EQ(held.size(), 4u);
  for (const auto& [group, rows] : held) EXPECT_EQ(rows, 5) << group;
  EXPECT_NE(parts.held_out, group_split(all_rows(100), groups, 0.2, 4).held_out);
  EXPECT_EQ(group_split(parts.kept, groups, 0, 1).kept.size(), 80u);
  EXPECT_THROW(group_split(all_rows(100), groups, 0.04, 1), ValueError) << "no group is so small";
  EXPECT_THROW(group_split(all_rows(101), groups, 0.2, 1), IndexError);
}

RC_GTEST_PROP(StratifiedSplit, PartitionsEveryClassAlike, (std::uint64_t seed)) {
  const auto labels = *rc::gen::container<std::vector<std::int32_t>>(200, rc::gen::inRange(0, 5));
  const double fraction = *rc::gen::inRange(10, 90) / 100.0;
  const Split parts = stratified_split(labels, fraction, seed);
  RC_ASSERT(sorted_union(parts.kept, parts.held_out) == all_rows(200));
  std::map<std::int32_t, std::int64_t> sizes, held;
  for (const std::int32_t label : labels) ++sizes[label];
  for (const std::int64_t row : parts.held_out) ++held[labels[static_cast<std::size_t>(row)]];
  for (const auto& [label, size] : sizes) {
    RC_ASSERT(std::abs(static_cast<double>(held[label]) - fraction * static_cast<double>(size)) < 1.0);
    RC_ASSERT(held[label] < size);
  }
}

TEST(StratifiedSplit, HoldsOutAsManyRowsAsSplit) {
  std::vector<std::int32_t> labels(1000);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i < 900 ? 0 : i < 933 ? 1 : 2;
  const Split parts = stratified_split(labels, 0.1, 3);
  EXPECT_EQ(parts.held_out.size(), 100u);
  for (const auto& [label, share] : held_out_shares(labels, parts)) EXPECT_NEAR(share, 0.1, 0.02) << label;
  EXPECT_FALSE(std::ranges::is_sorted(parts.held_out)) << "still shuffled";
}

TEST(StratifiedSplit, AClassWithOneRowKeepsIt) {
  const std::vector<std::int32_t> labels = {7, 3, 3, 3, 3, 3, 3, 3, 3, 3};
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_THAT(stratified_split(labels, 0.5, seed).kept, ::testing::Contains(0));
  }
}

RC_GTEST_PROP(KFolds, CoverEveryRowOnce, (std::uint64_t seed)) {
  const auto count = *rc::gen::inRange<std::int64_t>(2, 200);
  const int folds = *rc::gen::inRange<int>(2, static_cast<int>(std::min<std::int64_t>(count, 12)) + 1);
  Rows held_out;
  for (const Split& fold : k_folds(count, folds, seed)) {
    RC_ASSERT(sorted_union(fold.kept, fold.held_out) == all_rows(count));
    RC_ASSERT(std::ssize(fold.held_out) - count / folds <= 1);
    RC_ASSERT(std::ssize(fold.held_out) - count / folds >= 0);
    held_out.insert(held_out.end(), fold.held_out.begin(), fold.held_out.end());
  }
  RC_ASSERT(sorted_union(held_out, {}) == all_rows(count));
}

}  // namespace
}  // namespace tapegrad::data
