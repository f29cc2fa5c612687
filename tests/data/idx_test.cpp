#include <gmock/gmock.h>
#include <zlib.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/images.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string be(std::uint64_t value, int bytes = 4) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
  return text;
}

std::string images(std::uint64_t count) {
  std::string content = be(2051) + be(count) + be(2) + be(3);
  for (std::uint64_t i = 0; i < 6 * count; ++i) content += static_cast<char>(i * 17);
  return content;
}

std::string packed(const TemporaryFolder& folder, const std::string& name, const std::string& content) {
  std::string path = folder.path(name);
  gzFile file = ::gzopen(path.c_str(), "wb");
  ::gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  ::gzclose(file);
  return path;
}

TEST(Idx, ReadsPlainAndPackedFiles) {
  const TemporaryFolder folder;
  const Tensor plain = read_idx(folder.write("a", images(4))), unpacked = read_idx(packed(folder, "a.gz", images(4)));
  EXPECT_EQ(plain.shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(plain.dtype(), u8);
  EXPECT_EQ(plain.at({1, 0, 1}), 7 * 17);
  EXPECT_EQ(unpacked.values(), plain.values());
  EXPECT_EQ(read_idx(folder.write("none", images(0))).shape(), (Shape{0, 2, 3}));
}

TEST(Idx, ReadsAllTypes) {
  const TemporaryFolder folder;
  const auto read = [&](unsigned code, const std::string& data) {
    return read_idx(folder.write("x", be(code << 8 | 1) + be(2) + data));
  };
  EXPECT_EQ(read(0x09, be(0xFF, 1) + be(5, 1)).values(), (std::vector<double>{-1, 5}));
  EXPECT_EQ(read(0x0B, be(0x8000, 2) + be(5, 2)).values(), (std::vector<double>{-32768, 5}));
  EXPECT_EQ(read(0x0C, be(0xFFFFFFFE) + be(5)).values(), (std::vector<double>{-2, 5}));
  EXPECT_EQ(read(0x0D, be(0x3FC00000) + be(0xC0000000)).values(), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(read(0x0E, be(0x3FF8000000000000, 8) + be(0xC000000000000000, 8)).values(), (std::vector<double>{1.5, -2}));
}

TEST(Idx, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const auto reason = [](const std::string& path) { return message_of<IoError>([&] { read_idx(path); }); };
  EXPECT_THAT(reason(folder.write("png", "\x89PNG....")),
              AllOf(HasSubstr("png"), HasSubstr("magic number"), HasSubstr("2051")));
  const std::string whole = images(4);
  for (std::size_t i = 0; i < whole.size(); ++i)
    EXPECT_THAT(reason(folder.write("cut", whole.substr(0, i))), HasSubstr("cut: ")) << i;
  EXPECT_THAT(reason(folder.write("cut", whole.substr(0, 30))), HasSubstr("24 bytes expected, 14 there"));
  EXPECT_THAT(reason(folder.write("more", whole + "x")), HasSubstr("too many bytes"));
  EXPECT_THAT(reason(folder.write("huge", be(2051) + be(~0u) + be(~0u) + be(~0u))), HasSubstr("more than a memory"));
  EXPECT_THAT(reason(folder.write("large", be(2051) + be(1u << 20) + be(1u << 14) + be(1u << 14))),
              HasSubstr("cut short"));
  const std::string path = packed(folder, "a.gz", images(200));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 12);
  EXPECT_THAT(reason(path), AllOf(HasSubstr("a.gz"), HasSubstr("too early")));
  EXPECT_THAT(reason(folder.path()), HasSubstr("directory"));
  EXPECT_THAT(reason(folder.path("missing")), HasSubstr("missing"));
}

TEST(ImageDataset, ScalesBytes) {
  const TemporaryFolder folder;
  const std::string labels = be(2049) + be(4) + be(0x00010200, 4);
  const ImageDataset data = read_idx_images(folder.write("i", images(4)), folder.write("l", labels), 3, {});
  const Batch batch = data.batch(std::vector<std::int64_t>{2, 1});
  EXPECT_EQ(batch.inputs[0].shape(), (Shape{2, 1, 2, 3}));
  EXPECT_EQ(batch.targets.values(), (std::vector<double>{2, 1}));
  EXPECT_FLOAT_EQ(static_cast<float>(batch.inputs[0].at({0, 0, 0, 1})), 13 * 17 / 255.f);
  const auto fitted = fit_scaling(data.images(), std::vector<std::int64_t>{0});
  EXPECT_NEAR(fitted.mean, 42.5 / 255, 1e-12);
  EXPECT_NEAR(fitted.deviation, 29.0330271 / 255, 1e-8);
  const ImageDataset scaled(data.images(), data.labels(), 3, fitted);
  EXPECT_NEAR(scaled.batch(std::vector<std::int64_t>{0}).inputs[0].at({0, 0, 1, 2}), (85 - 42.5) / 29.0330271, 1e-6);
  EXPECT_THAT(message_of<IoError>([&] { read_idx_images(folder.path("i"), folder.path("l"), 2, {}); }),
              HasSubstr("row 2 has the label 2; there are 2 classes"));
  EXPECT_THAT(message_of<IoError>([&] { read_idx_images(folder.path("i"), folder.path("i"), 3, {}); }),
              HasSubstr("[4, 2, 3]"));
  EXPECT_THROW(ImageDataset(zeros({1, 2, 2}), zeros({1}, i64), 1), DTypeError);
}

}  // namespace
}  // namespace tapegrad::data
