#include "interrupt.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace tapegrad::tools {
namespace {

TEST(Interrupt, AsksOnceAndThenLetsGo) {
  const Interrupt interrupt;
  EXPECT_FALSE(Interrupt::requested());
  raise(SIGTERM);
  EXPECT_TRUE(Interrupt::requested());
  EXPECT_STREQ(Interrupt::name(), "SIGTERM");
  EXPECT_EQ(Interrupt::exit_status(), 128 + SIGTERM);
  EXPECT_EXIT(raise(SIGTERM), ::testing::KilledBySignal(SIGTERM), "");
}

// A frame on the stack that a product is computed on would land in the heap.
TEST(Interrupt, HasAStackOfItsOwnWhileItLives) {
  stack_t before, stack;
  ASSERT_EQ(sigaltstack(nullptr, &before), 0);
  {
    const Interrupt interrupt;
    for (const int signal : {SIGINT, SIGTERM}) {
      struct sigaction action {};
      ASSERT_EQ(sigaction(signal, nullptr, &action), 0);
      EXPECT_TRUE(action.sa_flags & SA_ONSTACK);
    }
    ASSERT_EQ(sigaltstack(nullptr, &stack), 0);
    EXPECT_FALSE(stack.ss_flags & SS_DISABLE);
    EXPECT_GE(stack.ss_size, static_cast<std::size_t>(MINSIGSTKSZ));
  }
  ASSERT_EQ(sigaltstack(nullptr, &stack), 0);
  EXPECT_EQ(stack.ss_flags, before.ss_flags);
}

}  // namespace
}  // namespace tapegrad::tools
