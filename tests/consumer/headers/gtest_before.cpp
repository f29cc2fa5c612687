#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>

TEST(Gtest, IncludedBefore) { EXPECT_FALSE(tapegrad::version().empty()); }
