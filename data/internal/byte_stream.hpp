#pragma once
// Files of bytes, as they are or packed by gzip.

#include <cstddef>
#include <filesystem>
#include <string>

namespace tapegrad::data {

/// Reads a file from its beginning. Content that gzip has packed is unpacked on the way. Throws IoError, which names
/// the file, for what cannot be read: directories, devices, damage to what is packed.
class ByteStream {
 public:
  explicit ByteStream(const std::filesystem::path& path);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// The next `bytes` bytes, or fewer at the end of the file. Takes memory as they arrive, not as they are asked for.
  std::string read(std::uint64_t bytes);
  const std::string& name() const { return name_; }

 private:
  void* file_ = nullptr;
  std::string name_;
};

}  // namespace tapegrad::data
