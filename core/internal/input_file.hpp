#pragma once
// Files from outside: the one place where the library opens them.

#include <cstdint>
#include <filesystem>
#include <string>

namespace tapegrad {

/// What bounds input whose size is not known beforehand. A regular file needs no limit: it is read as far as it goes.
struct InputLimits {
  std::uint64_t pipe = std::uint64_t{1} << 30;      ///< bytes that are read from one pipe
  std::uint64_t unpacked = std::uint64_t{4} << 30;  ///< bytes that one file packed by gzip or deflate may unpack to
};
/// Of the process; safe to call from any thread.
InputLimits input_limits();
void set_input_limits(const InputLimits& limits);

/// An open file. It is read, not mapped: one that another process cuts short is an error, not a signal. All functions
/// throw IoError that names the file.
class InputFile {
 public:
  enum class Accept { file, file_or_pipe };

  /// Opens a regular file or, if accepted, a pipe. Anything else (a folder, a device, a socket) is refused at once, and
  /// so is a pipe that no program writes to.
  explicit InputFile(const std::filesystem::path& path, Accept accept = Accept::file);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& name() const { return name_; }
  /// Of a regular file; 0 of a pipe.
  std::uint64_t size() const { return size_; }

  /// Bytes of a regular file. The caller has checked that they are there.
  void read(void* to, std::uint64_t bytes, std::uint64_t offset) const;
  std::string read(std::uint64_t bytes, std::uint64_t offset) const;

  /// All of it; of a pipe, what comes until its writers close it, at most input_limits().pipe.
  std::string read_all() const;

  /// "NAME: cannot read the file: WHY"
  [[noreturn]] void fail(const std::string& why) const;

 private:
  std::string read_pipe() const;

  std::string name_;
  int file_ = -1;
  bool is_pipe_ = false;
  std::uint64_t size_ = 0;
};

/// The content of a small file that other programs may have written: IoError if it has more than `most` bytes.
std::string read_file(const std::filesystem::path& path, std::uint64_t most);

}  // namespace tapegrad
