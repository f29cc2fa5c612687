#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/data/table.hpp>
#include <tapegrad/data/text_file.hpp>

namespace tapegrad::data {
namespace {

constexpr std::string_view kKind = "table encoder";
constexpr int kVersion = 1;

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

// What codes_among() relies on.
bool is_sorted_set(const std::vector<std::string>& names) {
  return std::ranges::adjacent_find(names, std::ranges::greater_equal()) == names.end();
}

}  // namespace

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

std::vector<FeatureGroup> TableEncoder::groups() const {
  std::vector<FeatureGroup> groups;
  std::int64_t place = 0;
  for (const Feature& feature : features_) {
    if (feature.width() > 0) groups.push_back({feature.column, place, feature.width()});
    place += feature.width();
  }
  return groups;
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
    place += feature.width();
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

std::map<std::string, ColumnType> TableEncoder::types() const {
  std::map<std::string, ColumnType> types;
  for (const Feature& feature : features_) types[feature.column] = feature.type;
  return types;
}

void TableEncoder::save(const std::filesystem::path& path) const {
  nlohmann::ordered_json features = nlohmann::ordered_json::array();
  for (const Feature& f : features_) {
    if (f.type == ColumnType::number)
      features.push_back(
          {{"column", f.column}, {"mean", f.mean}, {"deviation", f.deviation}, {"marks_missing", f.marks_missing}});
    else
      features.push_back({{"column", f.column}, {"categories", f.categories}});
  }
  const nlohmann::ordered_json all = {
      {"kind", kKind}, {"version", kVersion}, {"target", target_}, {"classes", classes_}, {"features", features}};
  write_file(path, all.dump(2) + "\n");
}

TableEncoder TableEncoder::load(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  TableEncoder encoder;
  const auto require = [&](bool good, const std::string& what) {
    if (!good) throw IoError(fmt::format("{}: is no table encoder: {}", path.string(), what));
  };
  try {
    const nlohmann::json all = parse_json(text, path.string());
    require(all.at("kind") == kKind, "its kind is " + printable(all.at("kind").dump(), 60));
    require(all.at("version") == kVersion,
            fmt::format("its version is {}; this library reads {}", printable(all.at("version").dump(), 60), kVersion));
    all.at("target").get_to(encoder.target_);
    all.at("classes").get_to(encoder.classes_);
    require(is_sorted_set(encoder.classes_), "its classes are not sorted");
    for (const nlohmann::json& saved : all.at("features")) {
      Feature& f = encoder.features_.emplace_back();
      saved.at("column").get_to(f.column);
      f.type = saved.contains("categories") ? ColumnType::category : ColumnType::number;
      if (f.type == ColumnType::category) {
        saved.at("categories").get_to(f.categories);
        require(is_sorted_set(f.categories), fmt::format("the categories of {} are not sorted", in_quotes(f.column)));
        continue;
      }
      saved.at("mean").get_to(f.mean);
      saved.at("deviation").get_to(f.deviation);
      saved.at("marks_missing").get_to(f.marks_missing);
      require(f.deviation > 0, fmt::format("the deviation of {} is {}", in_quotes(f.column), f.deviation));
    }
  } catch (const nlohmann::json::exception& error) {
    require(false, printable(error.what(), 200));
  }
  return encoder;
}

}  // namespace tapegrad::data
