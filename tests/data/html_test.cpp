#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tapegrad/data/internal/html.hpp>
#include <tapegrad/data/internal/unicode.hpp>

namespace tapegrad::data {
namespace {

TEST(StripHtml, LeavesPlainTextAlone) {
  for (const std::string text : {"", "a film", "1 < 2 and 3 > 2", "I <3 it", "AT&T; R&D", "fish & chips", "&", "<",
                                 "&;", "x <b", "if a<b then <i", "&#;", "&#x;", "&#xD800;", "&#0;", "&#1114112;",
                                 "&#99999999999999999999;", "&nosuchname;", "Ünïcode"}) {
    EXPECT_EQ(strip_html(text), text);
  }
}

TEST(StripHtml, TurnsTagsIntoSpaces) {
  EXPECT_EQ(strip_html("good.<br /><br />Bad"), "good.  Bad");
  EXPECT_EQ(strip_html("<p class=\"a\">one</p>"), " one ");
  EXPECT_EQ(strip_html("a<!-- <b>no</b> -->b"), "a b");
  EXPECT_EQ(strip_html("<!DOCTYPE html>x<?xml?>"), " x ");
}

TEST(StripHtml, ResolvesReferencesOnce) {
  EXPECT_EQ(strip_html("fish &amp; chips"), "fish & chips");
  EXPECT_EQ(strip_html("caf&eacute; &Eacute;"), "café É");
  EXPECT_EQ(strip_html("don&#39;t don&#x2019;t"), "don't don’t");
  EXPECT_EQ(strip_html("&lt;b&gt;"), "<b>");
  EXPECT_EQ(strip_html("&amp;lt;"), "&lt;");
}

TEST(StripHtml, DropsScriptsAndStyleSheets) {
  EXPECT_EQ(strip_html("a<script>if (x<y) z()</script>b"), "a b");
  EXPECT_EQ(strip_html("a<STYLE type='t'>p{}</Style >b"), "a b");
  EXPECT_EQ(strip_html("<scripture>kept</scripture>"), " kept ");
  EXPECT_EQ(strip_html("<script>never closed"), " never closed");
  EXPECT_EQ(strip_html("<script>open <style>x</style>y"), " open  y");
}

RC_GTEST_PROP(StripHtml, KeepsUtf8AndNeverGrows, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("<", ">", "&", ";", "&amp;", "&#233;", "<br>", "<!--", "-->", "<script>",
                                    "</script>", "/", "é", "漢", " ", "a", "#x"));
  std::string html;
  for (const std::string& part : parts) html += part;
  const std::string text = strip_html(html);
  RC_ASSERT(!find_invalid_utf8(text));
  RC_ASSERT(text.size() <= html.size());
}

// Each of these would take hours if a search that fails were begun anew for every part.
TEST(StripHtml, TakesLinearTimeOnUnclosedMarkup) {
  for (const std::string part : {"<!--", "<script>", "<script></", "</script", "<a", "&#", "<style>x", "</", "<"}) {
    std::string html = "<script>";
    while (html.size() < 8'000'000) html += part;
    EXPECT_GT(strip_html(html).size(), html.size() / 16) << part;
  }
}

}  // namespace
}  // namespace tapegrad::data
