#include <tapegrad/core/internal/atomic_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <tapegrad/core/error.hpp>
#include <utility>

namespace tapegrad {

namespace fs = std::filesystem;

void AtomicFile::fail(int error) const {
  throw IoError(fmt::format("{}: cannot write the file: {}", path_.string(), std::generic_category().message(error)));
}

AtomicFile::AtomicFile(const fs::path& path) : path_(path), target_(path) {
  static std::atomic<unsigned> serial = 0;
  if (path.empty() || path.native().find('\0') != std::string::npos) fail(ENOENT);
  struct stat old {};
  const bool replaces = ::stat(path.c_str(), &old) == 0;
  if (replaces && S_ISDIR(old.st_mode)) fail(EISDIR);
  if (replaces && !S_ISREG(old.st_mode)) {
    file_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file_ < 0) fail(errno);
    return;
  }
  if (replaces) {
    std::error_code error;
    target_ = fs::canonical(path, error);
    if (error) fail(error.value());
  }
  // Not the target's own name with a suffix: that may be too long already.
  do {
    temporary_ = target_.parent_path() / fmt::format(".tapegrad-{}-{}.tmp", ::getpid(), serial++);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file_ < 0 && errno == EEXIST);
  if (file_ < 0) {
    const int error = errno;
    temporary_.clear();
    fail(error);
  }
  ::flock(file_, LOCK_EX | LOCK_NB);  // tells those who sweep up that its writer lives
  if (replaces && ::fchmod(file_, old.st_mode & 07777) != 0) {
    const int error = errno;
    ::close(file_);
    ::unlink(temporary_.c_str());
    fail(error);
  }
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  const auto* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(file_, from, bytes);
    if (written < 0 && errno != EINTR) fail(errno);
    if (written > 0) {
      from += written;
      bytes -= static_cast<std::size_t>(written);
    }
  }
}

void AtomicFile::close_file() {
  if (::close(std::exchange(file_, -1)) != 0) fail(errno);
}

void AtomicFile::commit() {
  if (temporary_.empty()) return close_file();
  if (::fsync(file_) != 0) fail(errno);
  close_file();
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  temporary_.clear();
  sync_folder(folder_of(target_));  // the new name is on the disk once its folder is
}

void write_file(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void sync_folder(const fs::path& folder) {
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = handle < 0 || ::fsync(handle) != 0 ? errno : 0;
  if (handle >= 0) ::close(handle);
  // There are file systems that cannot do it, and folders that may be written to but not be read.
  if (error == EINVAL || error == ENOTSUP || error == ENOSYS || error == EACCES) error = 0;
  if (error)
    throw IoError(fmt::format("{}: the folder cannot be put onto the disk: {}", folder.string(),
                              std::generic_category().message(error)));
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

void make_folders(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return;
  if (folder.has_parent_path() && folder.filename().empty()) return make_folders(folder.parent_path());  // "folder/"
  if (folder.has_parent_path()) make_folders(folder.parent_path());
  if (::mkdir(folder.c_str(), 0777) != 0) {
    const int error = errno;
    if (error == EEXIST && fs::is_directory(folder, ignored)) return;  // another process was quicker
    throw IoError(
        fmt::format("{}: cannot be made a folder: {}", folder.string(), std::generic_category().message(error)));
  }
  sync_folder(folder_of(folder));
}

}  // namespace tapegrad
