#include <tapegrad/data/internal/messages.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <tapegrad/core/edit_distance.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/data/internal/unicode.hpp>

namespace tapegrad::data {
namespace {

bool is_control(char32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace

std::string in_quotes(std::string_view text) { return '"' + printable(text, 60) + '"'; }

std::string list_in_quotes(std::span<const std::string> names) {
  constexpr std::size_t kMost = 12;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) out += (i == 0 ? "" : ", ") + in_quotes(names[i]);
  if (names.size() > kMost) out += fmt::format(" and {} more", names.size() - kMost);
  return out;
}

bool has_control_characters(std::string_view text) {
  for (std::size_t position = 0; position < text.size();) {
    const DecodedCharacter character = decode_utf8(text, position);
    if (is_control(character.code)) return true;
    position += character.length;
  }
  return false;
}

std::string suggestion(std::string_view name, std::span<const std::string> candidates) {
  constexpr std::size_t kLongest = 64;
  const std::string wanted = lower_ascii(name.substr(0, kLongest));
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(1, wanted.size() / 2) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const std::size_t distance = edit_distance(wanted, lower_ascii(candidate));
    if (distance < least) {
      least = distance;
      nearest = &candidate;
    }
  }
  return nearest ? fmt::format("; did you mean {}?", in_quotes(*nearest)) : "";
}

}  // namespace tapegrad::data
