// A vocabulary of 256 bytes and a few pairs. With the published one, 73,666 tokens of twelve texts were those of the
// npm package gpt-3-encoder.

#include <tapegrad/data/gpt2_tokens.hpp>

#include <gmock/gmock.h>

#include <tapegrad/core/error.hpp>

#include "../gpt2_vocabulary.hpp"
#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Gpt2TokensTest : public ::testing::Test {
 protected:
  /// Each pair's third one is a token of the next number from 256 on.
  void add(const std::string& left, const std::string& right) {
    vocabulary_.emplace(left + right, vocabulary_.size());
    merges_ += left + " " + right + "\n";
  }
  Gpt2Tokens load() const {
    return Gpt2Tokens::load(folder_.write("vocab.json", vocabulary_.dump()), folder_.write("merges.txt", merges_));
  }
  std::string refusal() const {
    return message_of<IoError>([&] { load(); });
  }

  const TemporaryFolder folder_;
  nlohmann::json vocabulary_ = gpt2_vocabulary();
  std::string merges_ = "#version: 0.2\n";
};

TEST_F(Gpt2TokensTest, JoinsTheFirstPairFirst) {
  add("l", "l");
  add("h", "e");
  add("he", "ll");
  add("Ġ", "hell");
  add("e", "l");  // too late for "hell"
  const Gpt2Tokens tokens = load();
  EXPECT_THAT(tokens.encode("hell"), ElementsAre(258));
  EXPECT_THAT(tokens.encode("hell hello"), ElementsAre(258, 259, 'o'));
  EXPECT_THAT(tokens.encode("elll"), ElementsAre('e', 256, 'l'));
  EXPECT_THAT(tokens.encode(""), ElementsAre());
  EXPECT_EQ(tokens.bytes(259), " hell");
}

TEST_F(Gpt2TokensTest, JoinsWithinWordsAlone) {
  const std::pair<const char*, const char*> pairs[] = {{"'", "s"}, {"a", "'"}, {"a", "1"}, {"1", "!"}, {"Ġ", "Ġ"},
                                                       {"Ġ", "a"}, {"Ċ", "Ċ"}, {"Ċ", "a"}, {"Ã", "©"}, {"a", "Ã©"}};
  for (const auto& [left, right] : pairs) add(left, right);
  const Gpt2Tokens tokens = load();
  EXPECT_THAT(tokens.encode("a's"), ElementsAre('a', 256));
  EXPECT_THAT(tokens.encode("a'"), ElementsAre('a', '\''));
  EXPECT_THAT(tokens.encode("a1!"), ElementsAre('a', '1', '!'));
  EXPECT_THAT(tokens.encode("   a"), ElementsAre(260, 261)) << "the last space goes with the word";
  EXPECT_THAT(tokens.encode("a  "), ElementsAre('a', 260));
  EXPECT_THAT(tokens.encode("\n\na\n\n"), ElementsAre('\n', '\n', 'a', 262));
  EXPECT_THAT(tokens.encode("aé"), ElementsAre(265)) << "a letter";
}

TEST_F(Gpt2TokensTest, GivesBackAnyBytes) {
  add("h", "e");
  vocabulary_["<|endoftext|>"] = 257;
  const Gpt2Tokens tokens = load();
  std::string all = "<|endoftext|> 日本語 ½ \xff\xc3";
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(tokens.decode(tokens.encode(all)), all);
  EXPECT_EQ(tokens.named("<|endoftext|>"), 257);
  EXPECT_EQ(tokens.named("a"), std::nullopt);
  EXPECT_EQ(tokens.bytes(257), "") << "it stands for no text";
  EXPECT_THAT(message_of<IndexError>([&] { tokens.bytes(258); }), HasSubstr("token 258, of which there are 258"));
}

TEST_F(Gpt2TokensTest, SaysWhatIsWrongWithTheFiles) {
  merges_ += "h e\n";
  EXPECT_THAT(refusal(), HasSubstr("merges.txt:2: expected two tokens"));
  vocabulary_["he"] = 257;
  EXPECT_THAT(refusal(), HasSubstr("the number of 'he' is 257; each from 0 to 256"));
  vocabulary_["he"] = 7;
  EXPECT_THAT(refusal(), HasSubstr("each from 0 to 256 must be there once"));
  vocabulary_["he"] = -1;
  EXPECT_THAT(refusal(), HasSubstr("the number of 'he' is -1"));
  vocabulary_["he"] = 256;
  load();
  for (const char* line : {"he", "he ", " he", "h e r", "h  e", "x y"}) {
    merges_ = "#version: 0.2\n" + std::string(line);
    EXPECT_THAT(refusal(), HasSubstr("merges.txt:2: expected")) << line;
  }
  merges_ = "";
  EXPECT_THAT(refusal(), HasSubstr("merges.txt: its 0 pairs make too few of the 257 tokens of "));
  vocabulary_.erase("h");
  vocabulary_["he"] = static_cast<int>('h');
  EXPECT_THAT(refusal(), HasSubstr("it lacks 'h', the byte 104"));
  vocabulary_ = nlohmann::json::array();
  EXPECT_THAT(refusal(), HasSubstr("it is no object"));
}

}  // namespace
}  // namespace tapegrad::data
