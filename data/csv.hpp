#pragma once
// Comma-separated values as in RFC 4180.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

}  // namespace tapegrad::data
