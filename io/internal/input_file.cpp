#include <tapegrad/io/internal/input_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <tapegrad/core/error.hpp>

namespace tapegrad::io {

InputFile::InputFile(const std::filesystem::path& path) : name_(path.string()) {
  if (name_.find('\0') != std::string::npos) fail("its name has a NUL");
  // A pipe without a writer would otherwise block.
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) fail(std::generic_category().message(errno));
  struct stat status {};
  const bool known = ::fstat(file_, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    return;
  }
  ::close(file_);
  fail(known && S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file");
}

InputFile::~InputFile() { ::close(file_); }

void InputFile::read(void* to, std::uint64_t bytes, std::uint64_t offset) const {
  auto* out = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = ::pread(file_, out, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::generic_category().message(errno));
    if (got == 0) fail("it became shorter while it was read");
    out += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::uint64_t>(got);
  }
}

std::string InputFile::read(std::uint64_t bytes, std::uint64_t offset) const {
  std::string text(bytes, '\0');
  read(text.data(), bytes, offset);
  return text;
}

void InputFile::fail(const std::string& why) const {
  throw IoError(fmt::format("{}: cannot read the file: {}", name_, why));
}

}  // namespace tapegrad::io
