#pragma once
// Files that are there as a whole or not at all.

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace tapegrad {

/// Writes beside `path`; commit() puts it in place, on the disk before it is seen under its name, with the access
/// rights of the file that it replaces. Without commit() nothing has happened. A link stays a link. Something that is
/// no regular file (a pipe, a device) is simply written to. All functions throw IoError that names the file.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Once, after the last write.
  void commit();

 private:
  [[noreturn]] void fail(int error) const;
  void close_file();

  std::filesystem::path path_;       // as given, for messages
  std::filesystem::path target_;     // where links lead
  std::filesystem::path temporary_;  // empty when writing to the target itself
  int file_ = -1;
};

/// The same for content that is at hand.
void write_file(const std::filesystem::path& path, std::string_view content);

/// Puts what a folder lists onto the disk: the names that were made, changed and removed in it. IoError.
void sync_folder(const std::filesystem::path& folder);

/// Makes a folder, and those above it that are missing, on the disk too. IoError.
void make_folders(const std::filesystem::path& folder);

/// The folder that `path` lies in; "." for a name alone.
std::filesystem::path folder_of(const std::filesystem::path& path);

}  // namespace tapegrad
