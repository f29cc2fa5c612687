#pragma once
// The yardstick of translators: what was translated before and is nearest.

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tapegrad::tools {

/// Texts by number, of which the nearest to another is found: by the cosine of their words' counts, each word weighted
/// by ln(texts / texts that have it).
class TranslationMemory {
 public:
  explicit TranslationMemory(const std::vector<std::string>& texts);
  /// The first of those that are equally near; 0 if none shares a word.
  std::size_t nearest(std::string_view text) const;

 private:
  struct Place {
    std::size_t text;
    double weight;
  };
  struct Word {
    double rarity = 0;
    std::vector<Place> places = {};
  };
  std::unordered_map<std::string, Word> words_;
  std::size_t texts_ = 0;
};

}  // namespace tapegrad::tools
