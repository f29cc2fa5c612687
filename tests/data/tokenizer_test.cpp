#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tapegrad/data/internal/unicode.hpp>
#include <tapegrad/data/tokenizer.hpp>

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> words_of(std::string_view text, TokenizerOptions options = {}) {
  Words words;
  Tokenizer(options).split(text, words);
  return {words.begin(), words.end()};
}

TEST(Tokenizer, SplitsAtAllThatIsNoLetterOrDigit) {
  EXPECT_THAT(words_of("The 2 films, (both) were-ok!"), ElementsAre("the", "2", "films", "both", "were", "ok"));
  EXPECT_THAT(words_of(""), IsEmpty());
  EXPECT_THAT(words_of(" \t\r\n.,;!?😀"), IsEmpty());
  EXPECT_THAT(words_of(std::string_view("a\0b\x01"
                                        "c",
                                        5)),
              ElementsAre("a", "b", "c"));
}

TEST(Tokenizer, KeepsApostrophesInsideWords) {
  EXPECT_THAT(words_of("don't 'quoted' dogs' 'tis rock''n'roll '' '"),
              ElementsAre("don't", "quoted", "dogs", "tis", "rock", "n'roll"));
  EXPECT_THAT(words_of("don’t ‘so’"), ElementsAre("don't", "so"));
}

TEST(Tokenizer, ReadsEveryScript) {
  EXPECT_THAT(words_of("ÉTÉ Straße ПРИВЕТ мир ΟΔΟΣ οδός"),
              ElementsAre("été", "straße", "привет", "мир", "οδοσ", "οδόσ"));
  EXPECT_THAT(words_of("हिन्दी العربية עברית"), ElementsAre("हिन्दी", "العربية", "עברית"));
  EXPECT_THAT(words_of("e\u0301te\u0301"), ElementsAre("e\u0301te\u0301")) << "combining marks belong to the word";
  EXPECT_THAT(words_of("\u0301 a"), ElementsAre("a")) << "a mark alone is no word";
  EXPECT_THAT(words_of("漢字とkana2個"), ElementsAre("漢", "字", "と", "kana2", "個"));
  EXPECT_THAT(words_of("co\u00ADoperate می\u200Cخواهم a\u200Bb"), ElementsAre("cooperate", "میخواهم", "a", "b"));
  EXPECT_THAT(words_of("ȺȾȺȾ"), ElementsAre("ⱥⱦⱥⱦ")) << "letters that grow when folded";
}

TEST(Tokenizer, StripsHtmlUnlessToldNotTo) {
  EXPECT_THAT(words_of("bad.<br />Caf&eacute; R&amp;D"), ElementsAre("bad", "café", "r", "d"));
  EXPECT_THAT(words_of("<br>&amp;", {.strip_html = false}), ElementsAre("br", "amp"));
}

TEST(Tokenizer, KeepsCaseWhenTold) {
  EXPECT_THAT(words_of("Été NASA don’T", {.lower_case = false}), ElementsAre("Été", "NASA", "don'T"));
}

TEST(Tokenizer, TakesBytesThatAreNotUtf8ForSeparators) {
  EXPECT_THAT(words_of("caf\xE9 au\xFFlait \xC3"), ElementsAre("caf", "au", "lait"));
}

TEST(Tokenizer, ViewsTheTextWhereItStands) {
  const std::string text = "plain words";
  Words words;
  Tokenizer().split(text, words);
  EXPECT_EQ(words[1].data(), text.data() + 6);
}

TEST(Tokenizer, WordsCanBeUsedAgain) {
  Words words;
  const Tokenizer tokenizer;
  const auto split = [&](std::string_view text) {
    tokenizer.split(text, words);
    return std::vector<std::string>(words.begin(), words.end());
  };
  EXPECT_THAT(split("One <i>TWO</i> Three FOUR"), ElementsAre("one", "two", "three", "four"));
  EXPECT_THAT(split("x"), ElementsAre("x"));
  EXPECT_THAT(split(""), IsEmpty());
  EXPECT_THAT(split("A much LONGER Text Than Before"), ElementsAre("a", "much", "longer", "text", "than", "before"));
}

// What vocabularies and their files rely on, of any bytes at all.
RC_GTEST_PROP(Tokenizer, WordsAreUtf8WithoutSpacesAndSplitIntoThemselves, ()) {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::oneOf(
      rc::gen::element<std::string>("'", "’", "É", "Ⱥ", "漢", "\u0301", "\u00AD", "<", ">", "&eacute;", "\u0085", "Σ"),
      rc::gen::arbitrary<std::string>()));
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  for (const std::string& word : words_of(text)) {
    RC_ASSERT(!word.empty());
    RC_ASSERT(!find_invalid_utf8(word));
    RC_ASSERT(word.find_first_of(" \t\r\n\f\v<>&\x7F") == std::string::npos);
    RC_ASSERT(words_of(word) == std::vector<std::string>{word});
  }
}

}  // namespace
}  // namespace tapegrad::data
