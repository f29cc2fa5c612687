#pragma once
// Bytes of a file one after the other, as they lie there or unpacked on the way.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tapegrad/core/internal/input_file.hpp>

namespace tapegrad {

/// Takes memory for what is asked of it alone. Throws IoError, which begins with `what`, for damage to what is packed,
/// and for more than input_limits().unpacked.
class ByteStream {
 public:
  enum class Packing {
    none,
    deflate,    ///< as in a ZIP archive
    maybe_gzip  ///< gzip, of one member or several, if it begins as gzip does; as it is otherwise
  };

  /// The `bytes` bytes from `begin` on of a file that must outlive the stream.
  ByteStream(const InputFile& file, std::uint64_t begin, std::uint64_t bytes, Packing packing, std::string what);
  /// All of a file that gzip may have packed.
  explicit ByteStream(const InputFile& file);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// The next bytes; fewer at the end only. Returns how many.
  std::size_t read(void* to, std::size_t bytes);
  /// The same, of at most 64 MiB.
  std::string read(std::size_t bytes);

  /// How many of the next `bytes` bytes are there, found without keeping any. Memory for them can be taken then: a few
  /// bytes on the disk, or a size in a header, do not take much by themselves. The stream stays where it is.
  std::uint64_t count(std::uint64_t bytes);

  const std::string& what() const { return what_; }

 private:
  struct Inflater;
  std::size_t read_packed(std::byte* to, std::size_t bytes);
  [[noreturn]] void fail(const std::string& why) const;

  const InputFile& file_;
  std::uint64_t begin_, bytes_;
  std::string what_;
  bool gzip_ = false;
  std::uint64_t taken_ = 0;  // bytes of the file
  std::uint64_t given_ = 0;  // bytes that came out
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace tapegrad
