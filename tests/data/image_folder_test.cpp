#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/images.hpp>

#include "../hostile/formats.hpp"
#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PictureFolder : public ::testing::Test {
 protected:
  PictureFolder() {
    folder_.write("set/b/2.pgm", "P5 2 1 255\nab");
    folder_.write("set/b/1.pgm", "P5 2 1 255\ncd");
    folder_.write("set/a/x.png", hostile::png(2, 1, 8, 0, std::string("\0ef", 3)));
    folder_.write("set/.hidden/x.png", "nonsense");
  }
  ImageFolder read(const ImageFolderOptions& options = {}) const {
    return read_image_folder(folder_.path("set"), options);
  }
  std::string refused(const ImageFolderOptions& options = {}) const {
    return message_of<IoError>([&] { read(options); });
  }
  const TemporaryFolder folder_;
};

TEST_F(PictureFolder, IsReadByName) {
  const ImageFolder grey = read();
  EXPECT_EQ(grey.images.shape(), (Shape{3, 1, 1, 2}));
  EXPECT_THAT(grey.images.values(), ElementsAre('e', 'f', 'c', 'd', 'a', 'b'));
  EXPECT_THAT(grey.labels.values(), ElementsAre(0, 1, 1));
  EXPECT_THAT(grey.classes, ElementsAre("a", "b"));
  EXPECT_THAT(read({.classes = {"c", "b", "a"}}).labels.values(), ElementsAre(2, 1, 1));
  EXPECT_THAT(read({.size = {{1, 1}}}).images.values(), ElementsAre(102, 100, 98));

  folder_.write("set/b/3.png", hostile::png(2, 1, 8, 2, std::string("\0uvwxyz", 7)));
  const ImageFolder colour = read();
  EXPECT_EQ(colour.images.shape(), (Shape{4, 3, 1, 2}));
  EXPECT_THAT(colour.images.values(), ElementsAre('e', 'f', 'e', 'f', 'e', 'f',  //
                                                  'c', 'd', 'c', 'd', 'c', 'd',  //
                                                  'a', 'b', 'a', 'b', 'a', 'b',  //
                                                  'u', 'x', 'v', 'y', 'w', 'z'));
  EXPECT_THAT(refused({.channels = 1}), AllOf(HasSubstr("3.png: a picture in colour, where grey is expected")));
}

TEST_F(PictureFolder, SaysWhatIsWrong) {
  EXPECT_THAT(refused({.classes = {"a", "c"}}), AllOf(HasSubstr("set/b: is no class"), HasSubstr("a, c")));
  const std::string other = folder_.write("set/b/3.pgm", "P5 1 1 255\nx");
  EXPECT_THAT(refused(), AllOf(HasSubstr("3.pgm: is 1 × 1, where "), HasSubstr("x.png is 1 × 2; choose a size")));
  std::filesystem::remove(other);
  folder_.write("set/b/notes.txt", "words");
  EXPECT_THAT(refused(), HasSubstr("set/b/notes.txt: is no picture"));
  std::filesystem::create_directory(folder_.path("set/aa"));
  EXPECT_THAT(refused(), HasSubstr("set/aa: has no picture"));
  EXPECT_THAT(message_of<IoError>([&] { read_image_folder(folder_.path("set/a")); }), HasSubstr("has no folder"));
  EXPECT_THAT(message_of<IoError>([&] { read_image_folder(folder_.path("none")); }), HasSubstr("cannot read"));
}

TEST(Pictures, ChangeSizeByMeans) {
  const Tensor picture = read_picture(TemporaryFolder().write("a", "P2 4 2 255\n0 10 20 30 20 10 40 31"));
  EXPECT_THAT(resize_picture(picture, 1, 2).values(), ElementsAre(10, 30));
  EXPECT_THAT(resize_picture(picture, 2, 8).values(),
              ElementsAre(0, 0, 10, 10, 20, 20, 30, 30, 20, 20, 10, 10, 40, 40, 31, 31));
  EXPECT_THROW(resize_picture(picture, 0, 2), ValueError);
  EXPECT_THROW(resize_picture(zeros({2, 2, 1}), 1, 2), DTypeError);
  EXPECT_THROW(with_channels(zeros({2, 2, 2}, u8), 1), ShapeError);
  EXPECT_THROW(with_channels(picture, 2), ValueError);
  EXPECT_THAT(with_channels(with_channels(picture, 3), 1).values(), picture.values());
}

}  // namespace
}  // namespace tapegrad::data
