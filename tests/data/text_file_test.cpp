#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/data/text_file.hpp>
#include <thread>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TextFile, ReadsUtf8AndDropsTheByteOrderMark) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_text_file(folder.write("plain", "été\n")), "été\n");
  EXPECT_EQ(read_text_file(folder.write("marked", "\xEF\xBB\xBFlabel")), "label");
  EXPECT_EQ(read_text_file(folder.write("empty", "")), "");
}

TEST(TextFile, NamesLineAndByteOfWhatIsNotUtf8) {
  const TemporaryFolder folder;
  const auto message = [&](std::string_view content) {
    const std::string path = folder.write("t.txt", content);
    return message_of<IoError>([&] { read_text_file(path); });
  };
  EXPECT_THAT(
      message("one\ntwo\ncaf\xE9\n"),
      AllOf(HasSubstr("t.txt:3: byte 4 of the line (0xE9, byte 12 of the file) is not UTF-8"), HasSubstr("iconv")));
  EXPECT_THAT(message("\xFF"), HasSubstr("t.txt:1: byte 1 of the line (0xFF, byte 1 of the file)"));
  EXPECT_THAT(message(std::string_view("\xFF\xFEh\0i\0", 6)), HasSubstr("UTF-16"));
}

TEST(TextFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<IoError>([&] { read_text_file(folder.path("none")); }), HasSubstr("No such file"));
  EXPECT_THAT(message_of<IoError>([&] { read_text_file(folder.path()); }), HasSubstr("it is a directory"));
  EXPECT_THAT(message_of<IoError>([&] { read_text_file("/dev/zero"); }), HasSubstr("it is not a regular file"));
}

TEST(TextFile, ReadsAPipeToItsEnd) {
  const TemporaryFolder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string content(300'000, 'x');
  std::jthread writer([&] { std::ofstream(path) << content; });
  EXPECT_EQ(read_text_file(path), content);
}

TEST(LineReader, TakesLinesWithoutTheirBreaks) {
  LineReader lines("a\r\n\nb\rc\nlast");
  std::vector<std::string> taken;
  for (std::string_view line; lines.next(line);) taken.emplace_back(line);
  EXPECT_THAT(taken, ElementsAre("a", "", "b\rc", "last"));
  EXPECT_EQ(lines.number(), 4);
  std::string_view line;
  EXPECT_FALSE(LineReader("").next(line));
}

}  // namespace
}  // namespace tapegrad::data
