#include <tapegrad/io/folder_lock.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <tapegrad/core/error.hpp>
#include <utility>

namespace tapegrad::io {
namespace {

std::string this_process() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host.front() = '\0';
  return fmt::format("process {} on {}", ::getpid(), host.data());
}

/// What the holder has written into the file; nothing if it has not got that far.
std::string holder(int file) {
  std::array<char, 512> text{};
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  return got > 0 ? ", " + std::string(text.data(), static_cast<std::size_t>(got)) : "";
}

/// Whether `path` still leads to the open file: whoever held the lock has removed it otherwise.
bool leads_to(const std::filesystem::path& path, int file) {
  struct stat named {
  }, open{};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(file, &open) == 0 && named.st_ino == open.st_ino &&
         named.st_dev == open.st_dev;
}

}  // namespace

FolderLock::FolderLock(std::filesystem::path file, const std::filesystem::path& folder) : path_(std::move(file)) {
  bool locked = false;
  while (!locked) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0)
      throw IoError(
          fmt::format("{}: cannot be written to: {}", folder.string(), std::generic_category().message(errno)));
    const int error = ::flock(file_, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (error == EWOULDBLOCK) {
      const std::string by = holder(file_);
      ::close(file_);
      throw IoError(fmt::format("{}: another training{}, writes here; wait for its end, or name another folder",
                                folder.string(), by));
    }
    locked = error == 0 ? leads_to(path_, file_) : error != EINTR;
    if (!locked) ::close(file_);
  }
  // Only for the message: a disk that is full does not void the lock.
  const std::string text = this_process();
  if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, text.data(), text.size(), 0) < 0) return;
}

FolderLock::~FolderLock() {
  ::unlink(path_.c_str());
  ::close(file_);
}

}  // namespace tapegrad::io
