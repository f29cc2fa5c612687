#include <tapegrad/data/vocabulary.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/internal/unicode.hpp>
#include <tapegrad/data/text_file.hpp>

namespace tapegrad::data {
namespace {

constexpr std::string_view kReserved[] = {"<pad>", "<unk>"};

/// Words in a well-formed entry. Throws ValueError if it is not one.
int count_words(std::string_view entry) {
  const auto refuse = [&](const char* why) {
    throw ValueError(fmt::format("vocabulary entry {} {}; an entry is a word, or words with one space between them",
                                 in_quotes(entry), why));
  };
  if (entry.empty()) refuse("is empty");
  if (has_control_characters(entry)) refuse("has control characters");
  if (find_invalid_utf8(entry)) refuse("is not UTF-8");
  if (entry.front() == ' ' || entry.back() == ' ' || entry.find("  ") != std::string_view::npos)
    refuse("has stray spaces");
  const auto words = std::ranges::count(entry, ' ') + 1;
  if (words > Vocabulary::kLongestNgram) refuse("has too many words");
  return static_cast<int>(words);
}

}  // namespace

Vocabulary::Vocabulary() {
  for (const std::string_view name : kReserved) add(name);
}

std::int32_t Vocabulary::add(std::string_view entry) {
  const int words = count_words(entry);
  Ngram parts = {kPadding, kPadding};
  if (words > 1) {
    const std::string_view prefix = entry.substr(0, entry.rfind(' ')), last = entry.substr(prefix.size() + 1);
    parts = {id(prefix), id(last)};
    if (parts.prefix <= kUnknown || parts.last <= kUnknown) {
      throw ValueError(fmt::format("n-gram {} comes before its parts; add {} and {} first", in_quotes(entry),
                                   in_quotes(prefix), in_quotes(last)));
    }
  }
  const std::int32_t fresh = size();
  if (entries_.intern(entry) != fresh)
    throw ValueError(fmt::format("vocabulary entry {} is there already", in_quotes(entry)));
  parts_.push_back(parts);
  if (words > 1) {
    by_parts_.find_or_insert(hash_pair(parts.prefix, parts.last), fresh, [](std::int32_t) { return false; });
    ngrams_ = std::max(ngrams_, words);
  }
  return fresh;
}

std::int32_t Vocabulary::id(std::string_view entry) const {
  const std::int32_t found = entries_.find(entry);
  return found == StringPool::kAbsent ? kUnknown : found;
}

std::int32_t Vocabulary::extend(std::int32_t prefix, std::int32_t last) const {
  const std::int32_t found = by_parts_.find(hash_pair(prefix, last), [&](std::int32_t candidate) {
    const Ngram& parts = parts_[static_cast<std::size_t>(candidate)];
    return parts.prefix == prefix && parts.last == last;
  });
  return found == IdTable::kAbsent ? kUnknown : found;
}

std::string_view Vocabulary::entry(std::int32_t id) const {
  if (id < 0 || id >= size()) throw IndexError(fmt::format("id {} is outside a vocabulary of {} entries", id, size()));
  return entries_[id];
}

void Vocabulary::save(const std::string& path) const {
  std::string content;
  for (std::int32_t i = 0; i < size(); ++i) content.append(entries_[i]).push_back('\n');
  write_file(path, content);
}

Vocabulary Vocabulary::load(const std::string& path) {
  const std::string content = read_text_file(path);
  Vocabulary vocabulary;
  LineReader lines(content);
  std::string_view line;
  while (lines.next(line)) {
    const auto number = static_cast<std::size_t>(lines.number());
    if (number <= std::size(kReserved)) {
      if (line == kReserved[number - 1]) continue;
      throw IoError(fmt::format("{}:{}: expected {}, found {}; this is not a vocabulary", path, number,
                                kReserved[number - 1], in_quotes(line)));
    }
    try {
      vocabulary.add(line);
    } catch (const ValueError& error) {
      throw IoError(fmt::format("{}:{}: {}", path, number, error.what()));
    }
  }
  if (lines.number() < std::ssize(kReserved)) {
    throw IoError(fmt::format("{} is no vocabulary: it ends before the reserved entries", path));
  }
  return vocabulary;
}

}  // namespace tapegrad::data
