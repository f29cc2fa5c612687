#include <tapegrad/core/internal/byte_stream.hpp>

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <new>
#include <tapegrad/core/error.hpp>

namespace tapegrad {
namespace {

constexpr std::size_t kBlock = 1u << 16;

}  // namespace

struct ByteStream::Inflater {
  explicit Inflater(bool gzip) {
    constexpr int kGzip = 16 + MAX_WBITS, kRaw = -MAX_WBITS;
    if (::inflateInit2(&state, gzip ? kGzip : kRaw) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { ::inflateEnd(&state); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  z_stream state{};
  bool ended = false;  // the packed data, or a member of them
  Bytef block[kBlock];
};

ByteStream::ByteStream(const InputFile& file, std::uint64_t begin, std::uint64_t bytes, Packing packing,
                       std::string what)
    : file_(file), begin_(begin), bytes_(bytes), what_(std::move(what)) {
  gzip_ = packing == Packing::maybe_gzip && bytes >= 2 && file.read(2, begin) == "\x1F\x8B";
  if (gzip_ || packing == Packing::deflate) inflater_ = std::make_unique<Inflater>(gzip_);
}

ByteStream::ByteStream(const InputFile& file)
    : ByteStream(file, 0, file.size(), Packing::maybe_gzip, file.name() + ": ") {}

ByteStream::~ByteStream() = default;

std::size_t ByteStream::read(void* to, std::size_t bytes) {
  if (inflater_) {
    const std::size_t got = read_packed(static_cast<std::byte*>(to), bytes);
    given_ += got;
    return got;
  }
  const auto got = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, bytes_ - taken_));
  file_.read(to, got, begin_ + taken_);
  taken_ += got;
  given_ += got;
  return got;
}

std::string ByteStream::read(std::size_t bytes) {
  constexpr std::size_t kMost = std::size_t{64} << 20;
  std::string content(std::min(bytes, kMost), '\0');
  content.resize(read(content.data(), content.size()));
  return content;
}

std::size_t ByteStream::read_packed(std::byte* to, std::size_t bytes) {
  z_stream& z = inflater_->state;
  std::size_t done = 0;
  while (done < bytes) {
    if (z.avail_in == 0) {
      const std::size_t left = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, bytes_ - taken_));
      file_.read(inflater_->block, left, begin_ + taken_);
      taken_ += left;
      z.next_in = inflater_->block;
      z.avail_in = static_cast<uInt>(left);
      if (left == 0) {
        if (inflater_->ended) break;
        fail("its packed content ends too early");
      }
    }
    if (inflater_->ended) {
      if (!gzip_) fail("bytes follow its packed content");
      if (z.next_in[0] != 0x1F) fail("bytes that gzip did not write follow its packed content");
      ::inflateReset(&z);
      inflater_->ended = false;
    }
    const std::size_t want = std::min(bytes - done, kBlock);
    z.next_out = reinterpret_cast<Bytef*>(to + done);
    z.avail_out = static_cast<uInt>(want);
    const int status = ::inflate(&z, Z_NO_FLUSH);
    done += want - z.avail_out;
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status == Z_STREAM_END)
      inflater_->ended = true;
    else if (status != Z_OK && status != Z_BUF_ERROR)
      fail(fmt::format("its packed content is damaged ({})", z.msg ? z.msg : "unknown"));
    if (const std::uint64_t most = input_limits().unpacked; given_ + done > most)
      fail(fmt::format("it unpacks to more than {} bytes; unpack it first, or raise the limit", most));
  }
  return done;
}

std::uint64_t ByteStream::count(std::uint64_t bytes) {
  if (!inflater_) return std::min(bytes, bytes_ - taken_);
  const std::uint64_t place = given_;
  std::byte unused[kBlock];
  std::uint64_t found = 0;
  while (found < bytes) {
    const std::size_t got = read(unused, static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, bytes - found)));
    if (got == 0) break;
    found += got;
  }
  inflater_ = std::make_unique<Inflater>(gzip_);
  taken_ = given_ = 0;
  for (std::uint64_t left = place; left > 0;)
    left -= read(unused, static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, left)));
  return found;
}

void ByteStream::fail(const std::string& why) const { throw IoError(what_ + why); }

}  // namespace tapegrad
