#pragma once
// A folder that appears whole or not at all, after a crash of the machine too.

#include <filesystem>
#include <optional>
#include <string_view>
#include <tapegrad/io/folder_lock.hpp>

namespace tapegrad::tools {

/// begin() makes a hidden folder beside `target`, into which files are written and which commit() puts in its place.
/// Without a commit it goes away again, and what was there before stays. `target` is locked meanwhile.
class OutputFolder {
 public:
  /// Throws IoError when the target cannot be written, another process writes to it, or it holds something else than an
  /// earlier output: files are only replaced in a folder that is empty or contains `marker`.
  OutputFolder(std::filesystem::path target, std::string_view marker);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Where the output of a training that was stopped goes: it never takes the place of a complete one.
  static std::filesystem::path partial(const std::filesystem::path& target);

  void begin(bool is_partial);
  /// Where to write `name` now.
  std::filesystem::path path(std::string_view name) const { return work_ / name; }
  void write(std::string_view name, std::string_view content) const;
  /// Once all files are written. A complete output also removes the partial one.
  void commit();

 private:
  void replace(const std::filesystem::path& target) const;

  std::filesystem::path target_, work_;
  std::optional<io::FolderLock> lock_;
  bool is_partial_ = false, writing_ = false;
};

}  // namespace tapegrad::tools
