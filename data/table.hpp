#pragma once
// Tables from CSV files (RFC 4180), and the numbers that models take of them.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/data/dataset.hpp>
#include <vector>

namespace tapegrad::data {

/// What quotes mean.
enum class Quoting {
  guess,  ///< as csv; IoError where a quoted field of several lines may be several records, of which one has a lone
          ///< quote
  csv,    ///< as in RFC 4180: fields in quotes may hold separators, line breaks and doubled quotes
  none    ///< nothing, as in many files that are separated by tabs
};

/// Takes records off a CSV text. They end with LF or CR LF or, in a text without any LF, with CR; blank lines are
/// skipped. A quote inside a field that does not begin with one stands for itself.
class CsvReader {
 public:
  static constexpr std::size_t kMostFields = 100'000;

  /// `text` must outlive the reader. `name` is the file's, for messages. Without a separator it is the one that a first
  /// line "sep=;" names, as spreadsheets write it, or else what guess_csv_separator() says. Throws ValueError if
  /// `separator` is a quote or a line break.
  explicit CsvReader(std::string_view text, std::string name = "CSV", std::optional<char> separator = ',',
                     Quoting quoting = Quoting::csv);

  /// The next record, false at the end. Throws IoError, which names the line, on a quote that is never closed or is
  /// followed by anything but a separator or the end of the line, on a CR that ends no line, and on more than
  /// kMostFields fields.
  bool next(std::vector<std::string>& fields);

  /// The line, from 1, where the last record begins.
  std::int64_t line() const { return record_line_; }

  using Line = std::span<const std::string_view>;
  /// Whether the last record, in quotes over several lines, may be a record a line instead: each line, quotes read as
  /// any character, has as many fields as the first record of the text, and is one by `is_record`.
  bool may_be_lines(const std::function<bool(Line)>& is_record) const;
  /// The IoError that then is called for.
  [[noreturn]] void refuse_lines() const;

 private:
  bool take(char c);
  bool take_line_break();
  bool at_field_end() const;
  void read_field(std::string& field);
  void read_quoted(std::string& field);
  [[noreturn]] void refuse(std::int64_t line, const std::string& why) const;

  std::string_view text_;
  std::string name_;
  char separator_;
  Quoting quoting_;
  char line_end_;
  std::size_t position_ = 0, record_begin_ = 0;
  std::size_t columns_ = 0;  // of the first record
  std::int64_t line_ = 1;
  std::int64_t record_line_ = 0;
};

/// One record with its line break; fields are quoted where they must be. CsvReader gives back the same fields.
std::string csv_record(std::span<const std::string> fields, char separator = ',');

/// Which of comma, semicolon and tab stands most often in the first line, outside quotes; comma if none does.
char guess_csv_separator(std::string_view text);

enum class ColumnType : std::uint8_t { number, category };

/// A column of a table.
struct Column {
  std::string name;
  ColumnType type = ColumnType::number;
  std::vector<double> numbers;          ///< of a column of numbers; NaN where a value is missing
  std::vector<std::int32_t> codes;      ///< of categories: an index of the names; -1 where a value is missing
  std::vector<std::string> categories;  ///< names, sorted by their bytes
};

/// Of read_table().
struct TableOptions {
  std::optional<char> separator = {};  ///< the one of , ; and tab that the header uses, if not given
  Quoting quoting = Quoting::guess;
  std::vector<std::string> missing = {"", "NA", "N/A", "NaN", "nan", "null", "?"};  ///< what stands for no value
  /// By column; a column that is not named holds numbers if all of its values are, categories if few are.
  std::map<std::string, ColumnType> types = {};
};

/// The records of a CSV file with a header, by columns.
struct Table {
  std::string source;
  std::vector<Column> columns;
  std::vector<std::int64_t> lines;  ///< where each row begins in the file

  std::int64_t size() const { return std::ssize(lines); }
  /// ValueError, which lists the columns, if there is none of that name.
  const Column& operator[](std::string_view name) const;
  /// "houses.csv:17", for messages.
  std::string where(std::int64_t row) const;
};

/// Throws IoError, which names the line, for a record that is longer or shorter than the header, a value that is no
/// number in a column that is said to hold numbers, or whose type is not given and nine in ten of whose values are
/// numbers, or are with a decimal comma, and a file without records; ValueError for a type of a column that is not
/// there. All of that is found before memory is taken for the values.
Table read_table(const std::filesystem::path& path, const TableOptions& options = {});

/// Features of one column, which stand side by side: a number, perhaps with the mark that it is missing; the
/// categories.
struct FeatureGroup {
  std::string name;  ///< the column's
  std::int64_t first = 0, count = 1;
};

/// Turns rows of tables into tensors, by what it has learned of a training part alone. A number becomes (x - mean) /
/// deviation, and 0 where it is missing; if some are missing in the training part, a further feature is 1 there. A
/// category becomes one feature for each that the training part has, of which one is 1; none where it is missing or
/// new.
class TableEncoder {
 public:
  /// Which columns are read.
  struct Options {
    std::vector<std::string> features = {};  ///< columns; all but the target if empty
  };
  /// Learns from `rows` of the table. ValueError, which names the line, if one of them has no target.
  TableEncoder(const Table& table, std::string target, std::span<const std::int64_t> rows, const Options& options);
  TableEncoder(const Table& table, std::string target, std::span<const std::int64_t> rows)
      : TableEncoder(table, std::move(target), rows, Options{}) {}

  /// Inputs f32 [N, features]; targets i64 [N] of a target that is a category, f32 [N, 1] of one that is a number.
  /// ValueError, which names the line, for a row without target, or with a category that the training part did not
  /// have.
  TensorDataset encode(const Table& table, std::span<const std::int64_t> rows) const;
  /// The inputs alone, of tables that need no target.
  Tensor inputs(const Table& table, std::span<const std::int64_t> rows) const;

  /// A name for each feature: "age", "age missing", "colour = red".
  std::vector<std::string> feature_names() const;
  /// The features' columns, in order. One that never had a category has no features, and is left out.
  std::vector<FeatureGroup> groups() const;
  const std::string& target() const { return target_; }
  /// Of a target that is a category; empty for a number.
  const std::vector<std::string>& class_names() const { return classes_; }
  /// Of the features' columns, for TableOptions: a further file may not have what tells them, such as a code
  /// with letters.
  std::map<std::string, ColumnType> types() const;

  /// Writes a JSON file of all that was learned, to be kept beside the weights of the model that it feeds. Throws
  /// IoError.
  void save(const std::filesystem::path& path) const;
  /// Throws IoError, which names the file, if it is anything else than what save() wrote.
  static TableEncoder load(const std::filesystem::path& path);

 private:
  struct Feature {
    std::string column;
    ColumnType type;
    double mean = 0, deviation = 1;
    bool marks_missing = false;
    std::vector<std::string> categories;

    std::int64_t width() const { return type == ColumnType::number ? 1 + marks_missing : std::ssize(categories); }
  };
  TableEncoder() = default;
  Tensor targets(const Table& table, std::span<const std::int64_t> rows) const;

  std::string target_;
  std::vector<Feature> features_;
  std::vector<std::string> classes_;
};

}  // namespace tapegrad::data
