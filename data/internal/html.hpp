#pragma once
// Text out of the HTML that reviews, mails and scraped pages carry.

#include <string>
#include <string_view>

namespace tapegrad::data {

/// The text of `html`: each tag and comment becomes one space, scripts and style sheets go, character references
/// (`&amp;`, `&eacute;`, `&#8217;`, `&#x2019;`) become the character. What only looks like markup ("a < b", "<3",
/// "AT&T;", a tag that never ends) stays as it is. Never fails; takes time in proportion to the length.
std::string strip_html(std::string_view html);

/// The same, into `text`, whose capacity is used again.
void strip_html(std::string_view html, std::string& text);

}  // namespace tapegrad::data
