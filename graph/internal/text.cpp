#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// Length of the well-formed sequence at the start of the text, or 0.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  const unsigned second = byte(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
  return length;
}

bool undrawable(char32_t c) {
  return (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
         (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
}

std::string scaled(double value, double step, std::span<const char* const> units) {
  std::size_t unit = 0;
  while (std::abs(value) >= step && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f}{}", value, units[0]);
  return fmt::format("{:.{}f}{}", value, std::abs(value) < 100 ? 1 : 0, units[unit]);
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      append_code_point(result, kReplacement);
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

char32_t take_code_point(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  char32_t code_point = length == 1 ? lead : lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    code_point = (code_point << 6) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  }
  text.remove_prefix(length);
  return code_point;
}

void append_code_point(std::string& text, char32_t c) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xC0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      add(0xE0 | (c >> 12));
    } else {
      add(0xF0 | (c >> 18));
      add(0x80 | ((c >> 12) & 0x3F));
    }
    add(0x80 | ((c >> 6) & 0x3F));
  }
  add(0x80 | (c & 0x3F));
}

std::size_t utf16_units(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
  }
  return units;
}

std::string drawable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const char32_t c = take_code_point(text);
    if (c == '\r') continue;
    if (c == '\t') {
      result += ' ';
    } else if (c < 0x20 && c != '\n') {
      append_code_point(result, 0x2400 + c);
    } else {
      append_code_point(result, c == 0x7F ? 0x2421 : undrawable(c) ? kReplacement : c);
    }
  }
  return result;
}

std::string shorten(std::string_view text, std::size_t limit) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  std::size_t count = 0;
  for (const char c : text) count += is_start(c);
  if (count <= limit) return std::string(text);
  const std::size_t tail = (limit - 1) / 3;
  const std::size_t head = limit - 1 - tail;
  std::size_t index = 0, head_end = 0, tail_begin = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_start(text[i])) continue;
    if (index == head) head_end = i;
    if (index == count - tail) tail_begin = i;
    ++index;
  }
  return fmt::format("{}…{}", text.substr(0, head_end), text.substr(tail_begin));
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!lines.empty() && display_width(lines.back()) + 1 + display_width(word) <= width) {
      lines.back() += ' ';
      lines.back() += word;
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

std::string range_name(std::string_view first, std::string_view last) {
  if (first == last) return std::string(first);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t common = 0;
  while (common < std::min(first.size(), last.size()) && first[common] == last[common]) ++common;
  while (common > 0 && is_digit(first[common - 1])) --common;
  const std::string_view rest = last.substr(common);
  const bool number = !rest.empty() && std::all_of(rest.begin(), rest.end(), is_digit);
  return fmt::format("{}…{}", first, number ? rest : last);
}

std::size_t display_width(std::string_view text) {
  // Combining marks and joiners; then what East Asian fonts and emoji draw in two columns.
  constexpr std::array<std::pair<char32_t, char32_t>, 6> kNone{
      {{0x300, 0x36F}, {0x483, 0x489}, {0x591, 0x5BD}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
  constexpr std::array<std::pair<char32_t, char32_t>, 8> kWide{{{0x1100, 0x115F},
                                                                {0x2E80, 0x303E},
                                                                {0x3041, 0xA4CF},
                                                                {0xAC00, 0xD7A3},
                                                                {0xF900, 0xFAFF},
                                                                {0xFE30, 0xFE6F},
                                                                {0xFF00, 0xFF60},
                                                                {0x1F300, 0x3FFFD}}};
  const auto in = [](char32_t c, const auto& ranges) {
    return std::any_of(ranges.begin(), ranges.end(), [c](const auto& r) { return c >= r.first && c <= r.second; });
  };
  std::size_t width = 0;
  while (!text.empty()) {
    const char32_t c = take_code_point(text);
    width += in(c, kNone) ? 0 : in(c, kWide) ? 2 : 1;
  }
  return width;
}

std::string times_text(std::uint32_t times) { return fmt::format("\u00A0×\u00A0{}", grouped(times)); }

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

std::string grouped(double whole_number) {
  std::string digits = fmt::format("{:.0f}", whole_number);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string metric(double quantity) {
  constexpr std::array<const char*, 6> units{"", " k", " M", " G", " T", " P"};
  return scaled(quantity, 1000, units);
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 6> units{" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
  return scaled(bytes, 1024, units);
}

std::string duration_text(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds >= 1e-6) return fmt::format("{:.3g} µs", seconds * 1e6);
  return fmt::format("{:.3g} ns", seconds * 1e9);
}

std::string number_text(double value) { return fmt::format("{:.3g}", value); }

}  // namespace tapegrad::graph
