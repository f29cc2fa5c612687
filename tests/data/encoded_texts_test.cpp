#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/data/text_dataset.hpp>

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;

Vocabulary vocabulary_of(std::initializer_list<const char*> entries) {
  Vocabulary vocabulary;
  for (const char* entry : entries) vocabulary.add(entry);
  return vocabulary;
}

std::vector<std::int32_t> encode(const TextEncoder& encoder, const std::string& text) {
  const EncodedTexts encoded = encoder.encode(std::vector{text});
  return {encoded[0].begin(), encoded[0].end()};
}

TEST(TextEncoder, GivesEachTextItsIds) {
  const TextEncoder encoder(Tokenizer{}, vocabulary_of({"the", "cat"}));
  const EncodedTexts encoded = encoder.encode(std::vector<std::string>{"The cat!", "", "a CAT", "cat"});
  EXPECT_EQ(encoded.size(), 4);
  EXPECT_THAT(encoded[0], ElementsAre(2, 3));
  EXPECT_THAT(encoded[1], ElementsAre(1)) << "no text is without ids";
  EXPECT_THAT(encoded[2], ElementsAre(1, 3));
  EXPECT_THAT(encoded.ids(), ElementsAre(2, 3, 1, 1, 3, 3));
  EXPECT_THAT(encoded.offsets(), ElementsAre(0, 2, 3, 5, 6));
  EXPECT_EQ(encoder.encode({}).size(), 0);
}

TEST(TextEncoder, PutsNgramsAfterTheWordThatEndsThem) {
  const TextEncoder encoder(Tokenizer{}, vocabulary_of({"a", "b", "a b", "b a", "a b a"}));
  EXPECT_THAT(encode(encoder, "a b a"), ElementsAre(2, 3, 4, 2, 5, 6));
  EXPECT_THAT(encode(encoder, "a x b"), ElementsAre(2, 1, 3)) << "an unknown word ends the run";
  EXPECT_THAT(encode(encoder, "b a b a"), ElementsAre(3, 2, 5, 3, 4, 2, 5, 6));
}

TEST(TextEncoder, KeepsTheBeginningOfLongTexts) {
  const Vocabulary vocabulary = vocabulary_of({"a", "b", "a b"});
  EXPECT_THAT(encode(TextEncoder(Tokenizer{}, vocabulary, {.max_length = 3}), "a b a b"), ElementsAre(2, 3, 4));
  EXPECT_THAT(encode(TextEncoder(Tokenizer{}, vocabulary, {.max_length = 2}), "a b a b"), ElementsAre(2, 3));
  EXPECT_THAT(encode(TextEncoder(Tokenizer{}, vocabulary, {.max_length = 1}), "a b a b"), ElementsAre(2));
  EXPECT_THROW(TextEncoder(Tokenizer{}, vocabulary, {.max_length = 0}), ValueError);
}

TEST(TextEncoder, LeavesOutUnknownWordsWhenTold) {
  const TextEncoder encoder(Tokenizer{}, vocabulary_of({"a", "b", "a b"}), {.keep_unknown = false});
  EXPECT_THAT(encode(encoder, "x a y b"), ElementsAre(2, 3)) << "a and b are still not neighbours";
  EXPECT_THAT(encode(encoder, "x y"), ElementsAre(1));
}

TEST(TextEncoder, ExplainsItsIds) {
  const TextEncoder encoder(Tokenizer{}, vocabulary_of({"new", "york", "new york"}));
  std::vector<std::pair<std::int32_t, std::string>> explained;
  for (const EncodedWord& word : encoder.explain("Old New York")) explained.emplace_back(word.id, word.words);
  EXPECT_THAT(explained,
              ElementsAre(std::pair(1, "old"), std::pair(2, "new"), std::pair(3, "york"), std::pair(4, "new york")));
  ASSERT_EQ(encoder.explain("").size(), 1u);
  EXPECT_EQ(encoder.explain("")[0].words, "");
}

}  // namespace
}  // namespace tapegrad::data
