#include <fmt/format.h>
#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/data/images.hpp>

namespace tapegrad::data {
namespace {

[[noreturn]] void refuse(const InputFile& file, std::string_view kind, std::string_view why) {
  throw IoError(fmt::format("{}: a {} file that cannot be read: {}", file.name(), kind, why));
}

/// For the pixels of a file of `size` bytes, whose header may say anything: a byte has `a_byte` pixels at most.
Tensor pixels_for(const InputFile& file, std::string_view kind, std::uint64_t height, std::uint64_t width,
                  std::uint64_t channels, std::uint64_t size, std::uint64_t a_byte) {
  // All factors fit 32, 32 and 2 bits, and libpng and libjpeg take no more than 31 and 16 bits for a side.
  const std::uint64_t bytes = height * width * channels, most = input_limits().unpacked;
  if (bytes > most)
    throw IoError(
        fmt::format("{}: {} × {} pixels unpack to {} bytes; the limit is {}", file.name(), width, height, bytes, most));
  if (height * width > size * a_byte)
    refuse(file, kind, fmt::format("{} bytes are too few for {} × {} pixels", size, width, height));
  return empty(
      {static_cast<std::int64_t>(height), static_cast<std::int64_t>(width), static_cast<std::int64_t>(channels)}, u8);
}

Tensor read_png(const InputFile& file, const std::string& content) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, decltype(&png_image_free)> end(&image, png_image_free);
  const auto require = [&](int done) {
    if (done == 0 || image.warning_or_error > 1) refuse(file, "PNG", image.message);
  };
  require(png_image_begin_read_from_memory(&image, content.data(), content.size()));
  image.format = image.format & PNG_FORMAT_FLAG_COLOR ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  // A deflated byte stands for 1032 at most, and a pixel takes a bit at least.
  Tensor pixels = pixels_for(file, "PNG", image.height, image.width, PNG_IMAGE_PIXEL_CHANNELS(image.format),
                             content.size(), 8 * 1032);
  const png_color white{255, 255, 255};
  require(png_image_finish_read(&image, &white, pixels.mutable_data<std::uint8_t>().data(), 0, nullptr));
  return pixels;
}

Tensor read_jpeg(const InputFile& file, const std::string& content) {
  const std::unique_ptr<void, decltype(&tjDestroy)> reader(tjInitDecompress(), tjDestroy);
  if (!reader) throw MemoryError(fmt::format("{}: libjpeg-turbo has no memory", file.name()));
  const auto* const bytes = reinterpret_cast<const unsigned char*>(content.data());
  // A warning too: of a file that ends too early, it gives grey for the rest.
  const auto require = [&](int failed) {
    if (failed != 0) refuse(file, "JPEG", tjGetErrorStr2(reader.get()));
  };
  int width = 0, height = 0, subsampling = 0, colours = 0;
  require(tjDecompressHeader3(reader.get(), bytes, content.size(), &width, &height, &subsampling, &colours));
  const int format = colours == TJCS_GRAY ? TJPF_GRAY : TJPF_RGB;
  // A block of 8 × 8 takes a bit at least, unless its coding is the arithmetic one, which hardly any program writes.
  Tensor pixels = pixels_for(file, "JPEG", static_cast<std::uint64_t>(height), static_cast<std::uint64_t>(width),
                             static_cast<std::uint64_t>(tjPixelSize[format]), content.size(), 512);
  require(tjDecompress2(reader.get(), bytes, content.size(), pixels.mutable_data<std::uint8_t>().data(), width, 0,
                        height, format, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS));
  return pixels;
}

}  // namespace

Tensor read_picture(const std::filesystem::path& path) {
  const InputFile file(path);
  const std::string content = file.read_all();
  const std::string_view start = content;
  if (start.starts_with("\x89PNG\r\n\x1a\n")) return read_png(file, content);
  if (start.starts_with("\xff\xd8\xff")) return read_jpeg(file, content);
  if (start.starts_with("P5") || start.starts_with("P2")) {
    const Tensor grey = read_pgm(path);
    Tensor pixels = empty({grey.size(0), grey.size(1), 1}, u8);
    std::ranges::copy(grey.data<std::uint8_t>(), pixels.mutable_data<std::uint8_t>().begin());
    return pixels;
  }
  throw IoError(fmt::format("{}: is no picture that is known here; PNG, JPEG and PGM are", file.name()));
}

}  // namespace tapegrad::data
