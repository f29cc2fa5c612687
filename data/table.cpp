#include <tapegrad/data/table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/data/string_table.hpp>
#include <tapegrad/data/text_file.hpp>
#include <unordered_set>

namespace tapegrad::data {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // What is too large or too small for a double, and "inf", are no values to learn from.
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::vector<std::string> names_of(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  return names;
}

bool has_decimal_comma(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return false;
  std::string with_point(text);
  with_point[comma] = '.';
  return parse_number(with_point).has_value();
}

/// What the values of a column are, found line by line.
struct Tally {
  std::int64_t numbers = 0, commas = 0, others = 0;
  std::int64_t other_line = 0;  // of the first value that is no number
  std::string other;
};

ColumnType type_of(const Column& column, const Tally& tally, const std::string& source, const TableOptions& options) {
  constexpr std::int64_t kEnoughToTell = 10, kShare = 9;  // more numbers than this many times the others
  const auto refuse = [&](const std::string& why) {
    throw IoError(fmt::format("{}:{}: {} in the column {} {}", source, tally.other_line, in_quotes(tally.other),
                              in_quotes(column.name), why));
  };
  if (const auto given = options.types.find(column.name); given != options.types.end()) {
    if (given->second == ColumnType::number && tally.others > 0) refuse("is no number");
    return given->second;
  }
  if (tally.others == 0) return ColumnType::number;
  if (tally.commas == tally.others)
    refuse("has a decimal comma; write it with a point, or give the column's type as a category");
  if (tally.numbers >= kEnoughToTell && tally.numbers >= kShare * tally.others)
    refuse(
        fmt::format("is no number, as {} other values are; name it among those that are missing, or give the "
                    "column's type",
                    tally.numbers));
  return ColumnType::category;
}

/// The codes of categories so far are in order of appearance; they become indices of the sorted names.
void sort_categories(Column& column, const StringPool& names) {
  std::vector<std::int32_t> sorted(static_cast<std::size_t>(names.size())), rank(sorted.size());
  std::iota(sorted.begin(), sorted.end(), 0);
  std::ranges::sort(sorted, {}, [&](std::int32_t i) { return names[i]; });
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    rank[static_cast<std::size_t>(sorted[i])] = static_cast<std::int32_t>(i);
    column.categories.emplace_back(names[sorted[i]]);
  }
  for (std::int32_t& code : column.codes)
    if (code >= 0) code = rank[static_cast<std::size_t>(code)];
}

}  // namespace

const Column& Table::operator[](std::string_view name) const {
  for (const Column& column : columns)
    if (column.name == name) return column;
  const std::vector<std::string> names = names_of(columns);
  throw ValueError(fmt::format("{}: there is no column {}; there is {}{}", source, in_quotes(name),
                               list_in_quotes(names), suggestion(name, names)));
}

std::string Table::where(std::int64_t row) const {
  check_rows({&row, 1}, size());
  return fmt::format("{}:{}", source, lines[static_cast<std::size_t>(row)]);
}

Table read_table(const std::filesystem::path& path, const TableOptions& options) {
  const std::string text = read_text_file(path);
  Table table{path.string(), {}, {}};
  std::vector<std::string> fields;
  const auto is_missing = [&](std::string_view v) {
    return std::ranges::find(options.missing, v) != options.missing.end();
  };
  const auto any = [](CsvReader::Line) { return true; };

  CsvReader first(text, table.source, options.separator, options.quoting);
  if (!first.next(fields))
    throw IoError(fmt::format("{}: is empty; a table begins with its columns' names", table.source));
  std::unordered_set<std::string_view> names;
  for (const std::string& field : fields)
    if (const std::string_view name = trimmed(field); !names.insert(name).second)
      throw IoError(fmt::format("{}:{}: two columns are named {}", table.source, first.line(), in_quotes(name)));
  for (const std::string& field : fields) table.columns.emplace_back().name = trimmed(field);
  for (const auto& [name, type] : options.types) (void)table[name];  // it is there, or this says which are

  std::vector<Tally> tallies(table.columns.size());
  while (first.next(fields)) {
    if (fields.size() != tallies.size())
      throw IoError(fmt::format("{}:{}: a record of {} fields; the header has {}", table.source, first.line(),
                                fields.size(), tallies.size()));
    if (options.quoting == Quoting::guess && first.may_be_lines(any)) first.refuse_lines();
    for (std::size_t c = 0; c < fields.size(); ++c) {
      const std::string_view value = trimmed(fields[c]);
      if (is_missing(value)) continue;
      Tally& tally = tallies[c];
      if (parse_number(value)) {
        ++tally.numbers;
        continue;
      }
      if (tally.others++ == 0) tally.other = value, tally.other_line = first.line();
      if (has_decimal_comma(value)) ++tally.commas;
    }
  }
  for (std::size_t c = 0; c < tallies.size(); ++c)
    table.columns[c].type = type_of(table.columns[c], tallies[c], table.source, options);

  std::vector<StringPool> categories(table.columns.size());
  CsvReader second(text, table.source, options.separator, options.quoting);
  second.next(fields);
  while (second.next(fields)) {
    table.lines.push_back(second.line());
    for (std::size_t c = 0; c < fields.size(); ++c) {
      Column& column = table.columns[c];
      const std::string_view value = trimmed(fields[c]);
      if (column.type == ColumnType::number)
        column.numbers.push_back(is_missing(value) ? kMissing : parse_number(value).value());
      else
        column.codes.push_back(is_missing(value) ? -1 : categories[c].intern(value));
    }
  }
  if (table.lines.empty()) throw IoError(fmt::format("{}: has a header and no records", table.source));
  for (std::size_t c = 0; c < categories.size(); ++c) sort_categories(table.columns[c], categories[c]);
  return table;
}

}  // namespace tapegrad::data
