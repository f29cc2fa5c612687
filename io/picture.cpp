#include <tapegrad/io/picture.hpp>

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>

namespace tapegrad::io {
namespace {

// PNG is big-endian.
std::string word(std::uint64_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  return word(data.size()) + body + word(crc32_z(0, reinterpret_cast<const Bytef*>(body.data()), body.size()));
}

std::string deflated(const std::string& raw) {
  uLongf size = ::compressBound(raw.size());
  std::string packed(size, '\0');
  ::compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(raw.data()), raw.size());
  packed.resize(size);
  return packed;
}

// [height, width] of values, summed over a first axis where there is one.
std::vector<double> plane(const Tensor& t, const char* what) {
  if (t.rank() != 2 && t.rank() != 3)
    throw ShapeError(fmt::format("heat_map: the {} is {}; expected [height, width] or [channels, height, width]", what,
                                 to_string(t.shape())));
  const std::vector<double> all = t.values();
  std::vector<double> sum(static_cast<std::size_t>(t.size(-1) * t.size(-2)));
  for (std::size_t i = 0; i < all.size(); ++i) sum[i % sum.size()] += all[i];
  return sum;
}

}  // namespace

void save_png(const std::filesystem::path& path, const Tensor& pixels, std::int64_t scale) {
  const bool colour = pixels.rank() == 3;
  if (!(pixels.rank() == 2 || (colour && pixels.size(2) == 3)) || pixels.numel() == 0)
    throw ShapeError(fmt::format("save_png: a picture of shape {}; expected [height, width] or [height, width, 3]",
                                 to_string(pixels.shape())));
  if (pixels.dtype() != u8)
    throw DTypeError(fmt::format("save_png: pixels of {}; expected u8", name_of(pixels.dtype())));
  if (scale < 1) throw ValueError(fmt::format("save_png: a scale of {}", scale));
  const Tensor dense = pixels.contiguous();
  const auto bytes = dense.data<std::uint8_t>();
  const auto height = static_cast<std::size_t>(pixels.size(0)), width = static_cast<std::size_t>(pixels.size(1));
  const auto times = static_cast<std::size_t>(scale);
  const std::size_t depth = colour ? 3 : 1;
  std::string raw;
  for (std::size_t y = 0; y < height * times; ++y) {
    raw += '\0';  // no filter
    const auto line = bytes.subspan(y / times * width * depth, width * depth);
    for (std::size_t x = 0; x < width * times; ++x)
      for (std::size_t c = 0; c < depth; ++c) raw += static_cast<char>(line[x / times * depth + c]);
  }
  // 8 bits a channel; grey is colour type 0, red-green-blue 2.
  const std::string header =
      word(width * times) + word(height * times) + '\x08' + (colour ? '\x02' : '\0') + std::string(3, '\0');
  write_file(path, "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", deflated(raw)) + chunk("IEND", ""));
}

Tensor heat_map(const Tensor& image, const Tensor& attribution) {
  std::vector<double> grey = plane(image, "image");
  const std::vector<double> heat = plane(attribution, "attribution");
  if (image.size(-1) != attribution.size(-1) || image.size(-2) != attribution.size(-2))
    throw ShapeError(fmt::format("heat_map: an image of {} with an attribution of {}", to_string(image.shape()),
                                 to_string(attribution.shape())));
  const auto [low, high] = std::ranges::minmax(grey);
  double largest = 0;
  for (const double h : heat) largest = std::max(largest, std::abs(h));
  constexpr double kFor[] = {230, 120, 0}, kAgainst[] = {0, 110, 200};
  Tensor picture = empty({image.size(-2), image.size(-1), 3}, u8);
  auto* to = picture.mutable_data<std::uint8_t>().data();
  for (std::size_t i = 0; i < grey.size(); ++i) {
    const double base = high > low ? 255 * (grey[i] - low) / (high - low) : 128;
    const double share = largest > 0 ? std::abs(heat[i]) / largest : 0;
    const double* const paint = heat[i] > 0 ? kFor : kAgainst;
    // The image stays visible, fainter, where nothing matters.
    for (std::size_t c = 0; c < 3; ++c)
      *to++ = static_cast<std::uint8_t>(std::lround((1 - share) * base + share * paint[c]));
  }
  return picture;
}

}  // namespace tapegrad::io
