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

}  // namespace
}  // namespace tapegrad::tools
