#include <tapegrad/tapegrad.hpp>

#include <gtest/gtest.h>

TEST(Gtest, IncludedAfter) { EXPECT_FALSE(tapegrad::version().empty()); }
