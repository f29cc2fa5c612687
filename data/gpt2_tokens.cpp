#include <tapegrad/data/gpt2_tokens.hpp>

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <map>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/data/internal/pair_joining.hpp>
#include <tapegrad/data/internal/unicode.hpp>
#include <tapegrad/data/text_file.hpp>

namespace tapegrad::data {
namespace {

constexpr std::size_t kShown = 60;  // bytes of a token in a message
constexpr int kBytes = 256;
constexpr std::size_t kMostNamed = 1000;  // tokens that stand for no text

/// The files write bytes as characters that print: those that do as they are, the others from U+0100 on.
std::array<char32_t, kBytes> characters_of_bytes() {
  std::array<char32_t, kBytes> characters{};
  char32_t next = kBytes;
  for (char32_t byte = 0; byte < kBytes; ++byte) {
    const bool prints = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
    characters[byte] = prints ? byte : next++;
  }
  return characters;
}

/// The bytes that such characters stand for; none if one stands for no byte.
std::optional<std::string> bytes_of(std::string_view characters) {
  static const std::map<char32_t, char> bytes = [] {
    std::map<char32_t, char> all;
    const auto of = characters_of_bytes();
    for (std::size_t byte = 0; byte < of.size(); ++byte) all.emplace(of[byte], static_cast<char>(byte));
    return all;
  }();
  std::string text;
  for (std::size_t at = 0; at < characters.size();) {
    const DecodedCharacter c = decode_utf8(characters, at);
    const auto found = bytes.find(c.code);
    if (found == bytes.end()) return {};
    text += found->second;
    at += c.length;
  }
  return text;
}

enum class Kind { letter, number, space, other };

Kind kind_of(char32_t code) {
  if (code == kNotUtf8) return Kind::other;
  if ((code >= 9 && code <= 13) || code == 0x85) return Kind::space;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Kind::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Kind::number;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return Kind::space;
    default:
      return Kind::other;
  }
}

/// Where the characters of one kind end, from `at` on; `last`, if given, takes where the last of them begins.
std::size_t end_of(std::string_view text, std::size_t at, Kind kind, std::size_t* last = nullptr) {
  while (at < text.size()) {
    const DecodedCharacter c = decode_utf8(text, at);
    if (kind_of(c.code) != kind) break;
    if (last) *last = at;
    at += c.length;
  }
  return at;
}

/// Where the piece that begins at `at` ends. No token reaches across pieces, which are the matches of
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t end_of_piece(std::string_view text, std::size_t at) {
  for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (text.substr(at).starts_with(ending)) return at + ending.size();
  const auto kind_at = [&](std::size_t place) { return kind_of(decode_utf8(text, place).code); };
  const std::size_t begin = text[at] == ' ' && at + 1 < text.size() && kind_at(at + 1) != Kind::space ? at + 1 : at;
  if (const Kind kind = kind_at(begin); kind != Kind::space) return end_of(text, begin, kind);
  // The last of several spaces goes with what follows them.
  std::size_t last = at;
  const std::size_t end = end_of(text, at, Kind::space, &last);
  return end < text.size() && last > at ? last : end;
}

}  // namespace

struct Gpt2Tokens::Tables {
  std::vector<std::string> texts;  // by token; empty if it is named
  std::map<std::string, std::int32_t, std::less<>> named;
  std::array<std::int32_t, kBytes> of_byte{};
  Joins joins;
};

Gpt2Tokens Gpt2Tokens::load(const std::filesystem::path& vocabulary, const std::filesystem::path& merges) {
  const auto refuse = [&](const std::string& why) {
    throw IoError(fmt::format("{}: not a vocabulary of GPT-2's kind: {}", vocabulary.string(), why));
  };
  const auto shown = [](std::string_view token) { return printable(std::string(token), kShown); };
  const nlohmann::json json = parse_json(read_text_file(vocabulary), vocabulary.string());
  if (!json.is_object() || json.empty()) refuse("it is no object of tokens and their numbers");
  std::unordered_map<std::string, std::int32_t> tokens;
  std::vector<const std::string*> names(json.size());
  for (const auto& [name, number] : json.items()) {
    const auto id = number.is_number_unsigned() ? number.get<std::uint64_t>() : json.size();
    if (id >= json.size() || names[id])
      refuse(fmt::format("the number of '{}' is {}; each from 0 to {} must be there once", shown(name), number.dump(),
                         json.size() - 1));
    names[id] = &tokens.emplace(name, static_cast<std::int32_t>(id)).first->first;
  }

  auto tables = std::make_shared<Tables>();
  tables->texts.resize(json.size());
  const auto characters = characters_of_bytes();
  for (std::size_t byte = 0; byte < characters.size(); ++byte) {
    std::string name;
    append_utf8(name, characters[byte]);
    const auto found = tokens.find(name);
    if (found == tokens.end()) refuse(fmt::format("it lacks '{}', the byte {}", name, byte));
    tables->of_byte[byte] = found->second;
    tables->texts[static_cast<std::size_t>(found->second)] = static_cast<char>(byte);
  }

  const std::string content = read_text_file(merges);
  LineReader lines(content);
  for (std::string_view line; lines.next(line);) {
    if (line.empty() || (lines.number() == 1 && line.starts_with("#version"))) continue;
    const std::size_t space = line.find(' ');
    const auto token = [&](std::string_view name) {
      const auto found = tokens.find(std::string(name));
      const auto text = bytes_of(name);
      if (space == std::string_view::npos || found == tokens.end() || !text || text->empty())
        throw IoError(fmt::format("{}:{}: expected two tokens of {} that make a third one, such as \"h e\"",
                                  merges.string(), lines.number(), vocabulary.string()));
      tables->texts[static_cast<std::size_t>(found->second)] = *text;
      return found->second;
    };
    const std::string_view left = line.substr(0, space), right = line.substr(std::min(space, line.size() - 1) + 1);
    const Join made{static_cast<std::int32_t>(tables->joins.size()), token(std::string(left) + std::string(right))};
    tables->joins.emplace(key_of(token(left), token(right)), made);
  }
  for (const auto& [name, id] : tokens)
    if (tables->texts[static_cast<std::size_t>(id)].empty()) tables->named.emplace(name, id);
  if (tables->joins.empty() || tables->named.size() > kMostNamed)
    throw IoError(fmt::format("{}: its {} pairs make too few of the {} tokens of {}; get both files of one model whole",
                              merges.string(), tables->joins.size(), json.size(), vocabulary.string()));
  return Gpt2Tokens(std::move(tables));
}

std::int32_t Gpt2Tokens::size() const { return static_cast<std::int32_t>(tables_->texts.size()); }

std::vector<std::int32_t> Gpt2Tokens::encode(std::string_view text) const {
  Tokens tokens;
  std::unordered_map<std::string_view, Tokens> known;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_piece(text, at);
    const std::string_view piece = text.substr(at, end - at);
    at = end;
    const auto [found, is_new] = known.try_emplace(piece);
    Tokens& parts = found->second;
    if (is_new) {
      for (const char byte : piece) parts.push_back(tables_->of_byte[static_cast<unsigned char>(byte)]);
      join_all(parts, tables_->joins);
    }
    tokens.insert(tokens.end(), parts.begin(), parts.end());
  }
  return tokens;
}

std::string_view Gpt2Tokens::bytes(std::int32_t token) const {
  if (token < 0 || token >= size())
    throw IndexError(fmt::format("Gpt2Tokens: token {}, of which there are {}", token, size()));
  return tables_->texts[static_cast<std::size_t>(token)];
}

std::string Gpt2Tokens::decode(std::span<const std::int32_t> tokens) const {
  std::string text;
  for (const std::int32_t token : tokens) text += bytes(token);
  return text;
}

std::optional<std::int32_t> Gpt2Tokens::named(std::string_view name) const {
  const auto found = tables_->named.find(name);
  return found == tables_->named.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace tapegrad::data
