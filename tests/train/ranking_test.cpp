#include <gmock/gmock.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/train/ranking.hpp>

namespace tapegrad::train {
namespace {

TEST(RankingScores, CountWhatIsLikedOnLists) {
  const std::vector<Recommendations> users{{{4, 7, 1, 2}, {7, 2, 9}},  // of the first three, 7; 2 comes too late
                                           {{1, 4}, {4}},              // a list that is short
                                           {{0, 1, 4}, {}},            // nobody knows what this one likes
                                           {{}, {3, 5}}};
  const RankingScores scores = ranking_scores(users, 10, 3);
  EXPECT_DOUBLE_EQ(scores.precision, (1.0 / 3 + 1.0 / 3 + 0) / 3);
  EXPECT_DOUBLE_EQ(scores.recall, (1.0 / 3 + 1 + 0) / 3);
  EXPECT_DOUBLE_EQ(scores.coverage, 0.4) << "0, 1, 4 and 7";
  EXPECT_EQ(ranking_scores({}, 10, 3).precision, 0);
  EXPECT_THROW(ranking_scores(users, 10, 0), ValueError);
  EXPECT_THROW(ranking_scores(users, 7, 3), IndexError);
}

}  // namespace
}  // namespace tapegrad::train
