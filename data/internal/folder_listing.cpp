#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/folder_listing.hpp>

namespace tapegrad::data {

namespace fs = std::filesystem;

FolderListing list_folder(const fs::path& folder) {
  FolderListing listing;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.filename().native().starts_with('.')) continue;
    std::error_code unreadable;  // a dangling link, say: left to the reading to complain of
    (entry->is_directory(unreadable) ? listing.folders : listing.files).push_back(path);
  }
  if (error) throw IoError(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  std::ranges::sort(listing.folders);
  std::ranges::sort(listing.files);
  return listing;
}

}  // namespace tapegrad::data
