#include "output_folder.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <system_error>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>

namespace tapegrad::tools {

namespace fs = std::filesystem;

namespace {

/// "out" for "out/".
fs::path without_slash(const fs::path& path) { return path.filename().empty() ? path.parent_path() : path; }

fs::path hidden_beside(const fs::path& target, const std::string& suffix) {
  return folder_of(target) / ("." + target.filename().string() + suffix);
}

fs::path set_aside(const fs::path& target) { return hidden_beside(target, ".old"); }

bool is_there(const fs::path& path) {
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  if (type == fs::file_type::none) throw IoError(path.string() + ": cannot be examined: " + error.message());
  return type != fs::file_type::not_found;
}

// Puts back what a replacement that a crash cut short has set aside.
void recover(const fs::path& target) {
  if (!is_there(target)) ::rename(set_aside(target).c_str(), target.c_str());
}

void require_replaceable(const fs::path& target, std::string_view marker) {
  if (!is_there(target)) return;
  std::error_code error;
  if (!fs::is_directory(target, error)) throw IoError(target.string() + ": is a file, not a folder; name another");
  const bool is_empty = fs::is_empty(target, error);
  if (error) throw IoError(target.string() + ": cannot be listed: " + error.message());
  if (!is_empty && !is_there(target / marker))
    throw IoError(target.string() + ": holds other files (no " + std::string(marker) +
                  "); name a new folder, or empty it first");
}

// What cannot be removed is in nobody's way.
void sweep(const fs::path& folder) noexcept {
  try {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace

fs::path OutputFolder::partial(const fs::path& target) { return without_slash(target) += ".partial"; }

OutputFolder::OutputFolder(fs::path target, std::string_view marker) : target_(without_slash(target)) {
  make_folders(folder_of(target_));
  lock_.emplace(hidden_beside(target_, ".lock"), target_);
  for (const fs::path& replaced : {target_, partial(target_)}) {
    recover(replaced);
    require_replaceable(replaced, marker);
  }
  work_ = hidden_beside(target_, ".part");
  sweep(work_);  // of a process that is no more, since the lock is ours
}

OutputFolder::~OutputFolder() {
  if (writing_) sweep(work_);
}

void OutputFolder::begin(bool is_partial) {
  is_partial_ = is_partial;
  writing_ = true;
  make_folders(work_);
}

void OutputFolder::write(std::string_view name, std::string_view content) const { write_file(path(name), content); }

void OutputFolder::replace(const fs::path& target) const {
  if (::rename(work_.c_str(), target.c_str()) == 0) return;
  // An exchange, so that at every moment the name leads to a whole folder: the old one or the new one.
  if (::renameat2(AT_FDCWD, work_.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
  int error = errno;
  // Some file systems have no exchange. A crash between the two moves is mended by the next OutputFolder.
  if (error == EINVAL || error == ENOSYS || error == ENOTSUP) {
    const fs::path old = set_aside(target);
    if (::rename(target.c_str(), old.c_str()) == 0) {
      if (::rename(work_.c_str(), target.c_str()) == 0) return;
      error = errno;
      ::rename(old.c_str(), target.c_str());
    }
  }
  throw IoError(target.string() + ": cannot be replaced: " + std::generic_category().message(error));
}

void OutputFolder::commit() {
  const fs::path target = is_partial_ ? partial(target_) : target_;
  sync_folder(work_);
  replace(target);
  sync_folder(folder_of(target_));
  // Only now is the new one sure to be there.
  writing_ = false;
  sweep(work_);
  sweep(set_aside(target));
  if (!is_partial_) sweep(partial(target_));
}

}  // namespace tapegrad::tools
