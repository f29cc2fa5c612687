#pragma once
// A folder that appears whole or not at all.

#include <filesystem>
#include <string>
#include <string_view>

namespace tapegrad::tools {

/// Files are written into a hidden folder beside `target`, which commit() puts in its place. Without a commit it goes
/// away again, and what was there before stays.
class OutputFolder {
 public:
  /// Throws IoError when the target cannot be written, or holds something else than an earlier output: files are only
  /// replaced in a folder that is empty or contains `marker`.
  OutputFolder(std::filesystem::path target, std::string_view marker);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Where to write `name` now.
  std::filesystem::path path(std::string_view name) const { return work_ / name; }
  void write(std::string_view name, std::string_view content) const;
  void commit();

 private:
  std::filesystem::path target_, work_;
  bool committed_ = false;
};

}  // namespace tapegrad::tools
