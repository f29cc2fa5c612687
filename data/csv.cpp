#include <tapegrad/data/table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/text_file.hpp>
#include <utility>

namespace tapegrad::data {

namespace {

/// The character X of a first line "sep=X".
std::optional<char> named_separator(std::string_view text) {
  constexpr std::string_view kHint = "sep=";
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  if (line.size() != kHint.size() + 1 || !line.starts_with(kHint)) return std::nullopt;
  return line.back();
}

}  // namespace

CsvReader::CsvReader(std::string_view text, std::string name, std::optional<char> separator, Quoting quoting)
    : text_(text),
      name_(std::move(name)),
      separator_(separator.value_or(',')),
      quoting_(quoting),
      line_end_(text.find('\n') == std::string_view::npos ? '\r' : '\n') {
  if (!separator) {
    const std::optional<char> named = named_separator(text);
    if (named) position_ = text_.find_first_of("\r\n");
    separator_ = named ? *named : guess_csv_separator(text);
    if (named && position_ != std::string_view::npos) take_line_break();
    position_ = std::min(position_, text_.size());
  }
  if (separator_ == '"' || separator_ == '\n' || separator_ == '\r') {
    throw ValueError(
        fmt::format("{} cannot separate the fields of a CSV file", in_quotes(std::string_view(&separator_, 1))));
  }
}

bool CsvReader::next(std::vector<std::string>& fields) {
  while (take_line_break()) {
  }
  if (position_ == text_.size()) return false;
  record_line_ = line_;
  record_begin_ = position_;
  std::size_t used = 0;
  do {
    if (used == kMostFields) refuse(record_line_, fmt::format("a record of more than {} fields", kMostFields));
    if (used == fields.size()) fields.emplace_back();
    read_field(fields[used++]);
  } while (take(separator_));
  fields.resize(used);
  if (columns_ == 0) columns_ = used;
  take_line_break();
  return true;
}

bool CsvReader::may_be_lines(const std::function<bool(Line)>& is_record) const {
  const std::string_view record = text_.substr(record_begin_, position_ - record_begin_);
  LineReader lines(record);
  std::vector<std::string_view> fields;
  for (std::string_view line; lines.next(line);) {
    fields.clear();
    for (std::size_t begin = 0, end = 0; end != std::string_view::npos && fields.size() <= columns_; begin = end + 1) {
      end = line.find(separator_, begin);
      fields.push_back(line.substr(begin, end == std::string_view::npos ? end : end - begin));
    }
    if (fields.size() != columns_ || !is_record(fields)) return false;
  }
  return lines.number() > 1;
}

void CsvReader::refuse_lines() const {
  refuse(record_line_,
         fmt::format("the quote that opens here closes on line {}, and each line up to there would be a record by "
                     "itself; read it without quoting (--quotes none) if quotes stand for themselves, or else with it "
                     "(--quotes csv)",
                     line_ - 1));
}

void CsvReader::refuse(std::int64_t line, const std::string& why) const {
  throw IoError(fmt::format("{}:{}: {}", name_, line, why));
}

bool CsvReader::take(char c) {
  if (position_ == text_.size() || text_[position_] != c) return false;
  ++position_;
  return true;
}

/// Takes LF, CR LF, or a CR at the very end.
bool CsvReader::take_line_break() {
  const std::string_view two = text_.substr(position_, 2);
  if (!two.starts_with(line_end_) && two != "\r\n" && two != "\r") return false;
  position_ += two.starts_with(line_end_) ? 1 : two.size();
  ++line_;
  return true;
}

bool CsvReader::at_field_end() const {
  const std::string_view two = text_.substr(position_, 2);
  return two.empty() || two[0] == separator_ || two[0] == line_end_ || two == "\r\n" || two == "\r";
}

void CsvReader::read_field(std::string& field) {
  field.clear();
  if (quoting_ != Quoting::none && take('"')) return read_quoted(field);
  const std::size_t begin = position_;
  for (; !at_field_end(); ++position_)
    if (text_[position_] == '\r')
      refuse(line_, "a carriage return (CR) inside a field without quotes; lines end with LF or CR LF");
  field = text_.substr(begin, position_ - begin);
}

void CsvReader::read_quoted(std::string& field) {
  const std::int64_t opening_line = line_;
  for (;;) {
    const std::size_t quote = text_.find('"', position_);
    if (quote == std::string_view::npos) refuse(opening_line, "the quote that opens on this line is never closed");
    const std::string_view part = text_.substr(position_, quote - position_);
    field += part;
    line_ += std::ranges::count(part, line_end_);
    position_ = quote + 1;
    if (!take('"')) break;
    field += '"';
  }
  if (!at_field_end()) {
    refuse(line_, fmt::format("text after the closing quote of a field; a quote inside quotes must be doubled (the "
                              "field opens on line {})",
                              opening_line));
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
    if (c == '\n' || c == '\r') break;
    commas += c == ',';
    semicolons += c == ';';
    tabs += c == '\t';
  }
  if (commas >= semicolons && commas >= tabs) return ',';
  return tabs >= semicolons ? '\t' : ';';
}

}  // namespace tapegrad::data
