#include <tapegrad/data/text_dataset.hpp>

#include <fmt/format.h>

#include <array>
#include <tapegrad/core/error.hpp>
#include <utility>

namespace tapegrad::data {
namespace {

/// Calls take(id, last, length) for each id of a text: it stands for the `length` words up to the one with index
/// `last`.
template <class Take>
void for_each_id(const Words& words, const Vocabulary& vocabulary, const EncoderOptions& options, Take take) {
  // By length less one, the n-grams that end at the word before; an n-gram is known only if its parts are.
  std::array<std::int32_t, Vocabulary::kLongestNgram> ending;
  ending.fill(Vocabulary::kUnknown);
  const auto longest = static_cast<std::size_t>(vocabulary.ngrams());
  std::int64_t room = options.max_length;
  const auto offer = [&](std::int32_t id, std::size_t last, std::size_t length) {
    if (room-- > 0) take(id, last, length);
  };
  for (std::size_t i = 0; i < words.size() && room > 0; ++i) {
    const std::int32_t word = vocabulary.id(words[i]);
    if (word != Vocabulary::kUnknown || options.keep_unknown) offer(word, i, 1);
    std::int32_t prefix = std::exchange(ending[0], word);
    for (std::size_t n = 1; n < longest; ++n) {
      const bool known_parts = prefix != Vocabulary::kUnknown && ending[n - 1] != Vocabulary::kUnknown;
      const std::int32_t ngram = known_parts ? vocabulary.extend(prefix, word) : Vocabulary::kUnknown;
      if (ngram != Vocabulary::kUnknown) offer(ngram, i, n + 1);
      prefix = std::exchange(ending[n], ngram);
    }
  }
  if (room == options.max_length) take(Vocabulary::kUnknown, 0, 0);
}

}  // namespace

TextEncoder::TextEncoder(Tokenizer tokenizer, Vocabulary vocabulary, EncoderOptions options)
    : tokenizer_(std::move(tokenizer)), vocabulary_(std::move(vocabulary)), options_(options) {
  if (options.max_length < 1) {
    throw ValueError(fmt::format("max_length is {}; a sequence needs 1 id at least", options.max_length));
  }
}

EncodedTexts TextEncoder::encode(std::span<const std::string> texts) const {
  EncodedTexts encoded;
  Words words;
  std::vector<std::int32_t> ids;
  for (const std::string& text : texts) {
    tokenizer_.split(text, words);
    ids.clear();
    for_each_id(words, vocabulary_, options_, [&](std::int32_t id, std::size_t, std::size_t) { ids.push_back(id); });
    encoded.append(ids);
  }
  return encoded;
}

std::vector<EncodedWord> TextEncoder::explain(std::string_view text) const {
  std::vector<EncodedWord> explained;
  Words words;
  tokenizer_.split(text, words);
  for_each_id(words, vocabulary_, options_, [&](std::int32_t id, std::size_t last, std::size_t length) {
    EncodedWord& word = explained.emplace_back(EncodedWord{id, {}});
    for (std::size_t i = 0; i < length; ++i) word.words.append(i == 0 ? "" : " ").append(words[last + 1 - length + i]);
  });
  return explained;
}

}  // namespace tapegrad::data
