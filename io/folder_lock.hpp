#pragma once
// One writer a folder.

#include <filesystem>
#include <tapegrad/core/language.hpp>

namespace tapegrad::io {

/// While it lives, no other FolderLock with this file exists, in this process or another; a process that dies gives its
/// locks up. On a file system that has no locks it locks nothing.
class FolderLock {
 public:
  /// `folder` is what messages name. IoError if the lock is held, which says by whom, or `file` cannot be made.
  FolderLock(std::filesystem::path file, const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace tapegrad::io
