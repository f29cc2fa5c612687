#include <tapegrad/data/table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/csv.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/internal/text_file.hpp>
#include <tapegrad/data/rows.hpp>

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

// The place of each value among `names`; -1 of one that is missing or not there.
std::vector<std::int32_t> codes_among(const Column& column, const std::vector<std::string>& names) {
  std::vector<std::int32_t> place;
  for (const std::string& category : column.categories) {
    const auto found = std::ranges::lower_bound(names, category);
    place.push_back(found != names.end() && *found == category ? static_cast<std::int32_t>(found - names.begin()) : -1);
  }
  std::vector<std::int32_t> codes = column.codes;
  for (std::int32_t& code : codes)
    if (code >= 0) code = place[static_cast<std::size_t>(code)];
  return codes;
}

std::vector<std::string> categories_in(const Column& column, std::span<const std::int64_t> rows) {
  std::set<std::string> seen;
  for (const std::int64_t row : rows)
    if (const std::int32_t code = column.codes[static_cast<std::size_t>(row)]; code >= 0)
      seen.insert(column.categories[static_cast<std::size_t>(code)]);
  return {seen.begin(), seen.end()};
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

TableEncoder::TableEncoder(const Table& table, std::string target, std::span<const std::int64_t> rows,
                           const Options& options)
    : target_(std::move(target)) {
  check_rows(rows, table.size());
  if (rows.empty()) throw ValueError("TableEncoder: there are no rows to learn from");
  if (table[target_].type == ColumnType::category) classes_ = categories_in(table[target_], rows);
  (void)targets(table, rows);
  std::vector<std::string> names = options.features;
  if (names.empty())
    for (const Column& column : table.columns)
      if (column.name != target_) names.push_back(column.name);
  for (const std::string& name : names) {
    const Column& column = table[name];
    Feature feature{name, column.type, 0, 1, false, {}};
    if (column.type == ColumnType::category) {
      feature.categories = categories_in(column, rows);
    } else {
      double sum = 0, squares = 0, count = 0;
      const auto each = [&](auto use) {
        for (const std::int64_t row : rows)
          if (const double x = column.numbers[static_cast<std::size_t>(row)]; !std::isnan(x)) use(x);
      };
      each([&](double x) { sum += x, ++count; });
      feature.marks_missing = count < static_cast<double>(rows.size());
      if (count > 0) feature.mean = sum / count;
      each([&](double x) { squares += (x - feature.mean) * (x - feature.mean); });
      // A column that never changes says nothing; it becomes 0.
      if (squares > 0) feature.deviation = std::sqrt(squares / count);
    }
    features_.push_back(std::move(feature));
  }
}

std::vector<std::string> TableEncoder::feature_names() const {
  std::vector<std::string> names;
  for (const Feature& feature : features_) {
    if (feature.type == ColumnType::number) names.push_back(feature.column);
    if (feature.marks_missing) names.push_back(feature.column + " missing");
    for (const std::string& category : feature.categories) names.push_back(feature.column + " = " + category);
  }
  return names;
}

Tensor TableEncoder::inputs(const Table& table, std::span<const std::int64_t> rows) const {
  check_rows(rows, table.size());
  const std::int64_t width = std::ssize(feature_names());
  Tensor inputs = zeros({std::ssize(rows), width});
  float* const first = inputs.mutable_data<float>().data();
  std::int64_t place = 0;
  for (const Feature& feature : features_) {
    const Column& column = table[feature.column];
    if (column.type != feature.type)
      throw ValueError(fmt::format("{}: the column {} holds {}, where it held {} in the training part", table.source,
                                   in_quotes(column.name),
                                   feature.type == ColumnType::number ? "categories" : "numbers",
                                   feature.type == ColumnType::number ? "numbers" : "categories"));
    const bool is_number = feature.type == ColumnType::number;
    const std::vector<std::int32_t> codes = codes_among(column, feature.categories);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float* const to = first + static_cast<std::int64_t>(i) * width + place;
      const auto row = static_cast<std::size_t>(rows[i]);
      if (!is_number) {
        if (codes[row] >= 0) to[codes[row]] = 1;
      } else if (const double x = column.numbers[row]; !std::isnan(x)) {
        *to = static_cast<float>((x - feature.mean) / feature.deviation);
      } else if (feature.marks_missing) {
        to[1] = 1;
      }
    }
    place += is_number ? 1 + feature.marks_missing : std::ssize(feature.categories);
  }
  return inputs;
}

Tensor TableEncoder::targets(const Table& table, std::span<const std::int64_t> rows) const {
  check_rows(rows, table.size());
  const Column& column = table[target_];
  const auto refuse = [&](std::int64_t row, const std::string& why) {
    throw ValueError(fmt::format("{}: the target {} {}", table.where(row), in_quotes(target_), why));
  };
  if (classes_.empty()) {
    Tensor targets = empty({std::ssize(rows), 1});
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto row = static_cast<std::size_t>(rows[i]);
      if (column.type != ColumnType::number) refuse(rows[i], "is no number");
      if (std::isnan(column.numbers[row])) refuse(rows[i], "is missing");
      targets.mutable_data<float>()[i] = static_cast<float>(column.numbers[row]);
    }
    return targets;
  }
  if (column.type != ColumnType::category)
    throw ValueError(
        fmt::format("{}: the target {} holds numbers, where it held categories in the training part; give "
                    "its type as a category",
                    table.source, in_quotes(target_)));
  const std::vector<std::int32_t> codes = codes_among(column, classes_);
  Tensor targets = empty({std::ssize(rows)}, i64);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    if (column.codes[row] < 0) refuse(rows[i], "is missing");
    if (codes[row] < 0)
      refuse(rows[i], fmt::format("is {}, which the training part does not have; it has {}",
                                  in_quotes(column.categories[static_cast<std::size_t>(column.codes[row])]),
                                  list_in_quotes(classes_)));
    targets.mutable_data<std::int64_t>()[i] = codes[row];
  }
  return targets;
}

TensorDataset TableEncoder::encode(const Table& table, std::span<const std::int64_t> rows) const {
  return TensorDataset(inputs(table, rows), targets(table, rows));
}

}  // namespace tapegrad::data
