#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tapegrad/data/internal/unicode.hpp>

namespace tapegrad::data {
namespace {

std::string utf8(std::u32string_view codes) {
  std::string text;
  for (const char32_t code : codes) append_utf8(text, code);
  return text;
}

TEST(Utf8, AcceptsEveryLengthUpToTheLastScalarValue) {
  EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
  EXPECT_EQ(find_invalid_utf8(utf8(U"a\x7F\x80\x7FF\x800\xD7FF\xE000\xFFFF\x10000\x10FFFF")), std::nullopt);
  EXPECT_EQ(find_invalid_utf8(std::string_view("a\0b", 3)), std::nullopt);
}

TEST(Utf8, NamesTheFirstBadByte) {
  EXPECT_EQ(find_invalid_utf8("abc\xFFxyz"), 3u);
  EXPECT_EQ(find_invalid_utf8("twelve bytes\xC3"), 12u) << "cut off";
  EXPECT_EQ(find_invalid_utf8("caf\xE9 au lait"), 3u) << "Latin-1";
  EXPECT_EQ(find_invalid_utf8("\x80"), 0u) << "continuation alone";
  EXPECT_EQ(find_invalid_utf8("ok\xC0\x80"), 2u) << "overlong NUL";
  EXPECT_EQ(find_invalid_utf8("ok\xE0\x80\xAF"), 2u) << "overlong slash";
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0u) << "surrogate";
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0u) << "above U+10FFFF";
}

RC_GTEST_PROP(Utf8, EncodesAndDecodesEveryScalarValue, ()) {
  const auto code = *rc::gen::suchThat(rc::gen::inRange<std::uint32_t>(0, 0x110000),
                                       [](std::uint32_t c) { return c < 0xD800 || c > 0xDFFF; });
  std::string text;
  append_utf8(text, code);
  RC_ASSERT(!find_invalid_utf8(text));
  const DecodedCharacter character = decode_utf8(text, 0);
  RC_ASSERT(character.code == code);
  RC_ASSERT(character.length == text.size());
}

TEST(WordRole, KnowsTheScripts) {
  for (const char32_t letter : U"aZ9éßłΩжЯאبहคあ") {
    if (letter == U'あ' || letter == 0) continue;
    EXPECT_EQ(word_role(letter), WordRole::letter) << static_cast<std::uint32_t>(letter);
  }
  EXPECT_EQ(word_role(U'漢'), WordRole::ideograph);
  EXPECT_EQ(word_role(U'あ'), WordRole::ideograph);
  EXPECT_EQ(word_role(0x301), WordRole::mark);
  EXPECT_EQ(word_role(0x94D), WordRole::mark) << "virama";
  EXPECT_EQ(word_role(0xAD), WordRole::invisible) << "soft hyphen";
  EXPECT_EQ(word_role(0x200C), WordRole::invisible) << "zero width non-joiner";
  EXPECT_EQ(word_role(0x200B), WordRole::separator) << "zero width space";
  EXPECT_EQ(word_role(0x2019), WordRole::apostrophe);
  EXPECT_EQ(word_role(0x1F600), WordRole::separator) << "emoji";
  EXPECT_EQ(word_role(0xBD), WordRole::separator) << "one half";
}

TEST(FoldCase, FoldsOneCharacterToOne) {
  EXPECT_EQ(fold_case(U'É'), U'é');
  EXPECT_EQ(fold_case(U'Ж'), U'ж');
  EXPECT_EQ(fold_case(U'Σ'), U'σ');
  EXPECT_EQ(fold_case(U'ς'), U'σ');
  EXPECT_EQ(fold_case(U'ß'), U'ß');
  EXPECT_EQ(fold_case(U'漢'), U'漢');
}

}  // namespace
}  // namespace tapegrad::data
