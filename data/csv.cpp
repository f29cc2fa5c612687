#include <tapegrad/data/csv.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <utility>

namespace tapegrad::data {

CsvReader::CsvReader(std::string_view text, std::string name, char separator)
    : text_(text), name_(std::move(name)), separator_(separator) {
  if (separator == '"' || separator == '\n' || separator == '\r') {
    throw ValueError(
        fmt::format("{} cannot separate the fields of a CSV file", in_quotes(std::string_view(&separator, 1))));
  }
}

bool CsvReader::next(std::vector<std::string>& fields) {
  while (take_line_break()) {
  }
  if (position_ == text_.size()) return false;
  record_line_ = line_;
  std::size_t used = 0;
  do {
    if (used == fields.size()) fields.emplace_back();
    read_field(fields[used++]);
  } while (take(separator_));
  fields.resize(used);
  take_line_break();
  return true;
}

bool CsvReader::take(char c) {
  if (position_ == text_.size() || text_[position_] != c) return false;
  ++position_;
  return true;
}

/// Takes LF, CR LF, or a CR at the very end.
bool CsvReader::take_line_break() {
  const std::string_view two = text_.substr(position_, 2);
  if (!two.starts_with('\n') && two != "\r\n" && two != "\r") return false;
  position_ += two.starts_with('\n') ? 1 : two.size();
  ++line_;
  return true;
}

bool CsvReader::at_field_end() const {
  const std::string_view two = text_.substr(position_, 2);
  return two.empty() || two[0] == separator_ || two[0] == '\n' || two == "\r\n" || two == "\r";
}

void CsvReader::read_field(std::string& field) {
  field.clear();
  if (take('"')) return read_quoted(field);
  const std::size_t begin = position_;
  while (!at_field_end()) ++position_;
  field = text_.substr(begin, position_ - begin);
}

void CsvReader::read_quoted(std::string& field) {
  const std::int64_t opening_line = line_;
  for (;;) {
    const std::size_t quote = text_.find('"', position_);
    if (quote == std::string_view::npos) {
      throw IoError(fmt::format("{}:{}: the quote that opens on this line is never closed", name_, opening_line));
    }
    const std::string_view part = text_.substr(position_, quote - position_);
    field += part;
    line_ += std::ranges::count(part, '\n');
    position_ = quote + 1;
    if (!take('"')) break;
    field += '"';
  }
  if (!at_field_end()) {
    throw IoError(
        fmt::format("{}:{}: text after the closing quote of a field; a quote inside quotes must be doubled (the field "
                    "opens on line {})",
                    name_, line_, opening_line));
  }
}

std::string csv_record(std::span<const std::string> fields, char separator) {
  const std::string special = {separator, '"', '\n', '\r'};
  std::string record;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) record += separator;
    // A lone empty field would be a blank line.
    if (fields[i].find_first_of(special) == std::string::npos && !(fields[i].empty() && fields.size() == 1)) {
      record += fields[i];
      continue;
    }
    record += '"';
    for (const char c : fields[i]) record.append(c == '"' ? 2 : 1, c);
    record += '"';
  }
  return record + '\n';
}

char guess_csv_separator(std::string_view text) {
  std::size_t commas = 0, semicolons = 0, tabs = 0;
  bool inside_quotes = false;
  for (const char c : text) {
    if (c == '"') inside_quotes = !inside_quotes;
    if (inside_quotes) continue;
    if (c == '\n') break;
    commas += c == ',';
    semicolons += c == ';';
    tabs += c == '\t';
  }
  if (commas >= semicolons && commas >= tabs) return ',';
  return tabs >= semicolons ? '\t' : ';';
}

}  // namespace tapegrad::data
