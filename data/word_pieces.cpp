#include <tapegrad/data/word_pieces.hpp>

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/data/internal/unicode.hpp>
#include <tapegrad/data/text_file.hpp>
#include <unordered_map>

namespace tapegrad::data {
namespace {

constexpr std::size_t kLongestWord = 100;  // characters
constexpr std::string_view kInside = "##";

enum class Kind { letter, punctuation, ideograph, space, nothing };

/// As google-research/bert's tokenization.py tells characters apart.
Kind kind_of(char32_t code) {
  if (code == kNotUtf8 || code == 0xFFFD) return Kind::nothing;
  if (code == '\t' || code == '\n' || code == '\r') return Kind::space;
  if ((code >= 0x4E00 && code <= 0x9FFF) || (code >= 0x3400 && code <= 0x4DBF) ||
      (code >= 0x20000 && code <= 0x2A6DF) || (code >= 0x2A700 && code <= 0x2CEAF) ||
      (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x2F800 && code <= 0x2FA1F))
    return Kind::ideograph;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return Kind::space;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
      return Kind::nothing;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return Kind::punctuation;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
      return code < 0x80 ? Kind::punctuation : Kind::letter;
    default:
      return Kind::letter;
  }
}

/// Lower case, decomposed, without accents: at most four characters, as Unicode has it.
struct PlainCharacters {
  explicit PlainCharacters(char32_t code) {
    int boundary = 0;
    const auto lower = utf8proc_tolower(static_cast<utf8proc_int32_t>(code));
    count = std::min(kMost, utf8proc_decompose_char(lower, codes, kMost, UTF8PROC_DECOMPOSE, &boundary));
  }
  static constexpr utf8proc_ssize_t kMost = 8;
  utf8proc_int32_t codes[kMost];
  utf8proc_ssize_t count;
};

/// Calls use(word) for each word and mark of punctuation.
template <class Use>
void for_words(std::string_view text, bool lower_case, const Use& use) {
  std::string word;
  const auto end = [&] {
    if (!word.empty()) use(word);
    word.clear();
  };
  const auto add = [&](char32_t code) {
    const bool alone = kind_of(code) == Kind::punctuation;
    if (alone) end();
    append_utf8(word, code);
    if (alone) end();
  };
  for (std::size_t at = 0; at < text.size();) {
    const DecodedCharacter c = decode_utf8(text, at);
    at += c.length;
    const Kind kind = kind_of(c.code);
    if (kind == Kind::nothing) continue;
    if (kind == Kind::space || kind == Kind::ideograph) end();
    if (kind == Kind::space) continue;
    if (lower_case) {
      const PlainCharacters plain(c.code);
      for (utf8proc_ssize_t i = 0; i < plain.count; ++i)
        if (utf8proc_category(plain.codes[i]) != UTF8PROC_CATEGORY_MN) add(static_cast<char32_t>(plain.codes[i]));
    } else {
      add(c.code);
    }
    if (kind == Kind::ideograph) end();
  }
  end();
}

}  // namespace

struct WordPieces::Vocabulary {
  std::vector<std::string> tokens;
  std::unordered_map<std::string, std::int32_t> ids;
  bool lower_case;
  std::int32_t unknown, begin, end, padding;

  /// Appends the pieces of a word, or [UNK].
  void split(const std::string& word, std::vector<std::int32_t>& to) const {
    const auto characters = std::ranges::count_if(word, [](char c) { return (c & 0xC0) != 0x80; });
    const std::size_t before = to.size();
    std::string piece;
    for (std::size_t begin_at = 0; begin_at < word.size();) {
      std::size_t end_at = word.size();
      auto found = ids.end();
      for (; end_at > begin_at && characters <= static_cast<std::ptrdiff_t>(kLongestWord); --end_at) {
        piece.assign(begin_at > 0 ? kInside : "").append(word, begin_at, end_at - begin_at);
        found = ids.find(piece);
        if (found != ids.end()) break;
      }
      if (found == ids.end()) {
        to.resize(before);
        to.push_back(unknown);
        return;
      }
      to.push_back(found->second);
      begin_at = end_at;
    }
  }
};

WordPieces WordPieces::load(const std::filesystem::path& vocabulary, bool lower_case) {
  auto made = std::make_shared<Vocabulary>();
  made->lower_case = lower_case;
  const std::string content = read_text_file(vocabulary);
  LineReader lines(content);
  for (std::string_view line; lines.next(line);) {
    const auto [other, is_new] = made->ids.emplace(line, static_cast<std::int32_t>(made->tokens.size()));
    if (!is_new)
      throw IoError(fmt::format("{}:{}: the token '{}' is in line {}, too", vocabulary.string(), lines.number(),
                                printable(other->first, 60), other->second + 1));
    made->tokens.emplace_back(line);
  }
  const auto mark = [&](const char* token) {
    const auto found = made->ids.find(token);
    if (found == made->ids.end())
      throw IoError(fmt::format("{}: not a vocabulary of BERT's kind: it lacks {}", vocabulary.string(), token));
    return found->second;
  };
  made->unknown = mark("[UNK]");
  made->begin = mark("[CLS]");
  made->end = mark("[SEP]");
  made->padding = mark("[PAD]");
  return WordPieces(std::move(made));
}

std::int32_t WordPieces::size() const { return static_cast<std::int32_t>(vocabulary_->tokens.size()); }

std::vector<std::int32_t> WordPieces::encode(std::string_view text) const {
  std::vector<std::int32_t> tokens;
  for_words(text, vocabulary_->lower_case, [&](const std::string& word) { vocabulary_->split(word, tokens); });
  return tokens;
}

PieceBatch WordPieces::batch(std::span<const std::string> texts, std::optional<std::int64_t> longest) const {
  if (longest && *longest < 2)
    throw ValueError(fmt::format("WordPieces::batch: at most {} tokens; [CLS] and [SEP] are two", *longest));
  std::vector<std::vector<std::int32_t>> rows;
  std::size_t length = 2;
  for (const std::string& text : texts) {
    std::vector<std::int32_t> row = encode(text);
    if (longest) row.resize(std::min(row.size(), static_cast<std::size_t>(*longest - 2)));
    row.insert(row.begin(), vocabulary_->begin);
    row.push_back(vocabulary_->end);
    length = std::max(length, row.size());
    rows.push_back(std::move(row));
  }
  const Shape shape{std::ssize(rows), static_cast<std::int64_t>(length)};
  PieceBatch batch{full(shape, vocabulary_->padding, i64), zeros(shape, boolean)};
  const auto ids = batch.ids.mutable_data<std::int64_t>();
  const auto mask = batch.mask.mutable_data<bool>();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::ranges::copy(rows[r], ids.begin() + static_cast<std::ptrdiff_t>(r * length));
    std::ranges::fill(mask.subspan(r * length, rows[r].size()), true);
  }
  return batch;
}

const std::string& WordPieces::token(std::int32_t id) const {
  if (id < 0 || id >= size()) throw IndexError(fmt::format("WordPieces: token {}, of which there are {}", id, size()));
  return vocabulary_->tokens[static_cast<std::size_t>(id)];
}

std::optional<std::int32_t> WordPieces::find(std::string_view token) const {
  const auto found = vocabulary_->ids.find(std::string(token));
  return found == vocabulary_->ids.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace tapegrad::data
