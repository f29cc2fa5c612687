#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/data/images.hpp>
#include <tapegrad/io/picture.hpp>
#include <tapegrad/ops/view.hpp>

#include "../hostile/formats.hpp"
#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using hostile::jpeg;
using hostile::png;

TEST(Picture, OfPng) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& content) { return read_picture(folder.write("a.png", content)); };
  const std::string nul(1, '\0');
  const Tensor grey = read(png(3, 2, 8, 0, nul + "abc" + nul + "def"));
  EXPECT_EQ(grey.shape(), (Shape{2, 3, 1}));
  EXPECT_THAT(grey.values(), ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  const Tensor colours = read(png(2, 1, 8, 2, nul + "abcdef"));
  EXPECT_EQ(colours.shape(), (Shape{1, 2, 3}));
  EXPECT_THAT(colours.values(), ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  EXPECT_THAT(read(png(3, 1, 1, 0, nul + "\xa0")).values(), ElementsAre(255, 0, 255)) << "a bit a pixel";
  EXPECT_THAT(read(png(2, 1, 8, 3, nul + nul + "\x01", hostile::png_chunk("PLTE", "abcxyz"))).values(),
              ElementsAre('a', 'b', 'c', 'x', 'y', 'z'));
  EXPECT_THAT(read(png(2, 1, 8, 6, nul + "abc\xff" + "xyz" + nul)).values(), ElementsAre('a', 'b', 'c', 255, 255, 255))
      << "transparent on white";

  const Tensor drawn = randint(0, 256, {5, 7, 3}, default_rng());
  io::save_png(folder.path("own.png"), cast(drawn, u8));
  EXPECT_EQ(read_picture(folder.path("own.png")).values(), drawn.values()) << "what save_png() wrote";
}

TEST(Picture, OfJpeg) {
  const TemporaryFolder folder;
  const Tensor colours = read_picture(folder.write("a.jpg", jpeg(17, 9, {200, 100, 50})));
  ASSERT_EQ(colours.shape(), (Shape{9, 17, 3}));
  EXPECT_NEAR(colours.at({4, 8, 0}), 200, 2);
  EXPECT_NEAR(colours.at({4, 8, 1}), 100, 2);
  EXPECT_NEAR(colours.at({4, 8, 2}), 50, 2);
  const Tensor grey = read_picture(folder.write("b.jpg", jpeg(8, 8, {77})));
  ASSERT_EQ(grey.shape(), (Shape{8, 8, 1}));
  EXPECT_THAT(grey.values(), Each(77));
  EXPECT_EQ(read_picture(folder.write("c", "P5 2 1 255\nab")).shape(), (Shape{1, 2, 1})) << "known by its first bytes";
}

TEST(Picture, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& content) {
    const std::filesystem::path file = folder.write("image", content);
    return message_of<IoError>([&] { read_picture(file); });
  };
  const std::string nul(1, '\0'), good = png(3, 2, 8, 0, nul + "abc" + nul + "def");
  EXPECT_THAT(message("GIF89a"), AllOf(HasSubstr("image: is no picture"), HasSubstr("PNG, JPEG and PGM")));
  EXPECT_THAT(message(""), HasSubstr("is no picture"));
  for (std::size_t end = 8; end < good.size() - 12; ++end)
    EXPECT_THAT(message(good.substr(0, end)), HasSubstr("image: a PNG file that cannot be read")) << end;
  std::string other = good;
  other[good.size() - 20] ^= 1;
  EXPECT_THAT(message(other), HasSubstr("image: a PNG file that cannot be read"));
  EXPECT_THAT(message(png(60'000, 60'000, 8, 0, nul + "abc")), HasSubstr("bytes are too few for 60000 × 60000"));
  EXPECT_THAT(message(png(900'000, 900'000, 8, 2, nul + "abc")), HasSubstr("the limit is"));
  const std::string photo = jpeg(64, 64, {200, 100, 50});
  EXPECT_THAT(message(photo.substr(0, photo.size() - 20)), HasSubstr("image: a JPEG file that cannot be read"));
  EXPECT_THAT(message(photo.substr(0, 40)), HasSubstr("image: a JPEG file that cannot be read"));
  EXPECT_THROW(read_picture(folder.path("missing.png")), IoError);
}

}  // namespace
}  // namespace tapegrad::data
