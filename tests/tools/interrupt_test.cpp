#include "interrupt.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>

namespace tapegrad::tools {
namespace {

TEST(Interrupt, EndsWhatHasNotBegun) {
  EXPECT_EXIT(
      {
        interrupt::install();
        raise(SIGHUP);
      },
      ::testing::ExitedWithCode(128 + SIGHUP), "stopped by SIGHUP before the training began");
}

TEST(Interrupt, LeavesIgnoredSignalsAlone) {
  EXPECT_EXIT(
      {
        ::signal(SIGHUP, SIG_IGN);
        interrupt::install();
        raise(SIGHUP);
        ::_exit(7);
      },
      ::testing::ExitedWithCode(7), "^$");
}

TEST(Interrupt, AsksHoweverOften) {
  EXPECT_EXIT(
      {
        interrupt::install();
        interrupt::defer();
        const bool before = interrupt::requested();
        raise(SIGTERM);
        raise(SIGINT);
        raise(SIGTERM);
        ::_exit(!before && interrupt::requested() && interrupt::name() == std::string("SIGTERM") &&
                        interrupt::exit_status() == 128 + SIGTERM
                    ? 0
                    : 1);
      },
      ::testing::ExitedWithCode(0), "SIGTERM: saves what is trained");
}

}  // namespace
}  // namespace tapegrad::tools
