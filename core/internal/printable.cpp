#include <tapegrad/core/internal/printable.hpp>

#include <fmt/format.h>

namespace tapegrad {
namespace {

struct Character {
  char32_t code;
  std::size_t bytes;
  bool valid;
};

Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1, true};
  const std::size_t bytes = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < bytes) return {byte(0), 1, false};
  char32_t code = byte(0) & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {byte(0), 1, false};
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  const bool valid = code >= kSmallest[bytes] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  return {code, valid ? bytes : 1, valid};
}

bool is_obeyed(char32_t code) {
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
  const bool separator = code == 0x2028 || code == 0x2029;
  const bool direction = code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
                         (code >= 0x2066 && code <= 0x2069);
  return control || separator || direction;
}

}  // namespace

std::string printable(std::string_view text, std::size_t longest, std::string_view keep) {
  std::string out;
  while (!text.empty()) {
    if (out.size() >= longest) return out + "…";
    const Character c = first_of(text);
    const std::string_view bytes = text.substr(0, c.bytes);
    if (c.valid && (!is_obeyed(c.code) || keep.find(bytes) != std::string_view::npos)) {
      out += bytes;
    } else {
      for (const char byte : bytes) out += fmt::format("\\x{:02X}", static_cast<unsigned char>(byte));
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace tapegrad
