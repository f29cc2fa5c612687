#include "rating_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>

namespace tapegrad::tools {
namespace {

constexpr std::string_view kUser = "user", kRating = "rating", kTime = "time";
constexpr double kSecondsAnHour = 3600;

data::Table read(const std::filesystem::path& path, const std::vector<std::string_view>& names,
                 const std::vector<std::string_view>& numbers) {
  data::TableOptions options{.missing = {""}};
  for (const std::string_view name : names) options.types[std::string(name)] = data::ColumnType::category;
  for (const std::string_view name : numbers) options.types[std::string(name)] = data::ColumnType::number;
  return data::read_table(path, options);
}

bool has(const data::Table& table, std::string_view name) {
  return std::ranges::find(table.columns, name, &data::Column::name) != table.columns.end();
}

[[noreturn]] void refuse(const data::Table& table, std::int64_t row, std::string_view column) {
  throw IoError(fmt::format("{}: the {} is missing", table.where(row), column));
}

/// Each of the names of a category as a column of its own: the one category "yes", or nothing.
void add_tags(const data::Column& column, std::vector<data::Column>& to) {
  std::map<std::string, data::Column> tags;
  for (std::size_t row = 0; row < column.codes.size(); ++row) {
    if (column.codes[row] < 0) continue;
    const std::string& names = column.categories[static_cast<std::size_t>(column.codes[row])];
    for (std::size_t begin = 0; begin <= names.size();) {
      const std::size_t end = std::min(names.find('|', begin), names.size());
      data::Column& tag = tags[column.name + " " + names.substr(begin, end - begin)];
      tag.codes.resize(column.codes.size(), -1);
      tag.codes[row] = 0;
      begin = end + 1;
    }
  }
  for (auto& [name, tag] : tags) {
    tag.name = name;
    tag.type = data::ColumnType::category;
    tag.categories = {"yes"};
    to.push_back(std::move(tag));
  }
}

/// The rows of `column` at `rows`, of which -1 is missing.
data::Column at_rows(const data::Column& column, const std::vector<std::int64_t>& rows) {
  data::Column taken{column.name, column.type, {}, {}, column.categories};
  for (const std::int64_t row : rows) {
    if (column.type == data::ColumnType::number)
      taken.numbers.push_back(row < 0 ? std::numeric_limits<double>::quiet_NaN()
                                      : column.numbers[static_cast<std::size_t>(row)]);
    else
      taken.codes.push_back(row < 0 ? -1 : column.codes[static_cast<std::size_t>(row)]);
  }
  return taken;
}

}  // namespace

RatingTable read_ratings(const std::filesystem::path& path, bool one_user) {
  std::vector<std::string_view> names{kItem};
  if (!one_user) names.insert(names.begin(), kUser);
  const data::Table table = read(path, names, {kRating});
  const data::Column& items = table[kItem];
  const data::Column& values = table[kRating];
  const data::Column* const users = one_user ? nullptr : &table[kUser];
  const data::Column* const times = has(table, kTime) ? &table[kTime] : nullptr;
  if (times && times->type != data::ColumnType::number)
    throw IoError(table.source + ": the column time holds words; it should hold seconds since 1970");
  RatingTable result{users ? users->categories : std::vector<std::string>{""}, items.categories, {}};
  std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> places;
  for (std::int64_t row = 0; row < table.size(); ++row) {
    const auto i = static_cast<std::size_t>(row);
    const Rating rating{users ? users->codes[i] : 0, items.codes[i], values.numbers[i],
                        times ? times->numbers[i] / kSecondsAnHour : 0};
    if (rating.user < 0) refuse(table, row, kUser);
    if (rating.item < 0) refuse(table, row, kItem);
    if (std::isnan(rating.value)) refuse(table, row, kRating);
    if (std::isnan(rating.hours)) refuse(table, row, kTime);
    const auto [place, is_new] = places.try_emplace({rating.user, rating.item}, result.ratings.size());
    if (is_new)
      result.ratings.push_back(rating);
    else
      result.ratings[place->second] = rating, ++result.repeated;
  }
  return result;
}

std::vector<std::string> number_by(const std::vector<std::string>& items, RatingTable& table) {
  std::vector<std::string> strange;
  std::vector<std::int32_t> places;
  for (const std::string& name : table.items) {
    const auto found = std::ranges::lower_bound(items, name);
    const bool is_known = found != items.end() && *found == name;
    places.push_back(is_known ? static_cast<std::int32_t>(found - items.begin()) : -1);
    if (!is_known) strange.push_back(name);
  }
  for (Rating& rating : table.ratings) rating.item = places[static_cast<std::size_t>(rating.item)];
  std::erase_if(table.ratings, [](const Rating& rating) { return rating.item < 0; });
  table.items = items;
  return strange;
}

void save_ratings(const std::filesystem::path& path, const RatingTable& table) {
  std::string text = fmt::format("{},{},{},{}\n", kUser, kItem, kRating, kTime);
  for (const Rating& r : table.ratings)
    text += data::csv_record(std::vector<std::string>{
        table.users[static_cast<std::size_t>(r.user)], table.items[static_cast<std::size_t>(r.item)],
        fmt::format("{}", r.value), fmt::format("{}", r.hours * kSecondsAnHour)});
  write_file(path, text);
}

data::Table item_table(const RatingTable& ratings, std::span<const Rating> counted, const std::string& path) {
  std::set<std::string> names(ratings.items.begin(), ratings.items.end());
  std::map<std::string, std::int64_t> known;
  std::vector<data::Column> columns;
  if (!path.empty()) {
    const data::Table file = read(path, {kItem}, {});
    const data::Column& items = file[kItem];
    for (std::int64_t row = 0; row < file.size(); ++row) {
      const std::int32_t code = items.codes[static_cast<std::size_t>(row)];
      if (code < 0) refuse(file, row, kItem);
      const std::string& name = items.categories[static_cast<std::size_t>(code)];
      if (const auto [before, is_new] = known.try_emplace(name, row); !is_new)
        throw IoError(fmt::format("{}: the item {} is in line {} already", file.where(row), name,
                                  file.lines[static_cast<std::size_t>(before->second)]));
    }
    names.insert(items.categories.begin(), items.categories.end());
    for (const data::Column& column : file.columns) {
      const bool has_tags =
          std::ranges::any_of(column.categories, [](const std::string& c) { return c.find('|') != c.npos; });
      if (column.name == kItem) continue;
      if (has_tags)
        add_tags(column, columns);
      else
        columns.push_back(column);
    }
  }
  data::Table table{path.empty() ? "the items" : path, {}, {}};
  data::Column item{std::string(kItem), data::ColumnType::category, {}, {}, {names.begin(), names.end()}};
  std::vector<std::int64_t> rows;
  std::map<std::string, double> counts;
  for (const Rating& r : counted) ++counts[ratings.items[static_cast<std::size_t>(r.item)]];
  data::Column popularity{"ratings", data::ColumnType::number, {}, {}, {}};
  for (const std::string& name : item.categories) {
    const auto found = known.find(name);
    rows.push_back(found == known.end() ? -1 : found->second);
    popularity.numbers.push_back(std::log1p(counts[name]));
    item.codes.push_back(static_cast<std::int32_t>(item.codes.size()));
    table.lines.push_back(std::ssize(table.lines) + 1);
  }
  table.columns = {std::move(item), std::move(popularity)};
  for (const data::Column& column : columns) table.columns.push_back(at_rows(column, rows));
  return table;
}

}  // namespace tapegrad::tools
