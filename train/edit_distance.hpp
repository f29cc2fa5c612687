#pragma once
// How far apart two sequences are.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace tapegrad::train {

/// The fewest insertions, deletions and replacements that make one of the other (Levenshtein 1966). Summed over texts
/// and divided by the letters, or words, of what was said, it is the error rate of speech recognition.
template <class T>
std::int64_t edit_distance(std::span<const T> a, std::span<const T> b) {
  std::vector<std::int64_t> row;  // to the first letters of b
  for (std::size_t j = 0; j <= b.size(); ++j) row.push_back(static_cast<std::int64_t>(j));
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::int64_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::int64_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace tapegrad::train
