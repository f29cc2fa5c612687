#include "corpus.hpp"

#include <algorithm>
#include <filesystem>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/text_file.hpp>
#include <unordered_set>

namespace tapegrad::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFortunes = "fortunes:";
constexpr const char* kFortunesFolder = "/usr/share/games/fortunes";
constexpr std::string_view kWordNet = "wordnet:";
constexpr const char* kWordNetFolder = "/usr/share/wordnet";
constexpr std::size_t kPart = 4000;

void require_several(const std::string& source, std::size_t texts) {
  if (texts < 2)
    throw IoError(source + ": holds " + std::to_string(texts) +
                  " texts; some are needed to learn from and some to test on");
}

/// Texts parted by lines "%"; false if there is no such line.
bool split_fortunes(std::string_view text, std::vector<std::string>& texts) {
  std::string current;
  bool parted = false;
  const auto finish = [&] {
    if (current.find_first_not_of(" \t\r\n") != std::string::npos) texts.push_back(std::move(current));
    current.clear();
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string_view line = text.substr(begin, end - begin);
    if (line == "%\n" || line == "%\r\n" || line == "%")
      finish(), parted = true;
    else
      current += line;
    begin = end;
  }
  if (parted) finish();
  return parted;
}

std::vector<std::string> read_fortunes(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file() && !entry.is_symlink() && entry.path().extension() != ".dat")
      files.push_back(entry.path());
  if (files.empty())
    throw IoError(folder.string() + ": holds no fortunes; they come with Debian's packages fortunes and fortunes-min");
  std::sort(files.begin(), files.end());
  std::vector<std::string> texts;
  for (const fs::path& file : files) split_fortunes(data::read_text_file(file), texts);
  return texts;
}

std::vector<std::string> split_at_line_ends(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t cut = text.size() <= kPart ? text.size() : std::min(text.find('\n', kPart), text.size() - 1) + 1;
    parts.emplace_back(text.substr(0, cut));
    text.remove_prefix(cut);
  }
  return parts;
}

/// What follows the bar in each line of WordNet's files; the licence before them is indented.
std::vector<std::string> read_definitions(const fs::path& folder) {
  std::vector<std::string> texts;
  for (const char* name : {"data.adj", "data.adv", "data.noun", "data.verb"}) {
    std::error_code error;
    if (!fs::exists(folder / name, error))
      throw IoError((folder / name).string() + ": is missing; it comes with Debian's package wordnet-base");
    const std::string content = data::read_text_file(folder / name);
    data::LineReader lines(content);
    for (std::string_view line; lines.next(line);)
      if (const std::size_t bar = line.find(" | "); !line.starts_with(' ') && bar != line.npos)
        texts.emplace_back(line.substr(bar + 3));
  }
  return texts;
}

}  // namespace

std::vector<std::string> read_short_texts(const std::string& source) {
  std::vector<std::string> texts;
  if (source.starts_with(kWordNet)) {
    const std::string folder = source.substr(kWordNet.size());
    texts = read_definitions(folder.empty() ? kWordNetFolder : folder);
  } else {
    const std::string content = data::read_text_file(source);
    data::LineReader lines(content);
    for (std::string_view line; lines.next(line);) texts.emplace_back(line);
  }
  std::unordered_set<std::string_view> known;
  std::vector<std::string> kept;
  for (const std::string& text : texts)
    if (text.find_first_not_of(" \t\r") != text.npos && known.insert(text).second) kept.push_back(text);
  require_several(source, kept.size());
  return kept;
}

std::vector<std::string> read_corpus(const std::string& source) {
  std::vector<std::string> texts;
  if (source.starts_with(kFortunes)) {
    const std::string folder = source.substr(kFortunes.size());
    texts = read_fortunes(folder.empty() ? kFortunesFolder : folder);
  } else if (const std::string text = data::read_text_file(source); !split_fortunes(text, texts)) {
    texts = split_at_line_ends(text);
  }
  require_several(source, texts.size());
  return texts;
}

std::int64_t count_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

}  // namespace tapegrad::tools
