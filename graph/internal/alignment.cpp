#include <algorithm>
#include <tapegrad/graph/internal/alignment.hpp>

namespace tapegrad::graph {
namespace {

using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

constexpr int kMostDifferences = 3'000;

// Myers' greedy search: furthest[k] is how far in `a` one gets, on the diagonal k = (place in a) - (place in b), with d
// insertions and deletions. The rows are kept, to walk back along the way found.
class Search {
 public:
  Search(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b)
      : a_(a), b_(b), rows_(static_cast<int>(a.size())), columns_(static_cast<int>(b.size())) {}

  Pairs run() {
    std::vector<int> furthest(2 * std::size_t{kMostDifferences} + 3, 0);
    const auto at = [&](int k) -> int& { return furthest[static_cast<std::size_t>(k) + kMostDifferences + 1]; };
    for (int d = 0; d <= std::min(kMostDifferences, rows_ + columns_); ++d) {
      for (int k = -d; k <= d; k += 2) {
        int x = k == -d || (k != d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
        while (x < rows_ && x - k < columns_ && same(x, x - k)) ++x;
        at(k) = x;
        if (x >= rows_ && x - k >= columns_) return walk_back(d);
      }
      std::vector<int> row;
      for (int k = -d; k <= d; ++k) row.push_back(at(k));
      history_.push_back(std::move(row));
    }
    return {};
  }

 private:
  bool same(int x, int y) const { return a_[static_cast<std::size_t>(x)] == b_[static_cast<std::size_t>(y)]; }

  Pairs walk_back(int d) const {
    Pairs pairs;
    int x = rows_, y = columns_;
    for (; d > 0; --d) {
      const std::vector<int>& row = history_[static_cast<std::size_t>(d - 1)];
      const auto at = [&](int k) { return row[static_cast<std::size_t>(k + d - 1)]; };
      const int k = x - y;
      const int from = k == -d || (k != d && at(k - 1) < at(k + 1)) ? k + 1 : k - 1;
      const int from_x = at(from), from_y = from_x - from;
      while (x > from_x && y > from_y) pairs.emplace_back(--x, --y);
      x = from_x;
      y = from_y;
    }
    while (x > 0 && y > 0) pairs.emplace_back(--x, --y);
    std::reverse(pairs.begin(), pairs.end());
    return pairs;
  }

  std::span<const std::uint32_t> a_, b_;
  int rows_, columns_;
  std::vector<std::vector<int>> history_;
};

}  // namespace

Pairs align(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
  Pairs pairs;
  std::uint32_t head = 0;
  while (head < std::min(a.size(), b.size()) && a[head] == b[head]) {
    pairs.emplace_back(head, head);
    ++head;
  }
  std::uint32_t tail = 0;
  while (tail < std::min(a.size(), b.size()) - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  for (const auto& [x, y] :
       Search(a.subspan(head, a.size() - head - tail), b.subspan(head, b.size() - head - tail)).run()) {
    pairs.emplace_back(head + x, head + y);
  }
  for (std::uint32_t i = tail; i > 0; --i) {
    pairs.emplace_back(static_cast<std::uint32_t>(a.size()) - i, static_cast<std::uint32_t>(b.size()) - i);
  }
  return pairs;
}

}  // namespace tapegrad::graph
