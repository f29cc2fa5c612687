#include <gmock/gmock.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/data/images.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Pgm, ReadsBytesAfterAnyHeader) {
  const TemporaryFolder folder;
  // The first pixels look like white space and a comment.
  const std::string pixels("\n#\xff\x00\x07 ", 6);
  for (const std::string header : {"P5 3 2 255\n", "P5\n# made by hand\n3\t2 # wide\n255\n"}) {
    const Tensor image = read_pgm(folder.write("image.pgm", header + pixels));
    EXPECT_EQ(image.shape(), (Shape{2, 3}));
    EXPECT_EQ(image.dtype(), u8);
    EXPECT_THAT(image.values(), ElementsAre('\n', '#', 255, 0, 7, ' '));
  }
}

TEST(Pgm, ReadsTextAndOtherWhites) {
  const TemporaryFolder folder;
  const auto values = [&](const std::string& content) { return read_pgm(folder.write("a.pgm", content)).values(); };
  EXPECT_THAT(values("P2\n# by GIMP\n3 2\n255\n0 1 2\n3 4 255 # the last\n"), ElementsAre(0, 1, 2, 3, 4, 255));
  EXPECT_THAT(values("P2 3 1 15 0 7 15"), ElementsAre(0, 119, 255));
  EXPECT_THAT(values("P5 3 1 1\n" + std::string("\0\1\0", 3)), ElementsAre(0, 255, 0));
  EXPECT_THAT(values("P5 1 1 255\na\n"), ElementsAre('a')) << "a line end after the pixels";
}

TEST(Pgm, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& content) {
    const std::filesystem::path file = folder.write("image.pgm", content);
    return message_of<IoError>([&] { read_pgm(file); });
  };
  EXPECT_THAT(message("P6 1 1 255\n..."), AllOf(HasSubstr("image.pgm: not a PGM"), HasSubstr("begin with P5")));
  EXPECT_THAT(message(""), HasSubstr("begin with P5"));
  EXPECT_THAT(message("P5 2 -1 255\n"), HasSubstr("no width and height"));
  EXPECT_THAT(message("P5 # 2 2 255"), HasSubstr("no width and height"));
  EXPECT_THAT(message("P5 99999999999 2 255\n"), HasSubstr("no width and height"));
  EXPECT_THAT(message("P5 2 2"), HasSubstr("no value for white"));
  EXPECT_THAT(message("P5 2 2 65535\n12345678"), HasSubstr("white is 65535, and a pixel two bytes"));
  EXPECT_THAT(message("P5 2 2 255\n123"), HasSubstr("it has 3 bytes where 2 × 2 pixels should be"));
  EXPECT_THROW(read_pgm(folder.path("missing.pgm")), IoError);
}

}  // namespace
}  // namespace tapegrad::data
