#pragma once
// Texts in two languages, as translators learn from.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad::tools {

struct TextPair {
  std::string source, target, where;  ///< `where`: file and line
};

struct TextPairs {
  std::vector<std::string> languages;  ///< the names of both columns
  std::vector<TextPair> pairs;
  std::vector<std::int64_t> groups;  ///< of each pair; those of one belong on one side of a split
};

/// Without white space around it, and with one space for any inside, as texts are learned and translated.
std::string with_single_spaces(std::string_view text);

/// A table with a header, separated by tabs, in which quotes mean nothing, or as CSV. The first two columns are the
/// source and the target; a column "group" says what belongs together, else pairs do whose sources are equal. IoError,
/// which names file and line, for anything else, and for a text that is empty.
TextPairs read_text_pairs(const std::filesystem::path& path);

}  // namespace tapegrad::tools
