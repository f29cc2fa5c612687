#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <iterator>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/vocabulary.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Vocabulary, ReservesPaddingAndUnknown) {
  const Vocabulary vocabulary;
  EXPECT_EQ(vocabulary.size(), 2);
  EXPECT_EQ(vocabulary.entry(Vocabulary::kPadding), "<pad>");
  EXPECT_EQ(vocabulary.entry(Vocabulary::kUnknown), "<unk>");
  EXPECT_EQ(vocabulary.id("film"), Vocabulary::kUnknown);
  EXPECT_EQ(vocabulary.ngrams(), 1);
}

TEST(Vocabulary, NumbersEntriesAsTheyCome) {
  Vocabulary vocabulary;
  EXPECT_EQ(vocabulary.add("new"), 2);
  EXPECT_EQ(vocabulary.add("york"), 3);
  EXPECT_EQ(vocabulary.add("new york"), 4);
  EXPECT_EQ(vocabulary.add("new york new"), 5);
  EXPECT_EQ(vocabulary.id("york"), 3);
  EXPECT_EQ(vocabulary.id("new york"), 4);
  EXPECT_EQ(vocabulary.entry(5), "new york new");
  EXPECT_EQ(vocabulary.extend(2, 3), 4);
  EXPECT_EQ(vocabulary.extend(4, 2), 5);
  EXPECT_EQ(vocabulary.extend(3, 2), Vocabulary::kUnknown);
  EXPECT_EQ(vocabulary.ngrams(), 3);
  EXPECT_THROW((void)vocabulary.entry(6), IndexError);
  EXPECT_THROW((void)vocabulary.entry(-1), IndexError);
}

TEST(Vocabulary, RefusesWhatIsNoEntry) {
  Vocabulary vocabulary;
  vocabulary.add("new");
  for (const char* bad : {"", " ", "new ", " new", "new  new", "a\tb", "a\nb", "a\x7F", "caf\xE9", "\u0085", "<pad>",
                          "<unk>", "new", "new york", "<pad> new", "new <unk>", "a b c d e f g h i"}) {
    EXPECT_THROW(vocabulary.add(bad), ValueError) << bad;
  }
  EXPECT_EQ(vocabulary.size(), 3) << "nothing was added";
  EXPECT_EQ(vocabulary.add("york"), 3);
}

TEST(Vocabulary, ComesBackFromItsFile) {
  const TemporaryFolder folder;
  const std::string path = folder.path("vocabulary.txt");
  Vocabulary vocabulary;
  for (const char* entry : {"the", "cat", "the cat", "été", "漢", "don't"}) vocabulary.add(entry);
  vocabulary.save(path);
  const Vocabulary loaded = Vocabulary::load(path);
  ASSERT_EQ(loaded.size(), vocabulary.size());
  for (std::int32_t id = 0; id < loaded.size(); ++id) EXPECT_EQ(loaded.entry(id), vocabulary.entry(id));
  EXPECT_EQ(loaded.extend(loaded.id("the"), loaded.id("cat")), loaded.id("the cat"));
  EXPECT_EQ(content_of(path), "<pad>\n<unk>\nthe\ncat\nthe cat\nété\n漢\ndon't\n");
}

TEST(Vocabulary, RefusesHostileFiles) {
  const TemporaryFolder folder;
  const auto message = [&](std::string_view content) {
    const std::string path = folder.write("v.txt", content);
    return message_of<IoError>([&] { Vocabulary::load(path); });
  };
  EXPECT_THAT(message(""), HasSubstr("v.txt is no vocabulary"));
  EXPECT_THAT(message("<pad>\n"), HasSubstr("no vocabulary"));
  EXPECT_THAT(message("the\ncat\n"), AllOf(HasSubstr("v.txt:1:"), HasSubstr("expected <pad>, found \"the\"")));
  EXPECT_THAT(message("<pad>\n<unk>\ncat\n\ndog\n"), AllOf(HasSubstr("v.txt:4:"), HasSubstr("is empty")));
  EXPECT_THAT(message("<pad>\n<unk>\ncat\ncat\n"), AllOf(HasSubstr("v.txt:4:"), HasSubstr("there already")));
  EXPECT_THAT(message("<pad>\n<unk>\n\x1b[31mred\n"), AllOf(HasSubstr("v.txt:3:"), HasSubstr("\\x1B[31mred")));
  EXPECT_THAT(message("<pad>\n<unk>\ncaf\xE9\n"), AllOf(HasSubstr("v.txt:3:"), HasSubstr("not UTF-8")));
  EXPECT_THAT(message("<pad>\n<unk>\nnew york\nnew\nyork\n"), AllOf(HasSubstr("v.txt:3:"), HasSubstr("parts")));
  EXPECT_THAT(message(std::string_view("<pad>\n<unk>\na\0b\n", 16)), HasSubstr("is 0, which no text has"));
  EXPECT_THAT(message_of<IoError>([&] { Vocabulary::load(folder.path("none.txt")); }), HasSubstr("none.txt"));
  EXPECT_THAT(message_of<IoError>([&] { Vocabulary::load(folder.path()); }), HasSubstr("directory"));
}

TEST(Vocabulary, SurvivesEveryTruncationAndBitFlip) {
  const TemporaryFolder folder;
  const std::string good = "<pad>\n<unk>\nthe\ncat\nthe cat\nété\n";
  std::vector<std::string> damaged;
  for (std::size_t length = 0; length < good.size(); ++length) damaged.push_back(good.substr(0, length));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    damaged.push_back(good);
    damaged.back()[bit / 8] = static_cast<char>(damaged.back()[bit / 8] ^ (1 << bit % 8));
  }
  int refused = 0;
  for (const std::string& content : damaged) {
    const std::string path = folder.write("v.txt", content);
    try {
      EXPECT_GE(Vocabulary::load(path).size(), 2);
    } catch (const IoError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(Vocabulary, SaveReplacesTheFileWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const std::string path = folder.write("v.txt", "precious");
  EXPECT_THROW(Vocabulary().save(folder.path("missing/v.txt")), IoError);
  std::filesystem::create_directory(folder.path("taken"));
  EXPECT_THROW(Vocabulary().save(folder.path("taken")), IoError);
  Vocabulary().save(path);
  EXPECT_EQ(Vocabulary::load(path).size(), 2);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++files;
  EXPECT_EQ(files, 2) << "no temporary file is left behind";
}

RC_GTEST_PROP(Vocabulary, FindsAllThatWasAdded, (const std::set<std::uint32_t>& numbers)) {
  Vocabulary vocabulary;
  for (const std::uint32_t number : numbers) vocabulary.add("w" + std::to_string(number));
  RC_ASSERT(vocabulary.size() == static_cast<std::int32_t>(numbers.size()) + 2);
  std::int32_t expected = 2;
  for (const std::uint32_t number : numbers) RC_ASSERT(vocabulary.id("w" + std::to_string(number)) == expected++);
}

}  // namespace
}  // namespace tapegrad::data
