#pragma once
// BERT's tokens (Devlin, Chang, Lee and Toutanova 2019): words, and the pieces that longer ones are made of.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::data {

/// Texts of one batch, as models of BERT's kind take them, i64 or bool [B, L].
struct PieceBatch {
  Tensor ids;   ///< [CLS], the text, [SEP], and [PAD] up to the longest one
  Tensor mask;  ///< false where padding is
};

/// Copies share the vocabulary.
class WordPieces {
 public:
  /// Reads vocab.txt, a token a line, as it is published with BERT. `lower_case`, as "uncased" models want it, takes
  /// accents off as well. Throws IoError, which names the file, if [UNK], [CLS], [SEP] or [PAD] is missing, or a token
  /// is there twice.
  static WordPieces load(const std::filesystem::path& vocabulary, bool lower_case = true);

  std::int32_t size() const;

  /// The tokens of a text: words and marks of punctuation, each the fewest longest pieces from its beginning on; [UNK]
  /// for one that has no such pieces, or more than a hundred characters. Bytes that are no UTF-8 are left out.
  std::vector<std::int32_t> encode(std::string_view text) const;
  /// Each text with its marks; cut to `longest` tokens in all, if given, which are at least 2 (ValueError).
  PieceBatch batch(std::span<const std::string> texts, std::optional<std::int64_t> longest = {}) const;

  /// What a token is written as, "##ing" for a piece inside a word. Throws IndexError.
  const std::string& token(std::int32_t id) const;
  /// The id of a token as it is written, such as "[MASK]".
  std::optional<std::int32_t> find(std::string_view token) const;

 private:
  struct Vocabulary;
  explicit WordPieces(std::shared_ptr<const Vocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {}
  std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace tapegrad::data
