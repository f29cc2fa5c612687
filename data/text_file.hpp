#pragma once
// Whole text files in memory, checked on the way in.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tapegrad/core/language.hpp>

namespace tapegrad::data {

/// The content of a file or a pipe: UTF-8 without NULs (a byte order mark is dropped). Throws IoError, which names the
/// line and byte of what is not, knows UTF-16 and packed files by their first bytes, and refuses all that InputFile
/// does.
std::string read_text_file(const std::filesystem::path& path);

/// Takes lines off the front of a text, without their LF or CR LF. In a text without any LF, CR ends lines.
class LineReader {
 public:
  explicit LineReader(std::string_view text);

  /// False after the last line. A text that ends in a line break has no empty line after it.
  bool next(std::string_view& line);

  /// Number of the line last taken, from 1.
  std::int64_t number() const { return number_; }

 private:
  std::string_view rest_;
  char end_;
  std::int64_t number_ = 0;
};

}  // namespace tapegrad::data
