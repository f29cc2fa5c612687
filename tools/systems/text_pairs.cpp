#include "text_pairs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/table.hpp>
#include <tapegrad/data/text_file.hpp>

namespace tapegrad::tools {
namespace {

constexpr std::string_view kGroup = "group";
constexpr std::size_t kLanguages = 2;

}  // namespace

std::string with_single_spaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!is_space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

TextPairs read_text_pairs(const std::filesystem::path& path) {
  const std::string name = path.string(), text = data::read_text_file(path);
  const char separator = data::guess_csv_separator(text);
  data::CsvReader reader(text, name, separator, separator == '\t' ? data::Quoting::none : data::Quoting::csv);
  std::vector<std::string> fields;
  if (!reader.next(fields) || fields.size() < kLanguages || fields[0] == kGroup || fields[1] == kGroup)
    throw IoError(name + ":1: expected a header with a column for the source, one for the target and, perhaps, group");
  const std::size_t columns = fields.size();
  const auto group = static_cast<std::size_t>(std::ranges::find(fields, kGroup) - fields.begin());
  TextPairs all{{fields[0], fields[1]}, {}, {}};
  if (fields[0] == fields[1]) throw IoError(fmt::format("{}:1: both columns are {}", name, data::in_quotes(fields[0])));
  std::map<std::string, std::int64_t> numbers;
  while (reader.next(fields)) {
    const std::string where = fmt::format("{}:{}", name, reader.line());
    if (fields.size() != columns)
      throw IoError(fmt::format("{}: has {} fields, where the header has {}", where, fields.size(), columns));
    TextPair pair{with_single_spaces(fields[0]), with_single_spaces(fields[1]), where};
    for (std::size_t i = 0; i < kLanguages; ++i)
      if ((i == 0 ? pair.source : pair.target).empty())
        throw IoError(fmt::format("{}: the text in {} is missing", where, data::in_quotes(all.languages[i])));
    all.groups.push_back(
        numbers.try_emplace(group < columns ? fields[group] : pair.source, std::ssize(numbers)).first->second);
    all.pairs.push_back(std::move(pair));
  }
  if (all.pairs.empty()) throw IoError(name + ": has a header, but no pair of texts");
  return all;
}

}  // namespace tapegrad::tools
