#include <tapegrad/data/text_file.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/unicode.hpp>

namespace tapegrad::data {
namespace {

namespace fs = std::filesystem;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

[[noreturn]] void fail(const char* what, const fs::path& path, int error) {
  throw IoError(fmt::format("cannot {} {}: {}", what, path.string(), std::generic_category().message(error)));
}

// Files are held in memory whole.
constexpr std::uintmax_t kLargest = std::uintmax_t{4} << 30;

[[noreturn]] void refuse_size(const fs::path& path) {
  throw IoError(fmt::format("cannot read {}: it has more than {} GiB", path.string(), kLargest >> 30));
}

void check_readable_kind(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) fail("read", path, error.value());
  if (fs::is_directory(status)) throw IoError(fmt::format("cannot read {}: it is a directory", path.string()));
  // A device may never end.
  if (!fs::is_regular_file(status) && !fs::is_fifo(status)) {
    throw IoError(fmt::format("cannot read {}: it is neither a file nor a pipe", path.string()));
  }
}

std::string read_all(const fs::path& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) fail("read", path, errno);
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  std::error_code no_size;  // a pipe has none
  const auto size = fs::file_size(path, no_size);
  if (!no_size && size > kLargest) refuse_size(path);
  std::string content(no_size ? 65536 : static_cast<std::size_t>(size) + 1, '\0');
  std::size_t used = 0;
  while (const std::size_t got = std::fread(content.data() + used, 1, content.size() - used, file.get())) {
    used += got;
    if (used > kLargest) refuse_size(path);
    if (used == content.size()) content.resize(2 * used);
  }
  if (std::ferror(file.get())) fail("read", path, errno);
  content.resize(used);
  return content;
}

void check_utf8(std::string_view content, const fs::path& path) {
  if (content.starts_with("\xFF\xFE") || content.starts_with("\xFE\xFF")) {
    throw IoError(fmt::format("{} is UTF-16; convert it: iconv -f UTF-16 -t UTF-8", path.string()));
  }
  const auto bad = find_invalid_utf8(content);
  if (!bad) return;
  const std::string_view before = content.substr(0, *bad);
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  throw IoError(
      fmt::format("{}:{}: byte {} of the line (0x{:02X}, byte {} of the file) is not UTF-8; if the file is "
                  "Windows-1252, convert it: "
                  "iconv -f WINDOWS-1252 -t UTF-8",
                  path.string(), line, *bad - line_start + 1, static_cast<unsigned char>(content[*bad]), *bad + 1));
}

}  // namespace

std::string read_text_file(const fs::path& path) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  check_readable_kind(path);
  std::string content = read_all(path);
  check_utf8(content, path);
  if (content.starts_with(kByteOrderMark)) content.erase(0, kByteOrderMark.size());
  return content;
}

bool LineReader::next(std::string_view& line) {
  if (rest_.empty()) return false;
  const std::size_t end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++number_;
  return true;
}

}  // namespace tapegrad::data
