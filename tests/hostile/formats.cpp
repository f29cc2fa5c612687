#include "formats.hpp"

#include <turbojpeg.h>
#include <zlib.h>

#include <algorithm>
#include <stdexcept>

namespace tapegrad::hostile {
namespace {

std::string packed(std::string_view before, std::uint64_t zeros, int window_bits) {
  z_stream z{};
  if (::deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2");
  std::string out;
  const auto feed = [&](std::string_view in, int flush) {
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    z.avail_in = static_cast<uInt>(in.size());
    do {
      char block[1 << 16];
      z.next_out = reinterpret_cast<Bytef*>(block);
      z.avail_out = sizeof block;
      ::deflate(&z, flush);
      out.append(block, sizeof block - z.avail_out);
    } while (z.avail_out == 0);
  };
  feed(before, Z_NO_FLUSH);
  const std::string block(1 << 20, '\0');
  for (std::uint64_t done = 0; done < zeros; done += block.size())
    feed(std::string_view(block).substr(0, std::min<std::uint64_t>(block.size(), zeros - done)), Z_NO_FLUSH);
  feed("", Z_FINISH);
  ::deflateEnd(&z);
  return out;
}

std::uint32_t crc(std::string_view content) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
}

}  // namespace

std::string repeated(std::string_view part, std::size_t times) {
  std::string all;
  all.reserve(part.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += part;
  return all;
}

std::string little(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

std::string big(std::uint64_t value, int bytes) {
  std::string out = little(value, bytes);
  std::reverse(out.begin(), out.end());
  return out;
}

std::string gzip(std::string_view content) { return packed(content, 0, 16 + MAX_WBITS); }
std::string deflate(std::string_view content) { return packed(content, 0, -MAX_WBITS); }
std::string gzip_of_zeros(std::string_view before, std::uint64_t count) {
  return packed(before, count, 16 + MAX_WBITS);
}

std::string idx(unsigned magic, const std::vector<std::uint64_t>& sizes, std::string_view data) {
  std::string out = big(magic, 4);
  for (const std::uint64_t size : sizes) out += big(size, 4);
  return out.append(data);
}

std::string png_chunk(std::string_view type, std::string_view data) {
  const std::string body = std::string(type) + std::string(data);
  return big(data.size(), 4) + body + big(crc(body), 4);
}

std::string png(std::uint32_t width, std::uint32_t height, char depth, char kind, std::string_view rows,
                std::string_view before) {
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", big(width, 4) + big(height, 4) + depth + kind + std::string(3, '\0')) +
         std::string(before) + png_chunk("IDAT", packed(rows, 0, MAX_WBITS)) + png_chunk("IEND", "");
}

std::string jpeg(int width, int height, const std::vector<unsigned char>& colour) {
  std::vector<unsigned char> pixels;
  for (int i = 0; i < width * height; ++i) pixels.insert(pixels.end(), colour.begin(), colour.end());
  const int format = colour.size() == 1 ? TJPF_GRAY : TJPF_RGB;
  const int sampling = colour.size() == 1 ? TJSAMP_GRAY : TJSAMP_420;
  const tjhandle writer = ::tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int failed = ::tjCompress2(writer, pixels.data(), width, 0, height, format, &bytes, &size, sampling, 95, 0);
  std::string file(reinterpret_cast<char*>(bytes), size);
  ::tjFree(bytes);
  ::tjDestroy(writer);
  if (failed != 0) throw std::runtime_error("tjCompress2");
  return file;
}

std::string chunk(std::string_view id, std::string_view content) {
  std::string out = std::string(id) + little(content.size(), 4);
  out.append(content);
  return content.size() % 2 ? out + '\0' : out;
}

std::string wav_format(const WavFormat& f) {
  const unsigned frame = f.frame ? f.frame : f.channels * f.bits / 8;
  return little(f.codec, 2) + little(f.channels, 2) + little(f.rate, 4) + little(std::uint64_t{f.rate} * frame, 4) +
         little(frame, 2) + little(f.bits, 2);
}

std::string wav(std::string_view chunks, std::string_view riff) {
  return std::string(riff) + little(chunks.size() + 4, 4) + "WAVE" + std::string(chunks);
}

std::string npy(std::string_view dictionary, std::string_view data, int version) {
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::string header(dictionary);
  while ((8 + length_bytes + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  return "\x93NUMPY" + little(static_cast<unsigned>(version), 2) +
         little(header.size(), static_cast<int>(length_bytes)) + header + std::string(data);
}

std::string zip(const std::vector<ZipPart>& parts) {
  std::string out, directory;
  for (const ZipPart& part : parts) {
    const std::string data = part.fault.deflated ? deflate(part.content) : part.content;
    const unsigned method = part.fault.method ? part.fault.method : part.fault.deflated ? 8 : 0;
    const std::string common = little(20, 2) + little(part.fault.flags, 2) + little(method, 2) + little(0, 4) +
                               little(crc(part.content) + part.fault.crc_difference, 4) + little(data.size(), 4) +
                               little(part.content.size() + part.fault.size_difference, 4) +
                               little(part.name.size(), 2) + little(0, 2);
    directory += little(0x02014b50, 4) + little(20, 2) + common + std::string(10, '\0') + little(out.size(), 4);
    directory += part.name;
    out += little(0x04034b50, 4) + common + part.name + data;
  }
  const std::size_t begin = out.size();
  return out + directory + little(0x06054b50, 4) + little(0, 4) + little(parts.size(), 2) + little(parts.size(), 2) +
         little(directory.size(), 4) + little(begin, 4) + little(0, 2);
}

std::string safetensors(std::string_view header, std::string_view data) {
  return little(header.size(), 8) + std::string(header) + std::string(data);
}

}  // namespace tapegrad::hostile
