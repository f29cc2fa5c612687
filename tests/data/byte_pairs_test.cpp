#include <tapegrad/data/internal/byte_pairs.hpp>

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <tapegrad/core/error.hpp>

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::int32_t> encode(const BytePairs& pairs, std::string_view text) {
  std::vector<std::int32_t> tokens;
  pairs.encode(text, tokens);
  return tokens;
}

TEST(BytePairs, JoinsTheMostFrequentPairFirst) {
  const std::vector<std::string> texts{"abab abab", "ab cc"};
  // "ab" occurs five times, then " " + "ab" once, "ab" + "ab" twice.
  const BytePairs pairs = BytePairs::learn(texts, 300);
  EXPECT_EQ(pairs.bytes(257), "ab");
  EXPECT_EQ(pairs.bytes(258), "abab");
  EXPECT_THAT(encode(pairs, "ab"), ElementsAre(257));
  EXPECT_THAT(encode(pairs, "babab"), ElementsAre('b', 258));
  EXPECT_EQ(pairs.size(), 259);  // nothing else occurs twice
}

TEST(BytePairs, KeepsToWords) {
  const std::vector<std::string> texts{"to be to be to be 42 42!\n\n"};
  const BytePairs pairs = BytePairs::learn(texts, 400);
  for (std::int32_t token = 257; token < pairs.size(); ++token)
    EXPECT_EQ(pairs.bytes(token).find(' ', 1), std::string_view::npos) << pairs.bytes(token);
  EXPECT_THAT(encode(pairs, " to"), ElementsAre(encode(pairs, " to")[0]));
}

TEST(BytePairs, GivesEveryTextBack) {
  const std::vector<std::string> texts{"the quick brown fox, the lazy dog", "don't\tpanic   42 times\r\n\n"};
  const BytePairs pairs = BytePairs::learn(texts, 280);
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  for (const std::string& text :
       {texts[0], texts[1], std::string(), std::string("  "), std::string("żółć 漢字 🙂 "), bytes})
    EXPECT_EQ(pairs.decode(encode(pairs, text)), text);
  EXPECT_EQ(BytePairs().size(), 257);
  EXPECT_THAT(encode(BytePairs(), "hé"), ElementsAre('h', 0xc3, 0xa9));
}

TEST(BytePairs, AreSavedAndLoaded) {
  const std::string path = ::testing::TempDir() + "byte_pairs_" + std::to_string(::getpid());
  const std::vector<std::string> texts{"one one two two one one"};
  const BytePairs pairs = BytePairs::learn(texts, 262);
  pairs.save(path);
  const BytePairs loaded = BytePairs::load(path);
  EXPECT_EQ(loaded.size(), pairs.size());
  EXPECT_EQ(encode(loaded, "one two three"), encode(pairs, "one two three"));
  const auto message = [&](const std::string& content) {
    std::ofstream(path) << content;
    try {
      BytePairs::load(path);
    } catch (const IoError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message("something\n"), HasSubstr(":1: expected the line"));
  EXPECT_THAT(message("tapegrad byte pairs 1\n97 98\n97 300\n"), HasSubstr(":3: expected two earlier tokens"));
  EXPECT_THAT(message("tapegrad byte pairs 1\n97\n"), HasSubstr(":2: expected two earlier tokens"));
  EXPECT_THAT(message("tapegrad byte pairs 1\n256 97\n"), HasSubstr(":2: expected two earlier tokens"));
  ::unlink(path.c_str());
  EXPECT_THROW(BytePairs::load(path), IoError);
  EXPECT_THROW(BytePairs::learn(texts, 256), ValueError);
  EXPECT_THROW(pairs.bytes(400), IndexError);
}

}  // namespace
}  // namespace tapegrad::data
