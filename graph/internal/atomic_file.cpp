#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/internal/atomic_file.hpp>

namespace tapegrad::graph {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, int error) {
  throw IoError(fmt::format("{}: cannot write the file: {}", path.string(), std::strerror(error)));
}

int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno != EINTR) return errno;
    if (written > 0) content.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// Opens, writes, closes; 0 or the error.
int write_to(const fs::path& path, int flags, std::string_view content) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666);
  if (fd < 0) return errno;
  const int error = write_all(fd, content);
  const int closed = ::close(fd) == 0 ? 0 : errno;
  return error != 0 ? error : closed;
}

}  // namespace

void write_file(const fs::path& path, std::string_view content) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) fail(path, EISDIR);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    if (const int error = write_to(path, 0, content); error != 0) fail(path, error);
    return;
  }
  // A link stays a link, to a new file.
  const fs::path target = fs::exists(status) ? fs::canonical(path, ignored) : path;
  for (int attempt = 0;; ++attempt) {
    fs::path temporary = target;
    temporary += fmt::format(".{}.{}.tmp", ::getpid(), attempt);
    int error = write_to(temporary, O_CREAT | O_EXCL, content);
    if (error == EEXIST && attempt < 100) continue;
    if (error == 0 && ::rename(temporary.c_str(), target.c_str()) != 0) error = errno;
    if (error == 0) return;
    if (error != EEXIST) ::unlink(temporary.c_str());
    fail(path, error);
  }
}

}  // namespace tapegrad::graph
