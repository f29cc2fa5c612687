#pragma once
// GPT-2's tokens (Radford, Wu, Child, Luan, Amodei and Sutskever 2019): byte pairs within words, listed by two files.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad::data {

/// Copies share the tables.
class Gpt2Tokens {
 public:
  /// Reads vocab.json and merges.txt, as they are published with GPT-2, RoBERTa and others of that tokeniser. Throws
  /// IoError, which names file and line, if they are something else or do not belong together.
  static Gpt2Tokens load(const std::filesystem::path& vocabulary, const std::filesystem::path& merges);

  std::int32_t size() const;

  /// The tokens of a text, of any bytes. Names of tokens in it, such as <|endoftext|>, are text like any other.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// The bytes that a token stands for; none if it stands for no text, as <|endoftext|> does. Throws IndexError.
  std::string_view bytes(std::int32_t token) const;
  std::string decode(std::span<const std::int32_t> tokens) const;

  /// The token that the vocabulary calls so and that stands for no text: "<|endoftext|>", "<mask>".
  std::optional<std::int32_t> named(std::string_view name) const;

 private:
  struct Tables;
  explicit Gpt2Tokens(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}
  std::shared_ptr<const Tables> tables_;
};

}  // namespace tapegrad::data
