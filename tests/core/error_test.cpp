#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <tapegrad/core/error.hpp>

namespace tapegrad {
namespace {

template <class E>
class ErrorKind : public ::testing::Test {};
using Kinds =
    ::testing::Types<ShapeError, DTypeError, ValueError, IndexError, GraphError, AnomalyError, IoError, ProcessError>;
TYPED_TEST_SUITE(ErrorKind, Kinds);

TYPED_TEST(ErrorKind, IsCaughtAsErrorWithItsText) {
  try {
    throw TypeParam("matmul: inner sizes differ");
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "matmul: inner sizes differ");
    return;
  }
  FAIL() << "not caught as tapegrad::Error";
}

TYPED_TEST(ErrorKind, IsCaughtByProgramsThatKnowOnlyTheStandardLibrary) {
  EXPECT_THROW(throw TypeParam("text"), std::runtime_error);
}

}  // namespace
}  // namespace tapegrad
