#pragma once
// Sets of pictures in IDX files, and the one that Debian ships.

#include <filesystem>
#include <string>
#include <tapegrad/data/images.hpp>
#include <vector>

namespace tapegrad::tools {

inline constexpr const char* kFashion = "/usr/share/datasets/fashion-mnist";
const std::vector<std::string>& fashion_classes();

/// The file, packed or not; IoError, which says where Debian's set comes from, if it is missing.
std::filesystem::path find_idx(const std::string& folder, const std::string& name);
/// "train" or "t10k".
data::ImageDataset read_idx_part(const std::string& folder, const std::string& part, std::int64_t classes);

}  // namespace tapegrad::tools
