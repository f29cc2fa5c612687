#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/io/picture.hpp>

namespace tapegrad::io {
namespace {

// The chunks of a PNG file, whose sums are checked.
std::vector<std::pair<std::string, std::string>> chunks(const std::string& file) {
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(file[at + i]);
    return value;
  };
  EXPECT_EQ(file.substr(0, 8), "\x89PNG\r\n\x1a\n");
  std::vector<std::pair<std::string, std::string>> found;
  for (std::size_t at = 8; at < file.size();) {
    const std::size_t size = word(at);
    found.emplace_back(file.substr(at + 4, 4), file.substr(at + 8, size));
    EXPECT_EQ(word(at + 8 + size),
              crc32(0, reinterpret_cast<const Bytef*>(&file[at + 4]), static_cast<uInt>(size + 4)));
    at += size + 12;
  }
  return found;
}

TEST(Picture, IsAPng) {
  const std::string path = ::testing::TempDir() + "picture.png";
  Tensor pixels = empty({2, 3, 3}, u8);
  for (std::uint8_t i = 0; i < 18; ++i) pixels.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(13 * i);
  save_png(path, pixels, 2);
  std::ifstream file(path, std::ios::binary);
  const auto found = chunks({std::istreambuf_iterator<char>(file), {}});
  std::filesystem::remove(path);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].second, std::string("\0\0\0\x06\0\0\0\x04\x08\x02\0\0\0", 13));
  std::string raw(4 * (1 + 18), '\0');
  uLongf size = raw.size();
  ASSERT_EQ(uncompress(reinterpret_cast<Bytef*>(raw.data()), &size,
                       reinterpret_cast<const Bytef*>(found[1].second.data()), found[1].second.size()),
            Z_OK);
  ASSERT_EQ(size, raw.size());
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 18; ++x)
      EXPECT_EQ(static_cast<unsigned char>(raw[y * 19 + 1 + x]), 13 * (y / 2 * 9 + x / 6 * 3 + x % 3));
  EXPECT_THROW(save_png(path, zeros({2, 2})), DTypeError);
  EXPECT_THROW(save_png(path, zeros({2, 2, 4}, u8)), ShapeError);
  EXPECT_THROW(save_png("/proc/none.png", pixels), IoError);
}

TEST(Picture, HeatMapShowsSignAndStrength) {
  const Tensor map = heat_map(tensor({0, 1, 0.5, 1}, {1, 2, 2}), tensor({2, -2, 0, 1}, {1, 2, 2}));
  EXPECT_EQ(map.values(), (std::vector<double>{230, 120, 0, 0, 110, 200, 128, 128, 128, 243, 188, 128}));
  EXPECT_THROW(heat_map(zeros({2, 2}), zeros({2, 3})), ShapeError);
}

}  // namespace
}  // namespace tapegrad::io
