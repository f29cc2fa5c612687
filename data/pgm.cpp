#include <tapegrad/data/pgm.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <tapegrad/core/error.hpp>

namespace tapegrad::data {
namespace {

/// Takes words off the front of a header, past white space and comments.
class Header {
 public:
  explicit Header(std::string_view text) : text_(text) {}

  std::string_view word() {
    while (position_ < text_.size() && (is_space() || text_[position_] == '#')) {
      if (text_[position_] == '#') position_ = std::min(text_.find('\n', position_), text_.size() - 1);
      ++position_;
    }
    const std::size_t begin = position_;
    while (position_ < text_.size() && !is_space()) ++position_;
    return text_.substr(begin, position_ - begin);
  }
  /// -1 if there is none.
  std::int64_t number() {
    const std::string_view digits = word();
    std::int32_t value = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() ? value : -1;
  }
  /// What comes after the one space that ends the header.
  std::string_view rest() const { return text_.substr(std::min(position_ + 1, text_.size())); }

 private:
  bool is_space() const { return std::isspace(static_cast<unsigned char>(text_[position_])) != 0; }

  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

Tensor read_pgm(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(fmt::format("{}: cannot be read", path.string()));
  const std::string content(std::istreambuf_iterator<char>(file), {});
  const auto require = [&](bool good, const std::string& what) {
    if (!good) throw IoError(fmt::format("{}: not a PGM image of bytes: {}", path.string(), what));
  };
  Header header(content);
  require(header.word() == "P5", "it does not begin with P5");
  const std::int64_t width = header.number(), height = header.number(), white = header.number();
  require(width > 0 && height > 0, "its header has no width and height");
  require(white == 255, white < 0 ? "its header has no value for white" : fmt::format("white is {}, not 255", white));
  const std::string_view pixels = header.rest();
  // Both factors fit 31 bits.
  require(std::ssize(pixels) >= width * height,
          fmt::format("it has {} bytes where {} × {} pixels should be", pixels.size(), width, height));
  Tensor image = empty({height, width}, u8);
  std::copy_n(pixels.begin(), width * height, image.mutable_data<std::uint8_t>().begin());
  return image;
}

}  // namespace tapegrad::data
