#pragma once
// What a folder holds.

#include <filesystem>
#include <vector>

namespace tapegrad::data {

struct FolderListing {
  std::vector<std::filesystem::path> folders, files;
};

/// Sorted by name, without what is hidden. Throws IoError.
FolderListing list_folder(const std::filesystem::path& folder);

}  // namespace tapegrad::data
