#include <tapegrad/io/internal/zip.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <unordered_set>

namespace tapegrad::io {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::uint64_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr std::uint16_t kZip64 = 1, kStored = 0, kDeflated = 8, kEncrypted = 1, kUtf8 = 1 << 11;
constexpr std::size_t kShown = 60;               // bytes of a name in a message
constexpr std::uint32_t kInExtra = 0xffff'ffff;  // the number stands in the extra field

/// Little-endian numbers one after the other; the caller has checked that they are there.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T next() {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes_[i])) << (8 * i)));
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  void skip(std::size_t count) { bytes_.remove_prefix(count); }

 private:
  std::string_view bytes_;
};

template <class T>
void append(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xff);
}

struct Directory {
  std::uint64_t begin = 0, size = 0, count = 0;
};

class Reader {
 public:
  Reader(const InputFile& file, const std::string& what) : file_(file), what_(what) {}

  std::vector<ZipMember> members() {
    const Directory directory = find_directory();
    const std::string bytes = file_.read(directory.size, directory.begin);
    std::vector<ZipMember> all;
    std::unordered_set<std::string> names;
    std::uint64_t at = 0, packed = 0, total = 0;
    const std::uint64_t most = std::max(input_limits().unpacked, file_.size());
    for (std::uint64_t i = 0; i < directory.count; ++i) {
      ZipMember member = entry(bytes, at);
      if (!names.insert(member.name).second)
        refuse("two members have the name '" + printable(member.name, kShown) + "'");
      // Members that share bytes could make a small file large.
      packed += member.packed;
      if (packed > file_.size()) refuse("its members are larger than it");
      if (member.size > most - total)
        refuse(fmt::format("its members unpack to more than {} bytes; raise the limit, or save it with numpy.savez",
                           most));
      total += member.size;
      all.push_back(std::move(member));
    }
    if (at != bytes.size()) refuse("its directory has bytes left over");
    return all;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { throw IoError(what_ + why); }

  Directory find_directory() const {
    if (file_.size() < kEndBytes) refuse(fmt::format("it has only {} bytes", file_.size()));
    // The end's record may be followed by a comment.
    constexpr std::uint64_t kLongestComment = 0xffff;
    const std::uint64_t length = std::min(file_.size(), kEndBytes + kLongestComment), begin = file_.size() - length;
    const std::string tail = file_.read(length, begin);
    for (std::uint64_t at = length - kEndBytes + 1; at-- > 0;) {
      Fields end(std::string_view(tail).substr(at));
      if (end.next<std::uint32_t>() != kEnd) continue;
      const auto disk = end.next<std::uint16_t>(), first_disk = end.next<std::uint16_t>();
      const auto here = end.next<std::uint16_t>(), count = end.next<std::uint16_t>();
      const auto size = end.next<std::uint32_t>(), offset = end.next<std::uint32_t>();
      if (end.next<std::uint16_t>() != length - at - kEndBytes) continue;
      Directory directory{offset, size, count};
      if (size == kInExtra || offset == kInExtra || count == 0xffff)
        directory = find_directory64(begin + at);
      else if (disk != 0 || first_disk != 0 || here != count)
        refuse("it is one part of several");
      if (directory.begin > begin + at || directory.size > begin + at - directory.begin)
        refuse("its directory lies outside it");
      if (directory.count > directory.size / kCentralBytes) refuse("its directory is too short for its members");
      return directory;
    }
    refuse("it has no end record, so it is no archive or was cut off");
  }

  Directory find_directory64(std::uint64_t end) const {
    if (end < kLocator64Bytes) refuse("its directory's record is missing");
    const std::string locator = file_.read(kLocator64Bytes, end - kLocator64Bytes);
    Fields l(locator);
    if (l.next<std::uint32_t>() != kLocator64) refuse("its directory's record is missing");
    l.skip(4);
    const auto at = l.next<std::uint64_t>();
    if (end < kEnd64Bytes || at > end - kEnd64Bytes) refuse("its directory's record lies outside it");
    const std::string record = file_.read(kEnd64Bytes, at);
    Fields r(record);
    if (r.next<std::uint32_t>() != kEnd64) refuse("its directory's record is missing");
    r.skip(8 + 4 + 8 + 8);
    Directory directory;
    directory.count = r.next<std::uint64_t>();
    directory.size = r.next<std::uint64_t>();
    directory.begin = r.next<std::uint64_t>();
    return directory;
  }

  ZipMember entry(const std::string& bytes, std::uint64_t& at) const {
    if (bytes.size() - at < kCentralBytes) refuse("its directory is cut off");
    Fields f(std::string_view(bytes).substr(at));
    if (f.next<std::uint32_t>() != kCentral) refuse("its directory is damaged");
    f.skip(4);
    const auto flags = f.next<std::uint16_t>(), method = f.next<std::uint16_t>();
    f.skip(4);
    ZipMember member;
    member.checksum = f.next<std::uint32_t>();
    member.packed = f.next<std::uint32_t>();
    member.size = f.next<std::uint32_t>();
    const std::uint64_t name = f.next<std::uint16_t>(), extra = f.next<std::uint16_t>(),
                        comment = f.next<std::uint16_t>();
    f.skip(8);
    std::uint64_t local = f.next<std::uint32_t>();
    if (bytes.size() - at - kCentralBytes < name + extra + comment) refuse("its directory is cut off");
    member.name = bytes.substr(at + kCentralBytes, name);
    large_numbers(std::string_view(bytes).substr(at + kCentralBytes + name, extra),
                  {&member.size, &member.packed, &local});
    at += kCentralBytes + name + extra + comment;

    const std::string called = "its member '" + printable(member.name, kShown) + "' ";
    if (flags & kEncrypted) refuse(called + "is encrypted");
    if (method != kStored && method != kDeflated)
      refuse(called + fmt::format("is compressed by method {}; stored and deflated ones are read", method));
    member.deflated = method == kDeflated;
    if (!member.deflated && member.packed != member.size) refuse(called + "has two sizes");
    if (local > file_.size() || file_.size() - local < kLocalBytes) refuse(called + "lies outside it");
    const std::string header = file_.read(kLocalBytes, local);
    Fields l(header);
    if (l.next<std::uint32_t>() != kLocal) refuse(called + "is not where the directory says");
    l.skip(22);
    const std::uint64_t local_name = l.next<std::uint16_t>(), local_extra = l.next<std::uint16_t>();
    member.begin = local + kLocalBytes + local_name + local_extra;
    if (member.begin > file_.size() || file_.size() - member.begin < member.packed) refuse(called + "lies outside it");
    if (local_name != name || file_.read(name, local + kLocalBytes) != member.name)
      refuse(called + "has another name where it lies");
    return member;
  }

  /// Puts in the numbers that were too large for the directory's own fields, in their order.
  void large_numbers(std::string_view extra, std::initializer_list<std::uint64_t*> numbers) const {
    while (extra.size() >= 4) {
      Fields f(extra);
      const auto kind = f.next<std::uint16_t>(), size = f.next<std::uint16_t>();
      if (size > extra.size() - 4) break;
      std::uint64_t left = size;
      for (std::uint64_t* number : numbers) {
        if (kind != kZip64 || *number != kInExtra) continue;
        if (left < 8) refuse("its directory is damaged");
        *number = f.next<std::uint64_t>();
        left -= 8;
      }
      extra.remove_prefix(4 + std::size_t{size});
    }
  }

  const InputFile& file_;
  const std::string& what_;
};

}  // namespace

std::vector<ZipMember> read_zip(const InputFile& file, const std::string& what) { return Reader(file, what).members(); }

std::uint32_t zip_checksum(std::initializer_list<std::string_view> parts) {
  boost::crc_32_type crc;
  for (const std::string_view part : parts) crc.process_bytes(part.data(), part.size());
  return crc.checksum();
}

ByteStream open_member(const InputFile& file, const ZipMember& member, const std::string& what) {
  const auto packing = member.deflated ? ByteStream::Packing::deflate : ByteStream::Packing::none;
  return {file, member.begin, member.packed, packing, what};
}

void require_checksum(const InputFile& file, const ZipMember& member, const std::string& what) {
  ByteStream bytes = open_member(file, member, what);
  boost::crc_32_type crc;
  std::uint64_t size = 0;
  constexpr std::size_t kBlock = 1 << 16;
  for (std::string block; size <= member.size && !(block = bytes.read(kBlock)).empty(); size += block.size())
    crc.process_bytes(block.data(), block.size());
  if (size != member.size)
    throw IoError(fmt::format("{}it unpacks to {} than the {} bytes that the archive says", what,
                              size > member.size ? "more" : "fewer", member.size));
  if (crc.checksum() != member.checksum) throw IoError(what + "its checksum is not that of its bytes");
}

void ZipWriter::begin_member(const std::string& name, std::uint32_t checksum, std::uint64_t size) {
  // No version, flags, method, time and date (1980-01-01) of interest; the same file has the same bytes.
  std::string common;
  append<std::uint16_t>(common, 20);
  append<std::uint16_t>(common, kUtf8);
  append<std::uint16_t>(common, kStored);
  append<std::uint16_t>(common, 0);
  append<std::uint16_t>(common, (1 << 5) | 1);
  append<std::uint32_t>(common, checksum);
  append(common, static_cast<std::uint32_t>(size));
  append(common, static_cast<std::uint32_t>(size));
  append(common, static_cast<std::uint16_t>(name.size()));
  append<std::uint16_t>(common, 0);

  std::string header;
  append(header, kLocal);
  header += common + name;
  append(directory_, kCentral);
  append<std::uint16_t>(directory_, 20);
  directory_ += common;
  directory_.append(2 + 2 + 2 + 4, '\0');  // no comment, first disk, no attributes
  append(directory_, static_cast<std::uint32_t>(at_));
  directory_ += name;
  file_.write(header);
  at_ += header.size() + size;
  ++count_;
}

void ZipWriter::finish() {
  std::string end;
  append(end, kEnd);
  append<std::uint32_t>(end, 0);
  append(end, static_cast<std::uint16_t>(count_));
  append(end, static_cast<std::uint16_t>(count_));
  append(end, static_cast<std::uint32_t>(directory_.size()));
  append(end, static_cast<std::uint32_t>(at_));
  append<std::uint16_t>(end, 0);
  file_.write(directory_);
  file_.write(end);
}

}  // namespace tapegrad::io
