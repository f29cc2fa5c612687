#include <tapegrad/data/tokenizer.hpp>

#include <array>
#include <cstdint>
#include <tapegrad/data/internal/html.hpp>
#include <tapegrad/data/internal/unicode.hpp>

namespace tapegrad::data {
namespace {

enum class Byte : std::uint8_t { separator, plain, capital, other };

// Most text is plain ASCII; what stands here as `other` goes through the Unicode tables.
constexpr std::array<Byte, 256> kBytes = [] {
  std::array<Byte, 256> bytes{};
  for (int c = '0'; c <= '9'; ++c) bytes[static_cast<std::size_t>(c)] = Byte::plain;
  for (int c = 'a'; c <= 'z'; ++c) bytes[static_cast<std::size_t>(c)] = Byte::plain;
  for (int c = 'A'; c <= 'Z'; ++c) bytes[static_cast<std::size_t>(c)] = Byte::capital;
  bytes['\''] = Byte::other;
  for (std::size_t c = 0x80; c <= 0xFF; ++c) bytes[c] = Byte::other;
  return bytes;
}();

Byte kind(char c) { return kBytes[static_cast<unsigned char>(c)]; }

bool may_hold_html(std::string_view text) {
  return text.find('<') != std::string_view::npos || text.find('&') != std::string_view::npos;
}

}  // namespace

void Tokenizer::split(std::string_view text, Words& words) const {
  words.words_.clear();
  words.rewritten_.clear();
  if (options_.strip_html && may_hold_html(text)) {
    strip_html(text, words.stripped_);
    text = words.stripped_;
  }
  // The views into `rewritten_` must not move. Folding case makes a character longer by half at most (Ⱥ, two bytes, to
  // ⱥ).
  if (words.rewritten_.capacity() < text.size() + text.size() / 2) words.rewritten_.reserve(2 * text.size());

  std::size_t position = 0;
  while (position < text.size()) {
    const std::size_t begin = position;
    while (position < text.size() && kind(text[position]) == Byte::plain) ++position;
    if (position < text.size() && kind(text[position]) != Byte::separator) {
      position = scan_word(text, begin, words);
      continue;
    }
    if (position > begin) words.words_.push_back(text.substr(begin, position - begin));
    ++position;
  }
}

/// Rewrites the word at `begin` that is more than plain ASCII, and returns the position after it. Always moves on.
std::size_t Tokenizer::scan_word(std::string_view text, std::size_t begin, Words& words) const {
  std::string& out = words.rewritten_;
  const std::size_t start = out.size();
  const auto finish = [&] {
    if (out.size() > start && out.back() == '\'') out.pop_back();
    if (out.size() > start) words.words_.push_back(std::string_view(out).substr(start));
  };
  std::size_t position = begin;
  while (position < text.size()) {
    const char c = text[position];
    const Byte byte = kind(c);
    if (byte == Byte::separator) break;
    if (byte != Byte::other) {
      out.push_back(byte == Byte::capital && options_.lower_case ? static_cast<char>(c - 'A' + 'a') : c);
      ++position;
      continue;
    }
    const DecodedCharacter character = decode_utf8(text, position);
    const WordRole role = word_role(character.code);
    const bool inside = out.size() > start && out.back() != '\'';
    if (role == WordRole::ideograph) {
      if (out.size() == start) {
        append_utf8(out, character.code);
        position += character.length;
      }
      break;
    }
    position += character.length;
    if (role == WordRole::separator || (role == WordRole::apostrophe && !inside)) break;
    if (role == WordRole::apostrophe) {
      out.push_back('\'');
    } else if (role == WordRole::letter || (role == WordRole::mark && inside)) {
      append_utf8(out, options_.lower_case ? fold_case(character.code) : character.code);
    }
  }
  finish();
  return position;
}

}  // namespace tapegrad::data
