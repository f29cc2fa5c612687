#pragma once
// The readers behind read_labelled_texts(), one for each kind of source.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tapegrad/data/internal/labelled_texts.hpp>
#include <tapegrad/data/string_table.hpp>
#include <vector>

namespace tapegrad::data {

/// Gathers texts whose classes become known on the way.
class LabelledTextsBuilder {
 public:
  /// Texts added from now on come from this source.
  void begin_source(std::string name);

  /// Throws IoError if the label is empty, has control characters or is not UTF-8. Blanks around it do not count.
  /// `line` as in Origin.
  void add(std::string_view label, std::string text, std::int64_t line);
  /// What add() would throw; nothing is kept.
  void check(std::string_view label, std::int64_t line) const;

  void note(std::string sentence) { gathered_.notes.push_back(std::move(sentence)); }

  std::int64_t size() const { return gathered_.size(); }

  /// With the classes in sorted order.
  LabelledTexts finish() &&;

 private:
  LabelledTexts gathered_;
  StringPool classes_;  // in order of appearance, which labels refer to until finish()
};

LabelledTexts read_label_tab_text(const std::filesystem::path& path, std::string_view content);
LabelledTexts read_csv_texts(const std::filesystem::path& path, std::string_view content, const ReadOptions& options);
LabelledTexts read_class_folders(const std::filesystem::path& folder);

/// Definitions of WordNet's nouns that are of ten kinds: each different one once. `path` is WordNet's file data.noun.
LabelledTexts read_wordnet(const std::filesystem::path& path);

/// Whether the header of a CSV text has both columns.
bool has_csv_columns(std::string_view content, const ReadOptions& options);

}  // namespace tapegrad::data
