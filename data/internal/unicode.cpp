#include <tapegrad/data/internal/unicode.hpp>

#include <utf8proc.h>

#include <cstdint>
#include <cstring>

namespace tapegrad::data {
namespace {

bool is_ideograph(char32_t code) {
  return (code >= 0x3005 && code <= 0x3007) ||  // iteration mark, closing mark, zero
         (code >= 0x3041 && code <= 0x30FF) ||  // hiragana and katakana
         (code >= 0x3400 && code <= 0x9FFF) ||  // CJK unified ideographs and extension A
         (code >= 0xF900 && code <= 0xFAFF) ||  // compatibility ideographs
         (code >= 0x20000 && code <= 0x3FFFF);  // the ideographic planes
}

}  // namespace

DecodedCharacter decode_utf8(std::string_view text, std::size_t position) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + position;
  utf8proc_int32_t code = 0;
  const utf8proc_ssize_t length = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - position), &code);
  if (length <= 0) return {kNotUtf8, 1};
  return {static_cast<char32_t>(code), static_cast<std::size_t>(length)};
}

void append_utf8(std::string& text, char32_t code) {
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t position = 0;
  while (position < text.size()) {
    std::uint64_t eight;
    if (position + sizeof eight <= text.size()) {
      std::memcpy(&eight, text.data() + position, sizeof eight);
      if ((eight & kHighBits) == 0) {
        position += sizeof eight;
        continue;
      }
    }
    const DecodedCharacter character = decode_utf8(text, position);
    if (character.code == kNotUtf8) return position;
    position += character.length;
  }
  return std::nullopt;
}

WordRole word_role(char32_t code) {
  constexpr char32_t kTypographicApostrophe = 0x2019, kZeroWidthSpace = 0x200B;
  if (code == kNotUtf8 || code == kZeroWidthSpace) return WordRole::separator;
  if (code == U'\'' || code == kTypographicApostrophe) return WordRole::apostrophe;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
      return is_ideograph(code) ? WordRole::ideograph : WordRole::letter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return WordRole::mark;
    case UTF8PROC_CATEGORY_CF:
      return WordRole::invisible;
    default:
      return WordRole::separator;
  }
}

char32_t fold_case(char32_t code) {
  constexpr char32_t kFinalSigma = 0x3C2, kSigma = 0x3C3;
  const auto lower = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
  return lower == kFinalSigma ? kSigma : lower;
}

}  // namespace tapegrad::data
