#include <fmt/format.h>

#include <filesystem>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/folder_listing.hpp>
#include <tapegrad/data/internal/labelled_sources.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/text_file.hpp>

namespace tapegrad::data {
namespace {

namespace fs = std::filesystem;

struct Members {
  std::vector<fs::path> folders, texts;
  std::int64_t others = 0;
};

Members members_of(const fs::path& folder) {
  FolderListing all = list_folder(folder);
  Members members;
  members.folders = std::move(all.folders);
  for (const fs::path& path : all.files)
    if (path.extension() == ".txt")
      members.texts.push_back(path);
    else
      ++members.others;
  return members;
}

}  // namespace

LabelledTexts read_class_folders(const fs::path& folder) {
  constexpr std::string_view kUnlabelled = "unsup";
  LabelledTextsBuilder builder;
  const Members classes = members_of(folder);
  std::int64_t ignored = classes.others + std::ssize(classes.texts);
  for (const fs::path& one_class : classes.folders) {
    const std::string name = one_class.filename().string();
    if (name == kUnlabelled) {
      builder.note(fmt::format("{} holds texts without labels: left out", one_class.string()));
      continue;
    }
    const Members members = members_of(one_class);
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
