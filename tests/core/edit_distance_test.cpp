#include <gtest/gtest.h>

#include <string_view>
#include <tapegrad/core/edit_distance.hpp>

namespace tapegrad {
namespace {

std::size_t distance(std::string_view a, std::string_view b) { return edit_distance(a, b); }

TEST(EditDistance, ByHand) {
  EXPECT_EQ(distance("kitten", "sitting"), 3U) << "k to s, e to i, and g";
  EXPECT_EQ(distance("sitting", "kitten"), 3U);
  EXPECT_EQ(distance("sunday", "saturday"), 3U) << "a and t come in, n becomes r";
  EXPECT_EQ(distance("", "abc"), 3U);
  EXPECT_EQ(distance("abc", ""), 3U);
  EXPECT_EQ(distance("", ""), 0U);
  EXPECT_EQ(distance("abc", "abc"), 0U);
  EXPECT_EQ(distance("ab", "ba"), 2U) << "an exchange is two edits";
}

}  // namespace
}  // namespace tapegrad
