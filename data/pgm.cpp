#include <tapegrad/data/images.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/input_file.hpp>

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
  bool at_end() {
    const std::size_t before = position_;
    return word().empty() && (position_ = before, true);
  }

 private:
  bool is_space() const { return std::isspace(static_cast<unsigned char>(text_[position_])) != 0; }

  std::string_view text_;
  std::size_t position_ = 0;
};

/// The value of a pixel as a byte: the share of white that it is.
std::uint8_t as_byte(std::int64_t value, std::int64_t white) {
  return static_cast<std::uint8_t>((2 * 255 * value + white) / (2 * white));
}

}  // namespace

Tensor read_pgm(const std::filesystem::path& path) {
  const InputFile file(path);
  const std::string content = file.read_all();
  const auto require = [&](bool good, const std::string& what) {
    if (!good) throw IoError(fmt::format("{}: not a PGM image of bytes: {}", path.string(), what));
  };
  Header header(content);
  const std::string_view magic = header.word();
  const bool is_text = magic == "P2";
  require(magic == "P5" || is_text, "it does not begin with P5 or P2");
  const std::int64_t width = header.number(), height = header.number(), white = header.number();
  require(width > 0 && height > 0, "its header has no width and height");
  require(white > 0, "its header has no value for white");
  require(white <= 255,
          fmt::format("white is {}, and a pixel two bytes; turn it into one of bytes: pamdepth 255", white));
  const auto outside = [&](std::int64_t at, std::int64_t value) {
    require(false,
            fmt::format("pixel {} of row {} is {}, where white is {}", at % width + 1, at / width + 1, value, white));
  };
  const std::string_view rest = header.rest();
  // Both factors fit 31 bits. As text, each pixel but the last takes two bytes at least.
  const std::int64_t pixels = width * height, most = is_text ? (std::ssize(rest) + 1) / 2 : std::ssize(rest);
  require(most >= pixels, fmt::format("it has {} bytes where {} × {} pixels should be", rest.size(), width, height));
  Tensor image = empty({height, width}, u8);
  const auto out = image.mutable_data<std::uint8_t>();
  if (is_text) {
    for (std::int64_t i = 0; i < pixels; ++i) {
      const std::int64_t value = header.number();
      require(value >= 0, fmt::format("pixel {} of row {} is no number", i % width + 1, i / width + 1));
      if (value > white) outside(i, value);
      out[static_cast<std::size_t>(i)] = as_byte(value, white);
    }
    require(header.at_end(), "something follows its pixels; one image a file is read");
    return image;
  }
  for (std::int64_t i = 0; i < pixels; ++i) {
    const auto value = static_cast<unsigned char>(rest[static_cast<std::size_t>(i)]);
    if (value > white) outside(i, value);
    out[static_cast<std::size_t>(i)] = as_byte(value, white);
  }
  const std::string_view more = rest.substr(static_cast<std::size_t>(pixels));
  require(more.find_first_not_of(" \t\n") == std::string_view::npos,
          fmt::format("{} bytes follow its pixels; one image a file is read, and one space, no CR LF, ends its header",
                      more.size()));
  return image;
}

}  // namespace tapegrad::data
