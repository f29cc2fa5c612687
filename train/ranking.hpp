#pragma once
// Whether lists of recommendations hold what people turn out to like.

#include <cstdint>
#include <span>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad::train {

/// What is recommended to one user, the best first, and what of all items that user is known to like.
struct Recommendations {
  std::vector<std::int64_t> list;
  std::vector<std::int64_t> liked;
};

/// How good lists are.
struct RankingScores {
  double precision = 0;  ///< share of a list's k places that hold what its user likes
  double recall = 0;     ///< share of what a user likes that is on the list
  double coverage = 0;   ///< share of the items that are on somebody's list
};

/// Of the first k places of the lists. Precision and recall are means over the users who like something, 0 if none
/// does; a place that a short list leaves empty holds nothing liked. ValueError for k or `items` below 1, IndexError
/// for an item outside [0, items).
RankingScores ranking_scores(std::span<const Recommendations> users, std::int64_t items, std::int64_t k);

}  // namespace tapegrad::train
