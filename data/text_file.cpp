#include <tapegrad/data/text_file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/data/internal/unicode.hpp>

namespace tapegrad::data {
namespace {

struct Signature {
  std::string_view begin;
  std::string_view what;
};
using namespace std::string_view_literals;
constexpr Signature kOthers[] = {
    {"\xFF\xFE\0\0"sv, "UTF-32; convert it: iconv -f UTF-32 -t UTF-8"},
    {"\0\0\xFE\xFF"sv, "UTF-32; convert it: iconv -f UTF-32 -t UTF-8"},
    {"\xFF\xFE"sv, "UTF-16; convert it: iconv -f UTF-16 -t UTF-8"},
    {"\xFE\xFF"sv, "UTF-16; convert it: iconv -f UTF-16 -t UTF-8"},
    {"\x1F\x8B"sv, "packed by gzip; unpack it: gunzip"},
    {"PK\x03\x04"sv, "a ZIP archive, as spreadsheets (.xlsx, .ods) are too; unpack it, or save the sheet as CSV"},
    {"\xFD"
     "7zXZ"sv,
     "packed by xz; unpack it: unxz"},
    {"BZh"sv, "packed by bzip2; unpack it: bunzip2"},
    {"\x28\xB5\x2F\xFD"sv, "packed by zstd; unpack it: unzstd"},
};

/// Where a byte stands, for messages: the line, and the byte in it, both from 1.
std::pair<std::ptrdiff_t, std::size_t> place_of(std::string_view content, std::size_t at) {
  const std::string_view before = content.substr(0, at);
  return {std::ranges::count(before, '\n') + 1, at - before.rfind('\n')};  // npos is -1
}

void check_text(std::string_view content, const std::string& name) {
  for (const Signature& other : kOthers)
    if (content.starts_with(other.begin)) throw IoError(fmt::format("{} is {}", name, other.what));
  if (const std::size_t nul = content.find('\0'); nul != std::string_view::npos) {
    const auto [line, byte] = place_of(content, nul);
    throw IoError(
        fmt::format("{}:{}: byte {} of the line (byte {} of the file) is 0, which no text has; if the file "
                    "is UTF-16, convert it: iconv -f UTF-16LE -t UTF-8",
                    name, line, byte, nul + 1));
  }
  if (const auto bad = find_invalid_utf8(content)) {
    const auto [line, byte] = place_of(content, *bad);
    throw IoError(fmt::format(
        "{}:{}: byte {} of the line (0x{:02X}, byte {} of the file) is not UTF-8; if the file is Windows-1252, convert "
        "it: iconv -f WINDOWS-1252 -t UTF-8",
        name, line, byte, static_cast<unsigned char>(content[*bad]), *bad + 1));
  }
}

}  // namespace

std::string read_text_file(const std::filesystem::path& path) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const InputFile file(path, InputFile::Accept::file_or_pipe);
  std::string content = file.read_all();
  check_text(content, file.name());
  if (content.starts_with(kByteOrderMark)) content.erase(0, kByteOrderMark.size());
  return content;
}

LineReader::LineReader(std::string_view text)
    : rest_(text), end_(text.find('\n') == std::string_view::npos ? '\r' : '\n') {}

bool LineReader::next(std::string_view& line) {
  if (rest_.empty()) return false;
  const std::size_t end = rest_.find(end_);
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++number_;
  return true;
}

}  // namespace tapegrad::data
