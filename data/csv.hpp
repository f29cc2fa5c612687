#pragma once
// Comma-separated values as in RFC 4180.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tapegrad::data {

/// Takes records off a CSV text: fields in quotes may hold separators, line breaks and doubled quotes; records end with
/// LF or CR LF; blank lines are skipped. A quote inside a field that does not begin with one stands for itself.
class CsvReader {
 public:
  /// `text` must outlive the reader. `name` is the file's, for messages. Throws ValueError if `separator` is a quote or
  /// a line break.
  explicit CsvReader(std::string_view text, std::string name = "CSV", char separator = ',');

  /// The next record, false at the end. Throws IoError, which names the line, on a quote that is never closed or is
  /// followed by anything but a separator or the end of the line.
  bool next(std::vector<std::string>& fields);

  /// The line, from 1, where the last record begins.
  std::int64_t line() const { return record_line_; }

 private:
  bool take(char c);
  bool take_line_break();
  bool at_field_end() const;
  void read_field(std::string& field);
  void read_quoted(std::string& field);

  std::string_view text_;
  std::string name_;
  char separator_;
  std::size_t position_ = 0;
  std::int64_t line_ = 1;
  std::int64_t record_line_ = 0;
};

/// One record with its line break; fields are quoted where they must be. CsvReader gives back the same fields.
std::string csv_record(std::span<const std::string> fields, char separator = ',');

/// Which of comma, semicolon and tab stands most often in the first line, outside quotes; comma if none does.
char guess_csv_separator(std::string_view text);

}  // namespace tapegrad::data
