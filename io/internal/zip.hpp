#pragma once
// The part of the ZIP format that NumPy's archives need: members that are stored as they are, or deflated.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/byte_stream.hpp>
#include <vector>

namespace tapegrad::io {

/// A member, and where its bytes lie in the archive.
struct ZipMember {
  std::string name;
  std::uint64_t begin = 0, packed = 0;  ///< bytes in the archive
  std::uint64_t size = 0;               ///< of what they unpack to
  bool deflated = false;
  std::uint32_t checksum = 0;
};

/// The members, in the order of the archive's directory: stored or deflated, inside the file, together no larger than
/// it and, unpacked, than input_limits() allows, with names that differ. IoError, which begins with `what`, otherwise.
/// What they unpack to has not been looked at.
std::vector<ZipMember> read_zip(const InputFile& file, const std::string& what);

/// The member's bytes, unpacked. `what` begins messages.
ByteStream open_member(const InputFile& file, const ZipMember& member, const std::string& what);

/// Unpacks the member and keeps nothing. IoError, which begins with `what`, unless it has its size and its checksum.
void require_checksum(const InputFile& file, const ZipMember& member, const std::string& what);

/// CRC-32 of parts that follow one another.
std::uint32_t zip_checksum(std::initializer_list<std::string_view> parts);

/// Writes members one after the other, then their directory.
class ZipWriter {
 public:
  /// What one archive without extensions of the format can hold.
  static constexpr std::uint64_t kMaxBytes = 0xffff'fffe, kMaxMembers = 0xfffe, kMaxName = 0xffff;

  explicit ZipWriter(AtomicFile& file) : file_(file) {}
  /// The start of a member whose bytes the caller writes to the file next.
  void begin_member(const std::string& name, std::uint32_t checksum, std::uint64_t size);
  void finish();

 private:
  AtomicFile& file_;
  std::string directory_;
  std::uint64_t at_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace tapegrad::io
