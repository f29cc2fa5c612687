// Members of aggregates, by number and name.

#include <tapegrad/op/members.hpp>

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace tapegrad::op {
namespace {

struct None {};
struct Three {
  int first_one;
  std::vector<int> list;
  std::string x2;
};
template <class T>
struct Outer {
  struct In {
    T value;
    double _scale;
  };
};

TEST(Members, AreCountedAndNamed) {
  EXPECT_EQ(kMembers<None>, 0u);
  EXPECT_EQ(kMembers<Three>, 3u);
  EXPECT_THAT(kMemberNames<Three>, ::testing::ElementsAre("first_one", "list", "x2"));
  EXPECT_THAT(kMemberNames<Outer<std::string>::In>, ::testing::ElementsAre("value", "_scale"));
  static_assert(kMemberNames<Three>[1] == "list", "at compile time");
}

TEST(Members, AreVisitedInOrderAndMayBeChanged) {
  Three three{1, {2, 3}, "four"};
  for_members(three, [](auto& m) {
    if constexpr (requires { m.push_back(5); }) m.push_back(5);
  });
  EXPECT_THAT(three.list, ::testing::ElementsAre(2, 3, 5));
  EXPECT_EQ(three.x2.back(), 5);
  const Three& fixed = three;
  EXPECT_EQ(with_members(fixed, [](const auto& a, const auto& b,
                                   const auto& c) { return static_cast<std::size_t>(a) + b.size() + c.size(); }),
            9u);
}

}  // namespace
}  // namespace tapegrad::op
