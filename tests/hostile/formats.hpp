#pragma once
// Files of each kind, built byte by byte, so that any part of them can be wrong.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapegrad::hostile {

std::string repeated(std::string_view part, std::size_t times);
/// The lowest `bytes` bytes of a number.
std::string little(std::uint64_t value, int bytes);
std::string big(std::uint64_t value, int bytes);

std::string gzip(std::string_view content);
/// Without a header, as ZIP archives hold it.
std::string deflate(std::string_view content);
/// `count` bytes of 0, packed by gzip; built without holding them.
std::string gzip_of_zeros(std::string_view before, std::uint64_t count);

std::string idx(unsigned magic, const std::vector<std::uint64_t>& sizes, std::string_view data);

struct WavFormat {
  unsigned codec = 1, channels = 1, rate = 8000, bits = 16;
  unsigned frame = 0;  ///< bytes; what belongs to the others if 0
};
/// A PNG file. `kind`: 0 grey, 2 red, green and blue, 3 a palette, 6 with transparency. Each of `rows` begins with its
/// filter, 0. `before` are chunks between the header and the pixels.
std::string png(std::uint32_t width, std::uint32_t height, char depth, char kind, std::string_view rows,
                std::string_view before = "");
std::string png_chunk(std::string_view type, std::string_view data);
/// A JPEG file of one colour: grey, or red, green and blue.
std::string jpeg(int width, int height, const std::vector<unsigned char>& colour);

std::string chunk(std::string_view id, std::string_view content);
std::string wav_format(const WavFormat& format);
std::string wav(std::string_view chunks, std::string_view riff = "RIFF");

/// With a header that is brought to a multiple of 64.
std::string npy(std::string_view dictionary, std::string_view data, int version = 1);

struct ZipFault {
  std::uint32_t size_difference = 0;  ///< added to the declared size
  std::uint32_t crc_difference = 0;
  unsigned method = 0, flags = 0;
  bool deflated = false;
};
struct ZipPart {
  std::string name, content;
  ZipFault fault;
};
std::string zip(const std::vector<ZipPart>& parts);

std::string safetensors(std::string_view header, std::string_view data);

}  // namespace tapegrad::hostile
