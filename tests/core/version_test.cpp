#include <gmock/gmock.h>

#include <string>
#include <tapegrad/core/version.hpp>

namespace tapegrad {
namespace {

TEST(Version, IsThreeNumbersWithDots) {
  EXPECT_THAT(std::string(version()), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

}  // namespace
}  // namespace tapegrad
