#include <tapegrad/train/ranking.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tapegrad/core/error.hpp>

namespace tapegrad::train {

RankingScores ranking_scores(std::span<const Recommendations> users, std::int64_t items, std::int64_t k) {
  if (k < 1 || items < 1)
    throw ValueError(fmt::format("ranking_scores: {} places and {} items; there is one at least", k, items));
  std::set<std::int64_t> listed;
  double precision = 0, recall = 0, judges = 0;
  for (const Recommendations& user : users) {
    const std::set<std::int64_t> liked(user.liked.begin(), user.liked.end());
    std::set<std::int64_t> list;
    for (std::size_t i = 0; i < std::min(user.list.size(), static_cast<std::size_t>(k)); ++i) {
      const std::int64_t item = user.list[i];
      if (item < 0 || item >= items)
        throw IndexError(fmt::format("ranking_scores: item {} is on a list; there are {}", item, items));
      list.insert(item);
    }
    listed.insert(list.begin(), list.end());
    if (liked.empty()) continue;
    const auto hits =
        static_cast<double>(std::ranges::count_if(list, [&](std::int64_t item) { return liked.contains(item); }));
    precision += hits / static_cast<double>(k);
    recall += hits / static_cast<double>(liked.size());
    ++judges;
  }
  const double share = static_cast<double>(listed.size()) / static_cast<double>(items);
  return judges == 0 ? RankingScores{0, 0, share} : RankingScores{precision / judges, recall / judges, share};
}

}  // namespace tapegrad::train
