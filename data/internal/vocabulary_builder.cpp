#include <tapegrad/data/internal/vocabulary_builder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/string_table.hpp>
#include <utility>

namespace tapegrad::data {
namespace {

constexpr std::int32_t kNone = -1;

// A word or n-gram, how often it occurs, and where first: an n-gram where its last word stands, after the shorter ones.
struct Candidate {
  std::int32_t prefix;  // the candidate it extends, or kNone
  std::int32_t word;    // the word, or the one it ends with
  std::int64_t count = 0;
  std::size_t first;
};

// Counts words, then n-grams of two words, of three and so on, each from those with one word less. An n-gram occurs no
// more often and no earlier than its parts, so that what is frequent enough has parts that are, which stand before it.
class Counting {
 public:
  Counting(const std::vector<std::int32_t>& sequence, const VocabularyOptions& options)
      : sequence_(sequence), options_(options), ending_here_(sequence.size(), kNone) {
    count_words();
    for (int length = 2; length <= options_.ngrams; ++length) count_ngrams();
  }

  /// Indices of the candidates to take, in order.
  std::vector<std::int32_t> ranking() const {
    std::vector<std::int32_t> order;
    for (std::int32_t i = 0; i < std::ssize(candidates_); ++i) {
      if (is_frequent(i)) order.push_back(i);
    }
    std::ranges::sort(order, {}, [this](std::int32_t i) {
      const Candidate& candidate = at(i);
      return std::pair(-candidate.count, candidate.first);
    });
    const auto room = static_cast<std::size_t>(options_.max_size - Vocabulary{}.size());
    if (order.size() > room) order.resize(room);
    return order;
  }

  const Candidate& at(std::int32_t i) const { return candidates_[static_cast<std::size_t>(i)]; }

 private:
  bool is_frequent(std::int32_t i) const { return i != kNone && at(i).count >= options_.min_count; }

  /// Candidate i is the word i.
  void count_words() {
    for (std::size_t position = 0; position < sequence_.size(); ++position) {
      const std::int32_t word = sequence_[position];
      if (word == kNone) continue;
      if (word == std::ssize(candidates_)) candidates_.push_back({kNone, word, 0, position * kStride});
      ++candidates_[static_cast<std::size_t>(word)].count;
      ending_here_[position] = word;
    }
  }

  /// From the n-grams of one length, ending_here_, to those of the next.
  void count_ngrams() {
    std::int32_t before = kNone;
    for (std::size_t position = 0; position < sequence_.size(); ++position) {
      const std::int32_t suffix = std::exchange(ending_here_[position], kNone);
      const std::int32_t prefix = std::exchange(before, suffix);
      if (!is_frequent(prefix) || !is_frequent(suffix)) continue;
      const std::int32_t ngram = find_or_add(prefix, sequence_[position], position);
      ++candidates_[static_cast<std::size_t>(ngram)].count;
      ending_here_[position] = ngram;
    }
    ++length_;
  }

  std::int32_t find_or_add(std::int32_t prefix, std::int32_t word, std::size_t position) {
    if (candidates_.size() > std::numeric_limits<std::int32_t>::max()) {
      throw ValueError("too many different n-grams; count shorter ones");
    }
    const auto fresh = static_cast<std::int32_t>(candidates_.size());
    const std::int32_t found = by_parts_.find_or_insert(hash_pair(prefix, word), fresh, [&](std::int32_t other) {
      return at(other).prefix == prefix && at(other).word == word;
    });
    if (found == fresh) candidates_.push_back({prefix, word, 0, position * kStride + length_});
    return found;
  }

  static constexpr std::size_t kStride = Vocabulary::kLongestNgram;

  const std::vector<std::int32_t>& sequence_;
  const VocabularyOptions& options_;
  std::vector<Candidate> candidates_;
  std::vector<std::int32_t> ending_here_;  // at each position, the candidate of the present length that ends there
  IdTable by_parts_;
  std::size_t length_ = 1;
};

}  // namespace

VocabularyBuilder::VocabularyBuilder(Tokenizer tokenizer, VocabularyOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {
  if (options.min_count < 1) throw ValueError(fmt::format("min_count is {}; it must be at least 1", options.min_count));
  if (options.max_size < 2) {
    throw ValueError(fmt::format("max_size is {}; a vocabulary has two reserved entries at least", options.max_size));
  }
  if (options.ngrams < 1 || options.ngrams > Vocabulary::kLongestNgram) {
    throw ValueError(fmt::format("ngrams is {}; it must lie from 1 to {}", options.ngrams, Vocabulary::kLongestNgram));
  }
}

void VocabularyBuilder::add(std::string_view text) {
  tokenizer_.split(text, words_);
  for (const std::string_view word : words_) sequence_.push_back(different_.intern(word));
  sequence_.push_back(kEndOfText);
}

Vocabulary VocabularyBuilder::build() const {
  const Counting counting(sequence_, options_);
  Vocabulary vocabulary;
  for (const std::int32_t chosen : counting.ranking()) {
    std::string entry(different_[counting.at(chosen).word]);
    for (std::int32_t i = counting.at(chosen).prefix; i != kNone; i = counting.at(i).prefix) {
      entry.insert(0, std::string(different_[counting.at(i).word]) + ' ');
    }
    vocabulary.add(entry);
  }
  return vocabulary;
}

}  // namespace tapegrad::data
