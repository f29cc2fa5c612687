#pragma once
// The readers of files from outside, each with a file that it reads.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tapegrad::hostile {

struct Reader {
  std::string name;
  std::string suffix;  ///< of its files
  std::function<void(const std::filesystem::path&)> read;
  std::string sample;  ///< the content of a file that is right
  bool takes_pipes = false;
  /// Whether a part of a right file, or one with a byte changed, may be right too.
  bool is_text = false;
};

const std::vector<Reader>& readers();
const Reader& reader(std::string_view name);

}  // namespace tapegrad::hostile
