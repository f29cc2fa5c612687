#include <tapegrad/core/internal/input_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <tapegrad/core/error.hpp>

namespace tapegrad {
namespace {

std::atomic<std::uint64_t> pipe_limit{InputLimits{}.pipe}, unpacked_limit{InputLimits{}.unpacked};

std::string message_of(int error) { return std::generic_category().message(error); }

}  // namespace

InputLimits input_limits() { return {pipe_limit.load(), unpacked_limit.load()}; }

void set_input_limits(const InputLimits& limits) {
  pipe_limit = limits.pipe;
  unpacked_limit = limits.unpacked;
}

InputFile::InputFile(const std::filesystem::path& path, Accept accept) : name_(path.string()) {
  if (name_.find('\0') != std::string::npos) fail("its name has a NUL");
  // A pipe without a writer would otherwise block.
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file_ < 0) fail(message_of(errno));
  struct stat status {};
  const bool known = ::fstat(file_, &status) == 0;
  is_pipe_ = known && S_ISFIFO(status.st_mode) && accept == Accept::file_or_pipe;
  if (is_pipe_) return;
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
    if (got < 0) fail(message_of(errno));
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

std::string InputFile::read_all() const { return is_pipe_ ? read_pipe() : read(size_, 0); }

std::string InputFile::read_pipe() const {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kForAWriter{5};  // a program that was started along with this one
  constexpr std::size_t kChunk = 1 << 16;
  const std::uint64_t most = input_limits().pipe;
  const auto begin = Clock::now();
  bool has_writer = false;
  std::string content;
  for (;;) {
    const std::size_t before = content.size();
    content.resize(before + kChunk);
    const ssize_t got = ::read(file_, content.data() + before, kChunk);
    const int error = errno;
    content.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (content.size() > most)
      fail(fmt::format("more than {} bytes came out of the pipe; save them as a file, or raise the limit", most));
    if (got > 0 || (got < 0 && error == EAGAIN)) has_writer = true;
    if (got < 0 && error != EAGAIN && error != EINTR) fail(message_of(error));
    if (got == 0 && has_writer) return content;
    if (got == 0 && Clock::now() - begin > kForAWriter) fail("it is a pipe that no program writes to");
    pollfd ready{file_, POLLIN, 0};
    if (got <= 0) ::poll(&ready, 1, got == 0 ? 10 : -1);
  }
}

void InputFile::fail(const std::string& why) const {
  throw IoError(fmt::format("{}: cannot read the file: {}", name_, why));
}

std::string read_file(const std::filesystem::path& path, std::uint64_t most) {
  const InputFile file(path);
  if (file.size() > most) file.fail(fmt::format("it has {} bytes; {} are allowed", file.size(), most));
  return file.read_all();
}

}  // namespace tapegrad
