#pragma once
// How far apart two sequences are.

#include <algorithm>
#include <cstddef>
#include <tapegrad/core/language.hpp>
#include <utility>
#include <vector>

namespace tapegrad {

/// The fewest insertions, deletions and replacements that make one of the other (Levenshtein 1966): of texts, vectors
/// or spans. Summed over texts and divided by the letters, or words, of what was said, it is the error rate of speech
/// recognition.
template <class A, class B>
std::size_t edit_distance(const A& a, const B& b) {
  std::vector<std::size_t> row;  // to the first elements of b
  for (std::size_t j = 0; j <= b.size(); ++j) row.push_back(j);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace tapegrad
