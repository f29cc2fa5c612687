// Texts in columns: label<TAB>text, and CSV.

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/labelled_sources.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/table.hpp>
#include <tapegrad/data/text_file.hpp>
#include <unordered_set>

namespace tapegrad::data {
namespace {

using Fields = std::vector<std::string>;

std::string text_column(const ReadOptions& options) { return options.text_column.value_or("text"); }
std::string label_column(const ReadOptions& options) { return options.label_column.value_or("label"); }

CsvReader csv_reader(const std::string& name, std::string_view content, const ReadOptions& options) {
  return CsvReader(content, name, options.separator, options.quoting);
}

/// The position of a column. Throws IoError if the header has it not once.
std::size_t find_column(const Fields& header, const std::string& column, const std::string& where) {
  const auto count = std::ranges::count(header, column);
  if (count == 1) return static_cast<std::size_t>(std::ranges::find(header, column) - header.begin());
  if (count > 1) throw IoError(fmt::format("{}: {} columns are named {}", where, count, in_quotes(column)));
  throw IoError(fmt::format("{}: no column {}; there are {}{}", where, in_quotes(column), list_in_quotes(header),
                            suggestion(column, header)));
}

/// Calls use(label, text, line) with each line label<TAB>text.
template <class Use>
void for_lines(const std::string& name, std::string_view content, Use use) {
  LineReader lines(content);
  for (std::string_view line; lines.next(line);) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    const auto refuse = [&](const char* why) { throw IoError(fmt::format("{}:{}: {}", name, lines.number(), why)); };
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos)
      refuse("no tab; expected label<TAB>text on each line (or name the text and label columns of a CSV file)");
    if (line.find('\r') != std::string_view::npos)
      refuse("a carriage return (CR) inside the line; lines end with LF, CR LF, or all with CR");
    use(line.substr(0, tab), line.substr(tab + 1), lines.number());
  }
}

/// IoError if the first line looks like the names of columns: its label is of no other line, and each other label is of
/// several.
void refuse_header(const LabelledTexts& texts) {
  constexpr std::int64_t kEnoughToTell = 10;
  if (texts.size() < kEnoughToTell || texts.class_names.size() < 3) return;
  std::vector<std::int64_t> count(texts.class_names.size());
  for (const std::int32_t label : texts.labels) ++count[static_cast<std::size_t>(label)];
  const auto first = static_cast<std::size_t>(texts.labels[0]);
  if (count[first] != 1 || std::ranges::count(count, 1) != 1) return;
  throw IoError(
      fmt::format("{}: the label {} is of this line alone, which may be a header; name the text and label "
                  "columns, or leave the line out",
                  texts.where(0), in_quotes(texts.class_names[first])));
}

struct Columns {
  std::size_t text, label;
};

/// Calls use(fields, reader) with each record.
template <class Use>
void for_records(const std::string& name, std::string_view content, const ReadOptions& options, Use use) {
  CsvReader csv = csv_reader(name, content, options);
  Fields header, fields;
  if (!csv.next(header)) return;
  const std::string header_line = fmt::format("{}:{}", name, csv.line());
  const Columns columns{find_column(header, text_column(options), header_line),
                        find_column(header, label_column(options), header_line)};
  if (columns.text == columns.label)
    throw ValueError(fmt::format("the column {} cannot be both text and label", in_quotes(header[columns.text])));
  while (csv.next(fields)) {
    if (fields.size() != header.size()) {
      throw IoError(fmt::format(
          "{}:{}: the header names {} columns, this record has {}; a text with separators in it needs quotes", name,
          csv.line(), header.size(), fields.size()));
    }
    use(fields, columns, csv);
  }
}

/// IoError where a quoted text over several lines has the label of another record at the place of the label in each.
void refuse_lone_quotes(const std::string& name, std::string_view content, const ReadOptions& options) {
  if (options.quoting != Quoting::guess) return;
  std::unordered_set<std::string> labels;
  bool doubtful = false;
  const auto any = [](CsvReader::Line) { return true; };
  for_records(name, content, options, [&](const Fields& fields, const Columns& columns, const CsvReader& csv) {
    doubtful |= csv.may_be_lines(any);
    labels.insert(fields[columns.label]);
  });
  if (!doubtful) return;
  for_records(name, content, options, [&](const Fields&, const Columns& columns, const CsvReader& csv) {
    const auto has_label = [&](CsvReader::Line line) { return labels.contains(std::string(line[columns.label])); };
    if (csv.may_be_lines(has_label)) csv.refuse_lines();
  });
}

}  // namespace

// Both readers first look at all of a file, and take memory for its texts when nothing can go wrong any more.

LabelledTexts read_label_tab_text(const std::filesystem::path& path, std::string_view content) {
  LabelledTextsBuilder builder;
  builder.begin_source(path.string());
  for_lines(path.string(), content,
            [&](std::string_view label, std::string_view, std::int64_t line) { builder.check(label, line); });
  for_lines(path.string(), content, [&](std::string_view label, std::string_view text, std::int64_t line) {
    builder.add(label, std::string(text), line);
  });
  LabelledTexts texts = std::move(builder).finish();
  refuse_header(texts);
  return texts;
}

bool has_csv_columns(std::string_view content, const ReadOptions& options) {
  Fields header;
  std::size_t header_end = content.find_first_of("\r\n");
  if (content.starts_with("sep="))
    header_end = content.find_first_of("\r\n", content.find_first_not_of("\r\n", header_end));
  try {
    if (!csv_reader("", content.substr(0, header_end), options).next(header)) return false;
  } catch (const IoError&) {
    return false;  // quotes, but not those of CSV
  }
  return std::ranges::count(header, text_column(options)) > 0 && std::ranges::count(header, label_column(options)) > 0;
}

LabelledTexts read_csv_texts(const std::filesystem::path& path, std::string_view content, const ReadOptions& options) {
  const std::string name = path.string();
  LabelledTextsBuilder builder;
  builder.begin_source(name);
  for_records(name, content, options, [&](const Fields& fields, const Columns& columns, const CsvReader& csv) {
    builder.check(fields[columns.label], csv.line());
  });
  refuse_lone_quotes(name, content, options);
  for_records(name, content, options, [&](Fields& fields, const Columns& columns, const CsvReader& csv) {
    builder.add(fields[columns.label], std::move(fields[columns.text]), csv.line());
  });
  return std::move(builder).finish();
}

}  // namespace tapegrad::data
