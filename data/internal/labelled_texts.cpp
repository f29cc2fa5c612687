#include <tapegrad/data/internal/labelled_texts.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/labelled_sources.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/text_file.hpp>
#include <utility>

namespace tapegrad::data {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool has_folders(const fs::path& path) {
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    if (is_folder(entry->path())) return true;
  }
  return false;
}

/// A folder `train` may be a class of that name; with folders inside, it is none.
bool has_parts(const fs::path& folder) { return has_folders(folder / "train"); }

/// Folders beside `train` and `test`, for the user to know of.
std::vector<std::string> other_parts(const fs::path& folder) {
  std::vector<std::string> others;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name != "train" && name != "test" && !name.starts_with('.') && is_folder(entry.path())) others.push_back(name);
  }
  std::ranges::sort(others);
  return others;
}

LabelledTexts read_file(const fs::path& path, const ReadOptions& options) {
  const std::string content = read_text_file(path);
  if (content.empty()) throw IoError(fmt::format("{} is empty", path.string()));
  const bool is_csv =
      path.extension() == ".csv" || options.text_column || options.label_column || has_csv_columns(content, options);
  return is_csv ? read_csv_texts(path, content, options) : read_label_tab_text(path, content);
}

LabelledTexts read_one_part(const std::string& source, const ReadOptions& options) {
  constexpr std::string_view kWordnet = "wordnet:";
  LabelledTexts result;
  if (source.starts_with(kWordnet)) {
    const std::string path = source.substr(kWordnet.size());
    result = read_wordnet(path.empty() ? "/usr/share/wordnet/data.noun" : path);
  } else {
    result = is_folder(source) ? read_class_folders(source) : read_file(source, options);
  }
  if (result.size() == 0) throw IoError(fmt::format("{} has no labelled text", source));
  return result;
}

void check_can_be_learned(const LabelledTexts& texts, const std::string& source) {
  constexpr std::int64_t kEnoughToTell = 10;
  const std::int64_t classes = std::ssize(texts.class_names);
  if (classes == 1) {
    throw ValueError(fmt::format("{}: every text has the label {}; a classifier needs two classes at least", source,
                                 in_quotes(texts.class_names[0])));
  }
  if (classes == texts.size() && classes >= kEnoughToTell) {
    throw ValueError(fmt::format(
        "{}: each of the {} texts has a label of its own, as {} at {}; is the label in another column?", source,
        texts.size(), in_quotes(texts.class_names[static_cast<std::size_t>(texts.labels[0])]), texts.where(0)));
  }
}

/// Makes the labels indices of `class_names`.
void adopt_classes(LabelledTexts& texts, std::span<const std::string> class_names) {
  std::vector<std::int32_t> renumbered;
  for (const std::string& name : texts.class_names) {
    const auto found = std::ranges::find(class_names, name);
    renumbered.push_back(found == class_names.end() ? -1 : static_cast<std::int32_t>(found - class_names.begin()));
  }
  for (std::int64_t row = 0; row < texts.size(); ++row) {
    std::int32_t& label = texts.labels[static_cast<std::size_t>(row)];
    const std::string& name = texts.class_names[static_cast<std::size_t>(label)];
    label = renumbered[static_cast<std::size_t>(label)];
    if (label >= 0) continue;
    throw ValueError(fmt::format("{}: the label {} is not among the classes learned, {}{}", texts.where(row),
                                 in_quotes(name), list_in_quotes(class_names), suggestion(name, class_names)));
  }
  texts.class_names.assign(class_names.begin(), class_names.end());
}

}  // namespace

std::string LabelledTexts::where(std::int64_t row) const {
  if (row < 0 || row >= std::ssize(origins)) {
    throw IndexError(fmt::format("row {} is outside a data set of {} rows", row, origins.size()));
  }
  const Origin& origin = origins[static_cast<std::size_t>(row)];
  const std::string& source = sources[static_cast<std::size_t>(origin.source)];
  return origin.line == 0 ? source : fmt::format("{}:{}", source, origin.line);
}

TrainAndTest read_labelled_texts(const std::string& source, const ReadOptions& options) {
  const bool parts = has_parts(source);
  const std::string train_source = parts ? (fs::path(source) / "train").string() : source;
  TrainAndTest result{read_one_part(train_source, options), std::nullopt};
  check_can_be_learned(result.train, train_source);
  if (!parts) return result;
  const fs::path test_source = fs::path(source) / "test";
  if (is_folder(test_source)) {
    result.test = read_test_texts(test_source.string(), result.train.class_names, options);
  }
  if (const std::vector<std::string> others = other_parts(source); !others.empty()) {
    result.train.notes.push_back(fmt::format("folders beside train and test, left out: {}", list_in_quotes(others)));
  }
  return result;
}

LabelledTexts read_test_texts(const std::string& source, std::span<const std::string> class_names,
                              const ReadOptions& options) {
  const std::string part = has_parts(source) ? (fs::path(source) / "test").string() : source;
  LabelledTexts texts = read_one_part(part, options);
  adopt_classes(texts, class_names);
  return texts;
}

}  // namespace tapegrad::data
