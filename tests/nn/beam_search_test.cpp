#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/beam_search.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Tokens = std::vector<std::int32_t>;

constexpr std::int32_t kEnd = 2;

/// A model that tells the next of the tokens 0, 1 and the end by all that came before.
class Told {
 public:
  explicit Told(std::map<Tokens, std::vector<double>> probabilities) : probabilities_(std::move(probabilities)) {}

  Tensor operator()(std::span<const std::int32_t> tokens, std::span<const std::int64_t> parents) {
    std::vector<Tokens> rows;
    std::vector<double> logits;
    for (std::size_t r = 0; r < tokens.size(); ++r) {
      Tokens row = rows_.empty() ? Tokens{} : rows_[static_cast<std::size_t>(parents[r])];
      if (!rows_.empty()) row.push_back(tokens[r]);
      const auto found = probabilities_.find(row);
      for (std::size_t i = 0; i < 3; ++i)
        logits.push_back(std::log(found == probabilities_.end() ? (i == 2 ? 0.98 : 0.01) : found->second[i]) + 7);
      rows.push_back(row);
    }
    rows_ = rows;
    return reshape(tensor(logits, f32), {static_cast<std::int64_t>(tokens.size()), 3});
  }

 private:
  std::map<Tokens, std::vector<double>> probabilities_;
  std::vector<Tokens> rows_;
};

/// What is likelier at first leads astray: 0 with 0.6 · 0.4 · 0.98 at best, 1 with 0.4 · 0.9 · 0.98.
Told garden_path() { return Told({{{}, {0.6, 0.4, 0}}, {{0}, {0.4, 0.3, 0.3}}, {{1}, {0.05, 0.9, 0.05}}}); }

TEST(BeamSearch, FindsWhatGreedMisses) {
  const std::vector<Hypothesis> greedy = beam_search(garden_path(), 0, kEnd, {.beams = 1, .longest = 5});
  ASSERT_EQ(greedy.size(), 1u);
  EXPECT_THAT(greedy[0].tokens, ElementsAre(0, 0));
  const std::vector<Hypothesis> found =
      beam_search(garden_path(), 0, kEnd, {.beams = 2, .longest = 5, .length_penalty = 0});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].tokens, ElementsAre(1, 1));
  EXPECT_NEAR(found[0].log_probability, std::log(0.4 * 0.9 * 0.98), 1e-5);
  EXPECT_EQ(found[0].score, found[0].log_probability);
  EXPECT_THAT(found[1].tokens, ElementsAre(0, 0));
}

TEST(BeamSearch, WeighsLengths) {
  // The end at once has 0.5, 0 and the end 0.4.
  const auto short_or_long = [] { return Told({{{}, {0.45, 0.05, 0.5}}, {{0}, {0.05, 0.05, 0.9}}}); };
  EXPECT_THAT(beam_search(short_or_long(), 0, kEnd, {.beams = 2, .length_penalty = 0})[0].tokens, IsEmpty());
  const std::vector<Hypothesis> longer = beam_search(short_or_long(), 0, kEnd, {.beams = 2, .length_penalty = 2});
  EXPECT_THAT(longer[0].tokens, ElementsAre(0));
  EXPECT_NEAR(longer[0].score, std::log(0.45 * 0.9) / std::pow(7.0 / 6, 2), 1e-5);
}

TEST(BeamSearch, EndsWhereItMust) {
  const auto endless = [](std::span<const std::int32_t> tokens, std::span<const std::int64_t>) {
    return broadcast_to(tensor({0, -1, -100}), {static_cast<std::int64_t>(tokens.size()), 3});
  };
  const std::vector<Hypothesis> found = beam_search(endless, 0, kEnd, {.beams = 2, .longest = 3});
  EXPECT_THAT(found[0].tokens, ElementsAre(0, 0, 0));
  EXPECT_THROW(beam_search(endless, 0, kEnd, {.beams = 0}), ValueError);
  EXPECT_THROW(beam_search(endless, 0, kEnd, {.length_penalty = -1}), ValueError);
}

}  // namespace
}  // namespace tapegrad::nn
