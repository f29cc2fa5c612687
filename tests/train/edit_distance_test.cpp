#include <gtest/gtest.h>

#include <string_view>
#include <tapegrad/train/edit_distance.hpp>

namespace tapegrad::train {
namespace {

std::int64_t distance(std::string_view a, std::string_view b) { return edit_distance(std::span(a), std::span(b)); }

TEST(EditDistance, ByHand) {
  EXPECT_EQ(distance("kitten", "sitting"), 3) << "k to s, e to i, and g";
  EXPECT_EQ(distance("sitting", "kitten"), 3);
  EXPECT_EQ(distance("sunday", "saturday"), 3) << "a and t come in, n becomes r";
  EXPECT_EQ(distance("", "abc"), 3);
  EXPECT_EQ(distance("abc", ""), 3);
  EXPECT_EQ(distance("", ""), 0);
  EXPECT_EQ(distance("abc", "abc"), 0);
  EXPECT_EQ(distance("ab", "ba"), 2) << "an exchange is two edits";
}

}  // namespace
}  // namespace tapegrad::train
