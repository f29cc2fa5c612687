#pragma once
// UTF-8 and the few character properties that splitting text into words needs, for every script.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tapegrad::data {

/// Position of the first byte of `text` that is not UTF-8 (overlong forms and surrogates are not), if there is one.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// One character and the bytes it takes. A byte that is not UTF-8 is `kNotUtf8`, of length one.
struct DecodedCharacter {
  char32_t code;
  std::size_t length;
};
inline constexpr char32_t kNotUtf8 = 0xFFFFFFFF;

/// The character at `position`, which must lie within `text`.
DecodedCharacter decode_utf8(std::string_view text, std::size_t position);

/// Appends a Unicode scalar value.
void append_utf8(std::string& text, char32_t code);

/// What a character does to the word around it.
enum class WordRole {
  separator,   ///< ends the word
  letter,      ///< a letter or digit: begins or continues a word
  mark,        ///< a combining mark: continues a word, cannot begin one
  ideograph,   ///< a word of its own: scripts that write no spaces (Han, kana)
  invisible,   ///< soft hyphen, joiners: neither ends the word nor belongs to it
  apostrophe,  ///< belongs to the word when letters stand on both sides
};

WordRole word_role(char32_t code);

/// Simple lower case, one character to one character, and Greek final sigma as the ordinary one.
char32_t fold_case(char32_t code);

}  // namespace tapegrad::data
