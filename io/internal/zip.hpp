#pragma once
// The part of the ZIP format that NumPy's archives need: members that are stored as they are.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tapegrad/core/atomic_file.hpp>
#include <tapegrad/io/internal/input_file.hpp>
#include <vector>

namespace tapegrad::io {

/// A member, and where its bytes lie in the archive.
struct ZipMember {
  std::string name;
  std::uint64_t begin = 0, size = 0;
  std::uint32_t checksum = 0;
};

/// The members, in the order of the archive's directory: all stored, inside the file, together no larger than it, with
/// names that differ. IoError, which begins with `what`, otherwise. The checksums have not been compared.
std::vector<ZipMember> read_zip(const InputFile& file, const std::string& what);

/// IoError, which begins with `what`, unless the member's bytes have its checksum.
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
