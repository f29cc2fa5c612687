#pragma once
// Byte pair encoding (Gage 1994; Sennrich, Haddow and Birch 2016) on bytes: any text goes in and comes out again.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/data/internal/pair_joining.hpp>
#include <vector>

namespace tapegrad::data {

/// Tokens 0 … 255 are the bytes, 256 ends a text, and each later one is two earlier ones side by side. Text is first
/// cut into words, each with the space before it, numbers, runs of punctuation and runs of line ends; no token reaches
/// across.
class BytePairs {
 public:
  static constexpr std::int32_t kEnd = 256;
  static constexpr std::int32_t kMostTokens = 1 << 20;
  static constexpr std::size_t kMostBytes = std::size_t{32} << 20;  ///< of all tokens together

  /// Bytes alone.
  BytePairs() = default;
  /// Joins the pair that is most frequent in the texts, again and again, until there are `size` tokens, no pair
  /// occurs twice, or the next token would be one too many or too long (kMostTokens, kMostBytes); of equally frequent
  /// ones, that of the smaller tokens. ValueError if `size` is below 257.
  static BytePairs learn(std::span<const std::string> texts, std::int32_t size);

  std::int32_t size() const { return kEnd + 1 + static_cast<std::int32_t>(pairs_.size()); }

  /// Appends the tokens of `text`, without an end.
  void encode(std::string_view text, std::vector<std::int32_t>& tokens) const;
  /// The bytes that a token stands for; none for kEnd. Throws IndexError.
  std::string_view bytes(std::int32_t token) const;
  std::string decode(std::span<const std::int32_t> tokens) const;

  /// A text file: one pair a line. Throws IoError.
  void save(const std::filesystem::path& path) const;
  /// Throws IoError with file and line if it is anything else than what save() wrote.
  static BytePairs load(const std::filesystem::path& path);

 private:
  struct Pair {
    std::int32_t left, right;
  };
  void add(Pair pair);
  bool has_room_for(Pair pair) const;

  std::vector<Pair> pairs_;           // of token kEnd + 1 + i
  Joins joins_;                       // the pairs' tokens
  std::vector<std::string> strings_;  // their bytes
  std::size_t total_ = 0;             // how many bytes those are
};

}  // namespace tapegrad::data
