#include <tapegrad/data/internal/html.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <tapegrad/data/internal/unicode.hpp>

namespace tapegrad::data {
namespace {

constexpr auto npos = std::string_view::npos;

struct NamedCharacter {
  std::string_view name;
  char32_t code;
};

// The references that occur in prose. A name that is not here stays as it is written.
constexpr NamedCharacter kNamedCharacters[] = {
    {"AElig", 0xC6},    {"Aacute", 0xC1},   {"Acirc", 0xC2},    {"Agrave", 0xC0},   {"Aring", 0xC5},
    {"Atilde", 0xC3},   {"Auml", 0xC4},     {"Ccedil", 0xC7},   {"ETH", 0xD0},      {"Eacute", 0xC9},
    {"Ecirc", 0xCA},    {"Egrave", 0xC8},   {"Euml", 0xCB},     {"Iacute", 0xCD},   {"Icirc", 0xCE},
    {"Igrave", 0xCC},   {"Iuml", 0xCF},     {"Ntilde", 0xD1},   {"OElig", 0x152},   {"Oacute", 0xD3},
    {"Ocirc", 0xD4},    {"Ograve", 0xD2},   {"Oslash", 0xD8},   {"Otilde", 0xD5},   {"Ouml", 0xD6},
    {"Scaron", 0x160},  {"THORN", 0xDE},    {"Uacute", 0xDA},   {"Ucirc", 0xDB},    {"Ugrave", 0xD9},
    {"Uuml", 0xDC},     {"Yacute", 0xDD},   {"Yuml", 0x178},    {"aacute", 0xE1},   {"acirc", 0xE2},
    {"acute", 0xB4},    {"aelig", 0xE6},    {"agrave", 0xE0},   {"amp", '&'},       {"apos", '\''},
    {"aring", 0xE5},    {"atilde", 0xE3},   {"auml", 0xE4},     {"bdquo", 0x201E},  {"bull", 0x2022},
    {"ccedil", 0xE7},   {"cent", 0xA2},     {"copy", 0xA9},     {"deg", 0xB0},      {"divide", 0xF7},
    {"eacute", 0xE9},   {"ecirc", 0xEA},    {"egrave", 0xE8},   {"emsp", 0x2003},   {"ensp", 0x2002},
    {"eth", 0xF0},      {"euml", 0xEB},     {"euro", 0x20AC},   {"frac12", 0xBD},   {"frac14", 0xBC},
    {"frac34", 0xBE},   {"gt", '>'},        {"hellip", 0x2026}, {"iacute", 0xED},   {"icirc", 0xEE},
    {"iexcl", 0xA1},    {"igrave", 0xEC},   {"iquest", 0xBF},   {"iuml", 0xEF},     {"laquo", 0xAB},
    {"ldquo", 0x201C},  {"lsaquo", 0x2039}, {"lsquo", 0x2018},  {"lt", '<'},        {"mdash", 0x2014},
    {"middot", 0xB7},   {"nbsp", 0xA0},     {"ndash", 0x2013},  {"ntilde", 0xF1},   {"oacute", 0xF3},
    {"ocirc", 0xF4},    {"oelig", 0x153},   {"ograve", 0xF2},   {"oslash", 0xF8},   {"otilde", 0xF5},
    {"ouml", 0xF6},     {"para", 0xB6},     {"plusmn", 0xB1},   {"pound", 0xA3},    {"quot", '"'},
    {"raquo", 0xBB},    {"rdquo", 0x201D},  {"reg", 0xAE},      {"rsaquo", 0x203A}, {"rsquo", 0x2019},
    {"sbquo", 0x201A},  {"scaron", 0x161},  {"sect", 0xA7},     {"shy", 0xAD},      {"szlig", 0xDF},
    {"thinsp", 0x2009}, {"thorn", 0xFE},    {"times", 0xD7},    {"trade", 0x2122},  {"uacute", 0xFA},
    {"ucirc", 0xFB},    {"ugrave", 0xF9},   {"uuml", 0xFC},     {"yacute", 0xFD},   {"yen", 0xA5},
    {"yuml", 0xFF},     {"zwj", 0x200D},    {"zwnj", 0x200C},
};
static_assert(std::ranges::is_sorted(kNamedCharacters, {}, &NamedCharacter::name));

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, ascii_lower);
}

int digit_value(char c, int base) {
  const char lower = ascii_lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  if (base == 16 && lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return -1;
}

/// The character that the digits of `&#…;` name: none for what is no Unicode scalar value, or would be a NUL.
std::optional<char32_t> numbered_character(std::string_view digits) {
  const int base = !digits.empty() && ascii_lower(digits.front()) == 'x' ? 16 : 10;
  if (base == 16) digits.remove_prefix(1);
  char32_t code = 0;
  for (const char c : digits) {
    const int value = digit_value(c, base);
    if (value < 0) return std::nullopt;
    code = code * static_cast<char32_t>(base) + static_cast<char32_t>(value);
    if (code > 0x10FFFF) return std::nullopt;
  }
  if (code == 0 || (code >= 0xD800 && code <= 0xDFFF)) return std::nullopt;
  return code;
}

std::optional<char32_t> named_character(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kNamedCharacters, name, {}, &NamedCharacter::name);
  if (found == std::end(kNamedCharacters) || found->name != name) return std::nullopt;
  return found->code;
}

// Elements whose content is no text.
constexpr std::array<std::string_view, 2> kHiddenElements = {"script", "style"};

bool is_element(std::string_view tag, std::string_view element) {
  return same_ignoring_case(tag.substr(0, element.size()), element) &&
         (tag.size() == element.size() || tag[element.size()] == ' ');
}

class Stripper {
 public:
  Stripper(std::string_view html, std::string& text) : html_(html), text_(text) {}

  void run() {
    text_.clear();
    while (position_ < html_.size()) {
      const char c = html_[position_];
      if (c != '<' && c != '&') {
        copy_plain_text();
        continue;
      }
      const std::size_t end = c == '<' ? end_of_markup() : end_of_reference();
      if (end == npos) {
        text_.push_back(c);
        ++position_;
      } else {
        if (c == '<') text_.push_back(' ');
        position_ = end;
      }
    }
  }

 private:
  void copy_plain_text() {
    std::size_t end = position_;
    while (end < html_.size() && html_[end] != '<' && html_[end] != '&') ++end;
    text_.append(html_, position_, end - position_);
    position_ = end;
  }

  /// Where the tag, comment or hidden element that begins here ends; npos if none begins here.
  std::size_t end_of_markup() {
    if (html_.substr(position_, 4) == "<!--") {
      if (const std::size_t end = end_of_comment(position_ + 4); end != npos) return end;
    }
    const std::size_t name = position_ + 1;
    if (name >= html_.size()) return npos;
    const char first = html_[name];
    if (!is_ascii_letter(first) && first != '/' && first != '!' && first != '?') return npos;
    const std::size_t last = html_.find_first_of("<>", name);
    if (last == npos || html_[last] == '<') return npos;
    for (std::size_t i = 0; i < kHiddenElements.size(); ++i) {
      if (is_element(html_.substr(name, last - name), kHiddenElements[i])) return end_of_element(i, last + 1);
    }
    return last + 1;
  }

  // The two searches below may run to the end of the text in vain. Each remembers that, so that a page of comments or
  // scripts without an end takes linear time.

  std::size_t end_of_comment(std::size_t begin) {
    if (begin >= open_comment_) return npos;
    const std::size_t end = html_.find("-->", begin);
    if (end == npos) open_comment_ = begin;
    return end == npos ? npos : end + 3;
  }

  /// The position after the closing tag, or `begin` if the element is never closed.
  std::size_t end_of_element(std::size_t which, std::size_t begin) {
    if (begin >= open_element_[which]) return begin;
    const std::string_view element = kHiddenElements[which];
    for (std::size_t at = html_.find("</", begin); at != npos; at = html_.find("</", at + 2)) {
      if (!same_ignoring_case(html_.substr(at + 2, element.size()), element)) continue;
      const std::size_t last = html_.find('>', at);
      if (last == npos) break;
      return last + 1;
    }
    open_element_[which] = begin;
    return begin;
  }

  /// Where the character reference that begins here ends, its character being written; npos if it is none.
  std::size_t end_of_reference() {
    constexpr std::size_t kLongest = 12;
    const std::size_t length = html_.substr(position_ + 1, kLongest).find(';');
    if (length == npos || length == 0) return npos;
    const std::string_view name = html_.substr(position_ + 1, length);
    const auto code = name.front() == '#' ? numbered_character(name.substr(1)) : named_character(name);
    if (!code) return npos;
    append_utf8(text_, *code);
    return position_ + length + 2;
  }

  std::string_view html_;
  std::string& text_;
  std::size_t position_ = 0;
  std::size_t open_comment_ = npos;
  std::array<std::size_t, kHiddenElements.size()> open_element_ = {npos, npos};
};

}  // namespace

void strip_html(std::string_view html, std::string& text) { Stripper(html, text).run(); }

std::string strip_html(std::string_view html) {
  std::string text;
  strip_html(html, text);
  return text;
}

}  // namespace tapegrad::data
