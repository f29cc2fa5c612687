#include <gmock/gmock.h>
#include <sys/stat.h>
#include <zlib.h>

#include <fstream>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/byte_stream.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/memory.hpp>
#include <thread>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad {
namespace {

using ::testing::HasSubstr;

TEST(InputFile, ReadsAPipeUpToItsLimit) {
  const TemporaryFolder folder;
  const std::string pipe = folder.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto read_while_writing = [&](std::size_t bytes) {
    std::thread writer([&] { std::ofstream(pipe) << std::string(bytes, 'x'); });
    try {
      const std::string content = InputFile(pipe, InputFile::Accept::file_or_pipe).read_all();
      writer.join();
      return content.size();
    } catch (...) {
      writer.join();
      throw;
    }
  };
  EXPECT_EQ(read_while_writing(300'000), 300'000U);
  const InputLimits before = input_limits();
  set_input_limits({.pipe = 1000, .unpacked = before.unpacked});
  EXPECT_THAT(message_of<IoError>([&] { read_while_writing(2000); }), HasSubstr("more than 1000 bytes came out"));
  set_input_limits(before);
  EXPECT_THAT(message_of<IoError>([&] { InputFile file(pipe); }), HasSubstr("it is not a regular file"));
}

TEST(InputFile, SaysThatAFileIsTooLarge) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a", "12345");
  EXPECT_EQ(read_file(path, 5), "12345");
  EXPECT_THAT(message_of<IoError>([&] { read_file(path, 4); }), HasSubstr("it has 5 bytes; 4 are allowed"));
}

TEST(ByteStream, CountsWithoutMoving) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.gz");
  const std::string content = "0123456789";
  for (int member = 0; member < 2; ++member) {  // gzip files may follow each other
    const gzFile file = ::gzopen(path.c_str(), "ab");
    ::gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    ::gzclose(file);
  }
  const InputFile file(path);
  ByteStream stream(file);
  EXPECT_EQ(stream.read(3), "012");
  EXPECT_EQ(stream.count(5), 5U);
  EXPECT_EQ(stream.count(1000), 17U);
  EXPECT_EQ(stream.read(100), "34567890123456789");
  EXPECT_EQ(stream.read(1), "");
}

TEST(ByteStream, UnpacksUpToItsLimit) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.gz");
  const gzFile packed = ::gzopen(path.c_str(), "wb");
  ::gzwrite(packed, std::string(100'000, 'x').data(), 100'000);
  ::gzclose(packed);
  const InputLimits before = input_limits();
  set_input_limits({.pipe = before.pipe, .unpacked = 50'000});
  const InputFile file(path);
  EXPECT_THAT(message_of<IoError>([&] { ByteStream(file).count(100'000); }), HasSubstr("unpacks to more than 50000"));
  set_input_limits(before);
  EXPECT_EQ(ByteStream(file).count(200'000), 100'000U);
}

TEST(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(printable("plain ünï \xE6\xBC\xA2"), "plain ünï \xE6\xBC\xA2");
  EXPECT_EQ(printable("\x1B[2J\n\t\x7F"), "\\x1B[2J\\x0A\\x09\\x7F");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xC2\\x9B");
  EXPECT_EQ(printable("a\xE2\x80\xAE"
                      "b"),
            "a\\xE2\\x80\\xAEb");
  EXPECT_EQ(printable("\xFF\xED\xA0\x80\xC0\xAF"), "\\xFF\\xED\\xA0\\x80\\xC0\\xAF");
  EXPECT_EQ(printable("a\nb\x1B", 100, "\n"), "a\nb\\x1B");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

TEST(JsonText, BoundsAndDuplicates) {
  const auto message = [](std::string_view text, const JsonBounds& bounds = {}) {
    return message_of<IoError>([&] { parse_json(text, "a.json", bounds); });
  };
  EXPECT_EQ(parse_json(R"({"a": {"b": 1}, "c": {"b": 2}})", "a.json")["c"]["b"], 2);
  EXPECT_THAT(message(R"({"a": [{"b": 1, "b": 2}]})"), HasSubstr("a.json: an object has the key \"b\" twice"));
  EXPECT_THAT(message("{\n \"a\": ?"), HasSubstr("a.json:2:7: not valid JSON"));
  EXPECT_THAT(message("[[1]]", {.depth = 1}), HasSubstr("a.json: byte 2: its JSON is nested deeper than 1"));
  EXPECT_THAT(message("[1,2,3]", {.values = 2}), HasSubstr("more than 2 values"));
  EXPECT_THAT(message("[\"[[,,\\\"]]\"]", {.depth = 1, .values = 1, .string = 3}), HasSubstr("more than 3 bytes"));
  EXPECT_EQ(parse_json("[\"[[,,\\\"]]\"]", "a.json", {.depth = 1, .values = 1}).size(), 1U);
}

TEST(MemoryLimit, HoldsInItsScope) {
  const Tensor kept = zeros({1000});
  {
    const memory::Limit limit(1 << 20);
    for (int i = 0; i < 100; ++i) zeros({100'000});  // what is given back does not count
    EXPECT_THROW(zeros({1'000'000}), MemoryError);
    EXPECT_THROW(zeros({std::int64_t{1} << 40}), MemoryError);
    {
      const memory::Limit inner(100);
      EXPECT_THROW(zeros({1000}), MemoryError);
    }
    EXPECT_NO_THROW(zeros({1000}));
  }
  EXPECT_EQ(zeros({1'000'000}).numel(), 1'000'000);
}

}  // namespace
}  // namespace tapegrad
