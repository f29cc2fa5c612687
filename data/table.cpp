#include <tapegrad/data/table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/csv.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/rows.hpp>
#include <tapegrad/data/text_file.hpp>

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

void fill(Column& column, const std::vector<std::string>& values, const Table& table, const TableOptions& options) {
  const auto is_missing = [&](std::string_view v) {
    return std::ranges::find(options.missing, v) != options.missing.end();
  };
  std::ptrdiff_t bad = -1;  // the first value that is no number
  for (std::size_t i = 0; i < values.size() && bad < 0; ++i) {
    const std::string_view value = trimmed(values[i]);
    const std::optional<double> number = is_missing(value) ? kMissing : parse_number(value);
    if (number)
      column.numbers.push_back(*number);
    else
      bad = static_cast<std::ptrdiff_t>(i);
  }
  const auto given = options.types.find(column.name);
  column.type = given != options.types.end() ? given->second : bad < 0 ? ColumnType::number : ColumnType::category;
  if (column.type == ColumnType::number) {
    if (bad >= 0)
      throw IoError(fmt::format("{}: {} in the column {} is no number", table.where(bad),
                                in_quotes(values[static_cast<std::size_t>(bad)]), in_quotes(column.name)));
    return;
  }
  column.numbers.clear();
  std::set<std::string_view> seen;
  for (const std::string& value : values)
    if (const auto text = trimmed(value); !is_missing(text)) seen.insert(text);
  column.categories.assign(seen.begin(), seen.end());
  for (const std::string& value : values) {
    const std::string_view text = trimmed(value);
    const auto place =
        std::ranges::lower_bound(column.categories, text, {}, [](const std::string& s) { return std::string_view(s); });
    column.codes.push_back(is_missing(text) ? -1 : static_cast<std::int32_t>(place - column.categories.begin()));
  }
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
  CsvReader reader(text, path.string(), options.separator.value_or(guess_csv_separator(text)));
  Table table{path.string(), {}, {}};
  std::vector<std::string> fields;
  if (!reader.next(fields))
    throw IoError(fmt::format("{}: is empty; a table begins with its columns' names", table.source));
  for (const std::string& field : fields) {
    Column& column = table.columns.emplace_back();
    column.name = trimmed(field);
    for (const Column& other : table.columns)
      if (&other != &column && other.name == column.name)
        throw IoError(
            fmt::format("{}:{}: two columns are named {}", table.source, reader.line(), in_quotes(column.name)));
  }
  for (const auto& [name, type] : options.types) (void)table[name];  // it is there, or this says which are
  std::vector<std::vector<std::string>> values(table.columns.size());
  while (reader.next(fields)) {
    table.lines.push_back(reader.line());
    if (fields.size() != values.size())
      throw IoError(fmt::format("{}: a record of {} fields; the header has {}", table.where(table.size() - 1),
                                fields.size(), values.size()));
    for (std::size_t c = 0; c < fields.size(); ++c) values[c].push_back(std::move(fields[c]));
  }
  if (table.lines.empty()) throw IoError(fmt::format("{}: has a header and no records", table.source));
  for (std::size_t c = 0; c < values.size(); ++c) fill(table.columns[c], values[c], table, options);
  return table;
}

}  // namespace tapegrad::data
