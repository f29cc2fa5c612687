#pragma once
// Text into words.

#include <cstddef>
#include <string>
#include <string_view>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad::data {

/// Of a Tokenizer.
struct TokenizerOptions {
  bool lower_case = true;  ///< fold case, of every script that has one
  bool strip_html = true;  ///< take out tags and resolve character references first (html.hpp)

  friend bool operator==(const TokenizerOptions&, const TokenizerOptions&) = default;
};

/// The words of one text. Filled by Tokenizer::split, again and again: after the first texts it allocates nothing.
/// The views point into the text, or into this object where a word had to be rewritten; they hold until the next split.
class Words {
 public:
  Words() = default;
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;

  std::size_t size() const { return words_.size(); }
  bool empty() const { return words_.empty(); }
  std::string_view operator[](std::size_t i) const { return words_[i]; }
  auto begin() const { return words_.begin(); }
  auto end() const { return words_.end(); }

 private:
  friend class Tokenizer;
  std::vector<std::string_view> words_;
  std::string stripped_;   // the text without HTML
  std::string rewritten_;  // the words that are not as they stand in the text
};

/// Splits text into words: runs of letters, digits and combining marks of any script. An apostrophe, straight or
/// typographic, belongs to the word when it stands inside one ("don't"); Han and kana characters are words by
/// themselves; soft hyphens and joiners vanish. All else separates, bytes that are not UTF-8 too: splitting never
/// fails. Words never contain spaces or control characters. Text is not normalised: give it in NFC, as nearly all text
/// is. May be used from several threads, each with Words of its own.
class Tokenizer {
 public:
  explicit Tokenizer(TokenizerOptions options = {}) : options_(options) {}

  const TokenizerOptions& options() const { return options_; }

  /// Replaces the content of `words` with the words of `text`, which must outlive their use.
  void split(std::string_view text, Words& words) const;

 private:
  std::size_t scan_word(std::string_view text, std::size_t begin, Words& words) const;

  TokenizerOptions options_;
};

}  // namespace tapegrad::data
