#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/labelled_sources.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/text_file.hpp>

namespace tapegrad::data {
namespace {

namespace fs = std::filesystem;

struct Listing {
  std::vector<fs::path> folders, texts;
  std::int64_t others = 0;
};

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

/// What a folder holds, sorted by name.
Listing list(const fs::path& folder) {
  Listing listing;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    if (is_hidden(path)) continue;
    std::error_code unreadable;  // a dangling link, say: left to the reading to complain of
    if (entry->is_directory(unreadable)) {
      listing.folders.push_back(path);
    } else if (path.extension() == ".txt") {
      listing.texts.push_back(path);
    } else {
      ++listing.others;
    }
  }
  if (error) throw IoError(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  std::ranges::sort(listing.folders);
  std::ranges::sort(listing.texts);
  return listing;
}

}  // namespace

LabelledTexts read_class_folders(const fs::path& folder) {
  constexpr std::string_view kUnlabelled = "unsup";
  LabelledTextsBuilder builder;
  const Listing classes = list(folder);
  std::int64_t ignored = classes.others + std::ssize(classes.texts);
  for (const fs::path& one_class : classes.folders) {
    const std::string name = one_class.filename().string();
    if (name == kUnlabelled) {
      builder.note(fmt::format("{} holds texts without labels: left out", one_class.string()));
      continue;
    }
    const Listing members = list(one_class);
    ignored += members.others + std::ssize(members.folders);
    if (members.texts.empty()) {
      throw IoError(fmt::format("{} has no .txt file; expected one folder per class, which holds the class's texts",
                                one_class.string()));
    }
    for (const fs::path& path : members.texts) {
      builder.begin_source(path.string());
      builder.add(name, read_text_file(path), 0);
    }
  }
  if (builder.size() == 0) {
    throw IoError(fmt::format("{} has no folder with .txt files; expected one folder per class", folder.string()));
  }
  if (ignored > 0) builder.note(fmt::format("other files and folders in {}, left out: {}", folder.string(), ignored));
  return std::move(builder).finish();
}

}  // namespace tapegrad::data
