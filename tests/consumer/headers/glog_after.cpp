#include <tapegrad/tapegrad.hpp>

#include <glog/logging.h>

#include <gtest/gtest.h>

TEST(Glog, IncludedAfter) {
  CHECK(!tapegrad::version().empty()) << "no version";
  LOG(INFO) << tapegrad::version();
}
