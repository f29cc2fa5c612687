#pragma once
// Texts as sequences of vocabulary ids, and labelled ones as a data set.

#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/data/dataset.hpp>
#include <tapegrad/data/tokenizer.hpp>
#include <tapegrad/data/vocabulary.hpp>
#include <vector>

namespace tapegrad::data {

/// Sequences of ids of different lengths, stored one after the other: sequence i is ids()[offsets()[i]] up to, not
/// including, ids()[offsets()[i + 1]].
class EncodedTexts {
 public:
  std::int64_t size() const { return std::ssize(offsets_) - 1; }

  /// `i` must lie in [0, size()).
  std::span<const std::int32_t> operator[](std::int64_t i) const {
    const auto row = static_cast<std::size_t>(i);
    return std::span(ids_).subspan(static_cast<std::size_t>(offsets_[row]),
                                   static_cast<std::size_t>(offsets_[row + 1] - offsets_[row]));
  }

  std::span<const std::int32_t> ids() const { return ids_; }
  std::span<const std::int64_t> offsets() const { return offsets_; }

  void append(std::span<const std::int32_t> sequence) {
    ids_.insert(ids_.end(), sequence.begin(), sequence.end());
    offsets_.push_back(std::ssize(ids_));
  }

 private:
  std::vector<std::int32_t> ids_;
  std::vector<std::int64_t> offsets_ = {0};
};

/// Of a TextEncoder.
struct EncoderOptions {
  std::int64_t max_length = 512;  ///< ids of a text at most, n-grams among them; the rest of the text is not read
  bool keep_unknown = true;       ///< false: leave out words that the vocabulary has not
};

/// One id of a text and the words it stands for, as the tokeniser gives them; none for a text without words.
struct EncodedWord {
  std::int32_t id;
  std::string words;
};

/// Turns texts into ids. After each word come the n-grams that end with it, so that the first ids of a text are the ids
/// of its beginning. No sequence is empty: a text without a word is the unknown word. May be used from several threads.
class TextEncoder {
 public:
  /// Throws ValueError if max_length is below 1.
  TextEncoder(Tokenizer tokenizer, Vocabulary vocabulary, EncoderOptions options = {});

  const Tokenizer& tokenizer() const { return tokenizer_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  const EncoderOptions& options() const { return options_; }

  EncodedTexts encode(std::span<const std::string> texts) const;

  /// The ids of one text, with what they stand for: unknown words too.
  std::vector<EncodedWord> explain(std::string_view text) const;

 private:
  Tokenizer tokenizer_;
  Vocabulary vocabulary_;
  EncoderOptions options_;
};

/// How texts of different lengths make one batch.
enum class TextLayout : std::uint8_t {
  ragged,  ///< inputs: ids i32 [T] one text after the other, offsets i64 [B + 1]
  padded   ///< inputs: ids i32 [B, L], mask bool [B, L]
};

/// Texts with their classes.
class TextDataset final : public Dataset {
 public:
  /// Throws ValueError unless there are as many labels as texts; no labels are fine too, for texts to classify.
  TextDataset(EncodedTexts texts, std::vector<std::int32_t> labels, TextLayout layout = TextLayout::ragged);

  std::int64_t size() const override { return texts_.size(); }
  Batch batch(std::span<const std::int64_t> rows) const override;

  const EncodedTexts& texts() const { return texts_; }
  std::span<const std::int32_t> labels() const { return labels_; }

 private:
  EncodedTexts texts_;
  std::vector<std::int32_t> labels_;
  TextLayout layout_;
};

}  // namespace tapegrad::data
