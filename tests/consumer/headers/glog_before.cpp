#include <glog/logging.h>

#include <tapegrad/tapegrad.hpp>

#include <gtest/gtest.h>

TEST(Glog, IncludedBefore) {
  CHECK(!tapegrad::version().empty()) << "no version";
  LOG(INFO) << tapegrad::version();
}
