#include <gtest/gtest.h>

#include <limits>
#include <tapegrad/graph/internal/escape.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

TEST(Text, MakesAnyBytesUtf8) {
  EXPECT_EQ(valid_utf8("a輸😀\n"), "a輸😀\n");
  const std::string bad = "\uFFFD";
  EXPECT_EQ(valid_utf8("\x80"), bad);
  EXPECT_EQ(valid_utf8("\xC0\xAF"), bad + bad) << "overlong";
  EXPECT_EQ(valid_utf8("\xE0\x80\x80"), bad + bad + bad) << "overlong";
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), bad + bad + bad) << "surrogate";
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80"), bad + bad + bad + bad) << "beyond U+10FFFF";
  EXPECT_EQ(valid_utf8("\xE4\xB8"), bad + bad) << "cut off";
  EXPECT_EQ(valid_utf8(std::string_view("a\0b", 3)), std::string_view("a\0b", 3));
}

TEST(Text, CodePointsSurviveARoundTrip) {
  for (const char32_t c : {0x0U, 0x7FU, 0x80U, 0x7FFU, 0x800U, 0xFFFFU, 0x10000U, 0x10FFFFU}) {
    std::string text;
    append_code_point(text, c);
    std::string_view rest = text;
    EXPECT_EQ(take_code_point(rest), c);
    EXPECT_TRUE(rest.empty());
  }
}

TEST(Text, CountsUtf16Units) {
  EXPECT_EQ(utf16_units("abc"), 3U);
  EXPECT_EQ(utf16_units("é輸"), 2U);
  EXPECT_EQ(utf16_units("😀"), 2U);
}

TEST(Text, ShowsControlCharacters) {
  EXPECT_EQ(drawable("a\tb\r\nc"), "a b\nc");
  EXPECT_EQ(drawable(std::string_view("\0\x1B\x7F", 3)), "␀␛␡");
  // NOLINTNEXTLINE(misc-misleading-bidirectional)
  EXPECT_EQ(drawable("\u202Egpj.exe\u0085\uFFFE"), "\uFFFDgpj.exe\uFFFD\uFFFD");
}

TEST(Text, ShortensBetweenCodePoints) {
  EXPECT_EQ(shorten("abcdef", 6), "abcdef");
  EXPECT_EQ(shorten("abcdefg", 6), "abcd…g");
  EXPECT_EQ(shorten("一二三四五六", 4), "一二…六");
  EXPECT_EQ(shorten("abc", 2), "a…");
}

TEST(Text, NamesSeries) {
  EXPECT_EQ(range_name("layer0", "layer11"), "layer0…11");
  EXPECT_EQ(range_name("layer10", "layer19"), "layer10…19");
  EXPECT_EQ(range_name("query", "value"), "query…value");
  EXPECT_EQ(range_name("same", "same"), "same");
}

TEST(Text, WritesNumbersForPeople) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(-123456), "-123,456");
  EXPECT_EQ(metric(999), "999");
  EXPECT_EQ(metric(25'690'112), "25.7 M");
  EXPECT_EQ(bytes_text(512), "512 B");
  EXPECT_EQ(bytes_text(100'352), "98.0 KiB");
  EXPECT_EQ(duration_text(0.00125), "1.25 ms");
  EXPECT_EQ(number_text(std::numeric_limits<double>::quiet_NaN()), "nan");
  const std::vector<std::int64_t> shape{32, 784};
  EXPECT_EQ(shape_text(shape), "[32, 784]");
}

TEST(Text, KnowsHowWideATerminalDrawsIt) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("输入层"), 6U);
  EXPECT_EQ(display_width("e\u0301"), 1U);
  EXPECT_EQ(display_width("😀"), 2U);
}

struct Escape {
  std::string raw, escaped;
};

TEST(Escape, MermaidLabelsReadTheSameInBothModes) {
  const std::vector<Escape> cases = {
      {"vector<float>", "vector#lt;float#gt;"},
      {"say \"hi\"", "say 'hi'"},
      {"a & b", "a #amp; b"},
      {"&lt;", "#amp;lt;"},
      {"#34;", "#34 ;"},
      {"# 34", "# 34"},
      {"two\nlines", "two<br/>lines"},
      {"a<br/>b", "a#lt;br/#gt;b"},
      {"back\\nslash", "back\\ nslash"},
      {"%%{init: {}}%%", "%% {init: {}}%%"},
      {"`code`", " `code`"},
      {"$$x$$", "$ $x$ $"},
      {"$$$$", "$ $ $ $"},
      {"fa:fa-car", "fa: fa-car"},
      {"style a:<b>", "style a: #lt;b#gt;"},
      {"classDef x:#y;", "classDef x: #y ;"},
      {"ﬂ°lt¶ß", "ﬂ °lt¶ ß"},
      {"输入层", "输入层"},
      {"end", "end"},
      {"", ""},
  };
  for (const Escape& c : cases) EXPECT_EQ(mermaid_label(c.raw), c.escaped) << c.raw;
  EXPECT_EQ(mermaid_line("two\nlines <x>"), "two lines #lt;x#gt;");
}

TEST(Escape, DotAndXml) {
  EXPECT_EQ(dot_label("a<b> & \"c\"\n\\N"), "a&lt;b&gt; &amp; &quot;c&quot;<BR/>\\N");
  EXPECT_EQ(dot_string("a\"b\\N & \n"), "\"a\\\"b\\\\N &amp; \\n\"");
  EXPECT_EQ(xml_text("<a b=\"c\">&\n"), "&lt;a b=&quot;c&quot;&gt;&amp;&#10;");
}

}  // namespace
}  // namespace tapegrad::graph
