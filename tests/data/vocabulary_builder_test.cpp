#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/vocabulary_builder.hpp>

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;
using Texts = std::vector<std::string>;

Vocabulary build(const Texts& texts, VocabularyOptions options) {
  VocabularyBuilder builder(Tokenizer{}, options);
  for (const std::string& text : texts) builder.add(text);
  return builder.build();
}

std::vector<std::string> entries_of(const Vocabulary& vocabulary) {
  std::vector<std::string> entries;
  for (std::int32_t id = 2; id < vocabulary.size(); ++id) entries.emplace_back(vocabulary.entry(id));
  return entries;
}

TEST(VocabularyBuilder, OrdersByFrequencyThenByFirstAppearance) {
  EXPECT_THAT(entries_of(build({"b a c", "c d", "D! a b e"}, {.min_count = 1})), ElementsAre("b", "a", "c", "d", "e"));
  EXPECT_THAT(entries_of(build({"b a c", "c d", "D! a b e"}, {.min_count = 2})), ElementsAre("b", "a", "c", "d"));
  EXPECT_THAT(entries_of(build({"x y y"}, {.min_count = 1})), ElementsAre("y", "x"));
}

TEST(VocabularyBuilder, KeepsTheMostFrequent) {
  const Vocabulary vocabulary = build({"a a a b b c c d"}, {.min_count = 1, .max_size = 4});
  EXPECT_EQ(vocabulary.size(), 4) << "the reserved ones included";
  EXPECT_THAT(entries_of(vocabulary), ElementsAre("a", "b"));
  EXPECT_EQ(build({"a b"}, {.max_size = 2}).size(), 2);
}

TEST(VocabularyBuilder, CountsNgramsWithinTexts) {
  EXPECT_THAT(entries_of(build({"new york city", "new york", "york new"}, {.min_count = 2, .ngrams = 3})),
              ElementsAre("new", "york", "new york"));
  EXPECT_THAT(entries_of(build({"a b c", "a b c"}, {.min_count = 2, .ngrams = 3})),
              ElementsAre("a", "b", "a b", "c", "b c", "a b c"));
  EXPECT_THAT(entries_of(build({"a a a"}, {.min_count = 1, .ngrams = 2})), ElementsAre("a", "a a"));
  EXPECT_THAT(entries_of(build({"a", "b"}, {.min_count = 1, .ngrams = 2})), ElementsAre("a", "b"))
      << "not across texts";
}

TEST(VocabularyBuilder, BuildsAgainAfterMoreTexts) {
  VocabularyBuilder builder(Tokenizer{}, {.min_count = 1, .ngrams = 2});
  EXPECT_EQ(builder.build().size(), 2);
  builder.add("a b");
  EXPECT_THAT(entries_of(builder.build()), ElementsAre("a", "b", "a b"));
  builder.add("b");
  EXPECT_THAT(entries_of(builder.build()), ElementsAre("b", "a", "a b"));
}

TEST(VocabularyBuilder, RefusesSenselessOptions) {
  EXPECT_THROW(VocabularyBuilder(Tokenizer{}, {.min_count = 0}), ValueError);
  EXPECT_THROW(VocabularyBuilder(Tokenizer{}, {.max_size = 1}), ValueError);
  EXPECT_THROW(VocabularyBuilder(Tokenizer{}, {.ngrams = 0}), ValueError);
  EXPECT_THROW(VocabularyBuilder(Tokenizer{}, {.ngrams = 9}), ValueError);
}

// The definition, written down: count every run of up to n words; keep what occurs often enough.
RC_GTEST_PROP(VocabularyBuilder, HoldsExactlyTheFrequentNgrams, ()) {
  const auto texts = *rc::gen::container<std::vector<std::vector<char>>>(
      rc::gen::container<std::vector<char>>(rc::gen::inRange('a', 'd')));
  const int ngrams = *rc::gen::inRange(1, 5);
  const auto min_count = *rc::gen::inRange<std::int64_t>(1, 4);
  std::map<std::string, std::int64_t> counts;
  Texts joined;
  for (const auto& letters : texts) {
    for (std::size_t begin = 0; begin < letters.size(); ++begin) {
      std::string run;
      for (std::size_t end = begin; end < std::min(letters.size(), begin + static_cast<std::size_t>(ngrams)); ++end) {
        run += std::string(run.empty() ? "" : " ") + letters[end];
        ++counts[run];
      }
    }
    std::string& text = joined.emplace_back();
    for (const char letter : letters) text += std::string(1, letter) + ' ';
  }
  const Vocabulary vocabulary = build(joined, {.min_count = min_count, .ngrams = ngrams});
  const auto frequent = std::ranges::count_if(counts, [&](const auto& run) { return run.second >= min_count; });
  RC_ASSERT(vocabulary.size() == frequent + 2);
  for (const auto& [run, count] : counts) {
    RC_ASSERT((vocabulary.id(run) != Vocabulary::kUnknown) == (count >= min_count));
  }
}

// However short the vocabulary is cut, n-grams keep their parts: add() would throw otherwise.
RC_GTEST_PROP(VocabularyBuilder, CutsNothingThatIsNeeded, (const std::vector<std::uint8_t>& draws)) {
  std::string text;
  for (const std::uint8_t draw : draws) text += std::string(1, static_cast<char>('a' + draw % 3)) + ' ';
  const auto max_size = *rc::gen::inRange(2, 40);
  RC_ASSERT(build({text}, {.min_count = 1, .max_size = max_size, .ngrams = 4}).size() <= max_size);
}

}  // namespace
}  // namespace tapegrad::data
