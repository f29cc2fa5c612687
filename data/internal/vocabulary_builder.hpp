#pragma once
// Counts the words of a corpus and chooses the vocabulary.

#include <cstdint>
#include <string_view>
#include <tapegrad/data/string_table.hpp>
#include <tapegrad/data/tokenizer.hpp>
#include <tapegrad/data/vocabulary.hpp>
#include <vector>

namespace tapegrad::data {

struct VocabularyOptions {
  std::int64_t min_count = 2;          ///< leave out what occurs less often
  std::int32_t max_size = 0x7FFFFFFF;  ///< ids at most, the two reserved ones included; the most frequent stay
  int ngrams = 1;                      ///< count runs of up to this many words as well
};

/// Add texts, then build(). Entries are ordered by frequency, then by first appearance: the same texts in the same
/// order give the same vocabulary on every machine. Keeps four bytes for every word added.
class VocabularyBuilder {
 public:
  /// Throws ValueError on a minimum below 1, a size below 2, or n-grams of less than one or more than
  /// Vocabulary::kLongestNgram words.
  explicit VocabularyBuilder(Tokenizer tokenizer = Tokenizer{}, VocabularyOptions options = {});

  void add(std::string_view text);

  Vocabulary build() const;

 private:
  static constexpr std::int32_t kEndOfText = -1;

  Tokenizer tokenizer_;
  VocabularyOptions options_;
  Words words_;
  StringPool different_;
  std::vector<std::int32_t> sequence_;  // the texts, as numbers in different_, kEndOfText after each
};

}  // namespace tapegrad::data
