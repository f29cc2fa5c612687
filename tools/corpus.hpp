#pragma once
// Texts to learn a language from.

#include <string>
#include <string_view>
#include <vector>

namespace tapegrad::tools {

/// The texts of `source`: `fortunes:` (or `fortunes:FOLDER`), the collection that Debian's packages fortunes and
/// fortunes-min install; a file in their form, texts parted by lines with a single %; or any other text file, cut at
/// line ends into parts of some thousand characters. Throws IoError that names file and line for what cannot be read,
/// is not UTF-8, or holds no text.
std::vector<std::string> read_corpus(const std::string& source);

/// The texts of `source`: `wordnet:` (or `wordnet:FOLDER`), all definitions that Debian's package wordnet-base
/// installs, each different one once; or a text file, a text a line, without blank ones. Throws as read_corpus().
std::vector<std::string> read_short_texts(const std::string& source);

/// Unicode characters in UTF-8 text.
std::int64_t count_characters(std::string_view text);

}  // namespace tapegrad::tools
