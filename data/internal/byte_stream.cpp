#include <tapegrad/data/internal/byte_stream.hpp>

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <tapegrad/core/error.hpp>

namespace tapegrad::data {

namespace fs = std::filesystem;

ByteStream::ByteStream(const fs::path& path) : name_(path.string()) {
  const auto fail = [this](const std::string& why) { throw IoError(fmt::format("cannot read {}: {}", name_, why)); };
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) fail(error.message());
  if (!fs::is_regular_file(status)) fail(fs::is_directory(status) ? "it is a directory" : "it is not a regular file");
  file_ = ::gzopen(path.c_str(), "rbe");
  if (!file_) fail(errno ? std::generic_category().message(errno) : "there is no memory for it");
  ::gzbuffer(static_cast<gzFile>(file_), 1u << 17);
}

ByteStream::~ByteStream() { ::gzclose(static_cast<gzFile>(file_)); }

std::string ByteStream::read(std::uint64_t bytes) {
  constexpr std::uint64_t kChunk = 1u << 20;
  std::string content;
  while (content.size() < bytes) {
    const std::size_t before = content.size(), want = std::min<std::uint64_t>(kChunk, bytes - before);
    content.resize(before + want);
    const int got = ::gzread(static_cast<gzFile>(file_), content.data() + before, static_cast<unsigned>(want));
    int error = Z_OK;
    const char* why = ::gzerror(static_cast<gzFile>(file_), &error);
    // What is packed and was cut short gives the bytes there were, and Z_BUF_ERROR.
    if (got < 0 || (error != Z_OK && error != Z_STREAM_END))
      throw IoError(fmt::format("cannot read {}: {}", name_,
                                error == Z_ERRNO       ? std::generic_category().message(errno)
                                : error == Z_BUF_ERROR ? "its packed content ends too early"
                                                       : why));
    content.resize(before + static_cast<std::size_t>(got));
    if (static_cast<std::size_t>(got) < want) break;
  }
  return content;
}

}  // namespace tapegrad::data
