#pragma once
// A regular file that is read at any place.

#include <cstdint>
#include <filesystem>
#include <string>

namespace tapegrad::io {

/// Read, not mapped: a file that another process cuts short is then an error, not a signal. All functions throw IoError
/// that names the file.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }

  /// The caller has checked that they are there.
  void read(void* to, std::uint64_t bytes, std::uint64_t offset) const;
  std::string read(std::uint64_t bytes, std::uint64_t offset) const;

 private:
  [[noreturn]] void fail(const std::string& why) const;

  std::string name_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace tapegrad::io
