#include <fmt/format.h>

#include <array>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/labelled_sources.hpp>
#include <tapegrad/data/text_file.hpp>
#include <unordered_set>

namespace tapegrad::data {
namespace {

struct Kind {
  std::string_view file;  // the lexicographer file of the nouns
  std::string_view name;
};

// Ten kinds of things, which definitions tell apart; the abstract ones (states, attributes, groups) often need context.
constexpr std::array<Kind, 10> kKinds = {{
    {"04", "act"},
    {"05", "animal"},
    {"06", "artifact"},
    {"08", "body"},
    {"10", "communication"},
    {"13", "food"},
    {"15", "location"},
    {"18", "person"},
    {"20", "plant"},
    {"27", "substance"},
}};

std::string_view name_of_kind(std::string_view file) {
  for (const Kind& kind : kKinds) {
    if (kind.file == file) return kind.name;
  }
  return {};
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin, end - begin + 1);
}

}  // namespace

// A synset is a line `offset lexicographer-file …words and pointers… | definition; "example"`; the licence before them
// is indented.
LabelledTexts read_wordnet(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw IoError(
        fmt::format("cannot read {}: there is no such file; on Debian, apt-get install wordnet-base brings "
                    "/usr/share/wordnet/data.noun",
                    path.string()));
  }
  const std::string content = read_text_file(path);
  LabelledTextsBuilder builder;
  builder.begin_source(path.string());
  std::unordered_set<std::string_view> known;
  std::int64_t repeated = 0;
  LineReader lines(content);
  for (std::string_view line; lines.next(line);) {
    if (line.starts_with(' ')) continue;
    constexpr std::size_t kOffsetDigits = 8;
    const std::size_t bar = line.find(" | ");
    if (bar == std::string_view::npos || line.find(' ') != kOffsetDigits) {
      throw IoError(
          fmt::format("{}:{}: not a synset; expected WordNet's file data.noun", path.string(), lines.number()));
    }
    const std::string_view kind = name_of_kind(line.substr(kOffsetDigits + 1, 2));
    if (kind.empty()) continue;
    const std::string_view definition = without_blanks(line.substr(bar + 3));
    if (known.insert(definition).second) {
      builder.add(kind, std::string(definition), lines.number());
    } else {
      ++repeated;
    }
  }
  if (repeated > 0) builder.note(fmt::format("definitions that repeat an earlier one, left out: {}", repeated));
  return std::move(builder).finish();
}

}  // namespace tapegrad::data
