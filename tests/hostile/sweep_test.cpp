// What no reader may do with any file: every reader, every kind of thing that a path can name, every cut, many flips.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>

#include "../temporary_folder.hpp"
#include "child.hpp"
#include "readers.hpp"

namespace tapegrad::hostile {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class EveryReader : public ::testing::TestWithParam<Reader> {
 protected:
  Outcome read(const fs::path& path, std::uint64_t bytes) const {
    const Outcome o = in_child([&] { GetParam().read(path); });
    EXPECT_TRUE(o.ended) << path << ": " << o.text;
    if (kMeasuresMemory) {
      EXPECT_LE(o.peak, most_memory(bytes)) << path << ": " << o.text;
    }
    EXPECT_LT(o.seconds, 20) << path;
    return o;
  }
  void expect_refused(const fs::path& path, std::uint64_t bytes, const std::string& why) const {
    const Outcome o = read(path, bytes);
    EXPECT_TRUE(o.refused) << path << ": " << o.text;
    EXPECT_THAT(o.text, HasSubstr(path.string()));
    EXPECT_THAT(o.text, HasSubstr(why));
  }
  const TemporaryFolder folder_;
};

TEST_P(EveryReader, ReadsItsSample) {
  const Outcome o = read(folder_.write("sample" + GetParam().suffix, GetParam().sample), 0);
  EXPECT_EQ(o.text, "read");
}

TEST_P(EveryReader, RefusesWhatIsNoFile) {
  const std::string& suffix = GetParam().suffix;
  expect_refused(folder_.path("missing" + suffix), 0, "o such file");
  // A folder of texts is a source of its own.
  fs::create_directory(folder_.path("folder" + suffix));
  expect_refused(folder_.path("folder" + suffix), 0, "");
  for (const char* device : {"/dev/zero", "/dev/urandom"}) {
    fs::create_symlink(device, folder_.path("device" + suffix));
    expect_refused(folder_.path("device" + suffix), 0, "it is not a regular file");
    fs::remove(folder_.path("device" + suffix));
  }
  fs::create_symlink("loop" + suffix, folder_.path("loop" + suffix));
  expect_refused(folder_.path("loop" + suffix), 0, "");
  if (GetParam().takes_pipes) return;
  ASSERT_EQ(::mkfifo(folder_.path("pipe" + suffix).c_str(), 0600), 0);
  expect_refused(folder_.path("pipe" + suffix), 0, "it is not a regular file");
}

TEST_P(EveryReader, RefusesAnEmptyFile) {
  if (GetParam().name == "text") return;  // which any text may be
  expect_refused(folder_.write("empty" + GetParam().suffix, ""), 0, "");
}

TEST_P(EveryReader, SurvivesEveryCut) {
  const std::string& sample = GetParam().sample;
  constexpr std::size_t kCuts = 40;
  for (std::size_t i = 1; i < std::min(sample.size(), kCuts); ++i) {
    const std::size_t length = sample.size() * i / std::min(sample.size(), kCuts);
    const std::string path = folder_.write("cut" + GetParam().suffix, sample.substr(0, length));
    const Outcome o = read(path, length);
    if (GetParam().is_text) {
      EXPECT_TRUE(o.refused || o.text == "read") << length << ": " << o.text;
    } else {
      EXPECT_TRUE(o.refused) << length << ": " << o.text;
    }
    if (o.refused) {
      EXPECT_THAT(o.text, HasSubstr(path));
    }
  }
}

TEST_P(EveryReader, SurvivesChangedBytes) {
  std::mt19937 random(7);
  for (int i = 0; i < 40; ++i) {
    std::string content = GetParam().sample;
    content[random() % content.size()] ^= static_cast<char>(1u << random() % 8);
    if (i % 4 == 0) content.insert(random() % content.size(), 1 + random() % 9, static_cast<char>(random()));
    const std::string path = folder_.write("changed" + GetParam().suffix, content);
    const Outcome o = read(path, content.size());
    EXPECT_TRUE(o.refused || o.text == "read") << o.text;
    if (o.refused) {
      EXPECT_THAT(o.text, HasSubstr(path));
    }
  }
}

std::string name_of(const ::testing::TestParamInfo<Reader>& reader) {
  std::string name = reader.param.name;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, EveryReader, ::testing::ValuesIn(readers()), name_of);

}  // namespace
}  // namespace tapegrad::hostile
