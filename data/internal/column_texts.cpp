// Texts in columns: label<TAB>text, and CSV.

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/csv.hpp>
#include <tapegrad/data/internal/labelled_sources.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/text_file.hpp>

namespace tapegrad::data {
namespace {

using Fields = std::vector<std::string>;

std::string text_column(const ReadOptions& options) { return options.text_column.value_or("text"); }
std::string label_column(const ReadOptions& options) { return options.label_column.value_or("label"); }

CsvReader csv_reader(const std::string& name, std::string_view content, const ReadOptions& options) {
  return CsvReader(content, name, options.separator.value_or(guess_csv_separator(content)));
}

/// The position of a column. Throws IoError if the header has it not once.
std::size_t find_column(const Fields& header, const std::string& column, const std::string& where) {
  const auto count = std::ranges::count(header, column);
  if (count == 1) return static_cast<std::size_t>(std::ranges::find(header, column) - header.begin());
  if (count > 1) throw IoError(fmt::format("{}: {} columns are named {}", where, count, in_quotes(column)));
  throw IoError(fmt::format("{}: no column {}; there are {}{}", where, in_quotes(column), list_in_quotes(header),
                            suggestion(column, header)));
}

}  // namespace

LabelledTexts read_label_tab_text(const std::filesystem::path& path, std::string_view content) {
  LabelledTextsBuilder builder;
  builder.begin_source(path.string());
  LineReader lines(content);
  for (std::string_view line; lines.next(line);) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) {
      throw IoError(fmt::format(
          "{}:{}: no tab; expected label<TAB>text on each line (or name the text and label columns of a CSV file)",
          path.string(), lines.number()));
    }
    builder.add(line.substr(0, tab), std::string(line.substr(tab + 1)), lines.number());
  }
  return std::move(builder).finish();
}

bool has_csv_columns(std::string_view content, const ReadOptions& options) {
  Fields header;
  try {
    if (!csv_reader("", content.substr(0, content.find('\n')), options).next(header)) return false;
  } catch (const IoError&) {
    return false;  // quotes, but not those of CSV
  }
  return std::ranges::count(header, text_column(options)) > 0 && std::ranges::count(header, label_column(options)) > 0;
}

LabelledTexts read_csv_texts(const std::filesystem::path& path, std::string_view content, const ReadOptions& options) {
  const std::string name = path.string();
  CsvReader csv = csv_reader(name, content, options);
  Fields header, fields;
  LabelledTextsBuilder builder;
  builder.begin_source(name);
  if (!csv.next(header)) return std::move(builder).finish();
  const std::string header_line = fmt::format("{}:{}", name, csv.line());
  const std::size_t text = find_column(header, text_column(options), header_line);
  const std::size_t label = find_column(header, label_column(options), header_line);
  if (text == label)
    throw ValueError(fmt::format("the column {} cannot be both text and label", in_quotes(header[text])));
  while (csv.next(fields)) {
    if (fields.size() != header.size()) {
      throw IoError(fmt::format(
          "{}:{}: the header names {} columns, this record has {}; a text with separators in it needs quotes", name,
          csv.line(), header.size(), fields.size()));
    }
    builder.add(fields[label], std::move(fields[text]), csv.line());
  }
  return std::move(builder).finish();
}

}  // namespace tapegrad::data
