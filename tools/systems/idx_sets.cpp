#include "idx_sets.hpp"

#include <tapegrad/core/error.hpp>

namespace tapegrad::tools {

namespace fs = std::filesystem;

const std::vector<std::string>& fashion_classes() {
  static const std::vector<std::string> names{"t-shirt", "trouser", "pullover", "dress", "coat",
                                              "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};
  return names;
}

fs::path find_idx(const std::string& folder, const std::string& name) {
  for (const char* suffix : {".gz", ""})
    if (fs::path path = fs::path(folder) / (name + suffix); fs::exists(path)) return path;
  throw IoError((fs::path(folder) / name).string() + ".gz: is missing" +
                (folder == kFashion ? "; it comes with Debian's package dataset-fashion-mnist" : ""));
}

data::ImageDataset read_idx_part(const std::string& folder, const std::string& part, std::int64_t classes) {
  return data::read_idx_images(find_idx(folder, part + "-images-idx3-ubyte"),
                               find_idx(folder, part + "-labels-idx1-ubyte"), classes, {});
}

}  // namespace tapegrad::tools
