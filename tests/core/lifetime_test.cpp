// A value's buffer lives while a handle, or a node that declared it needs it, holds it; the record lives while anything
// downstream does.

#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

// With its header a buffer fills a block of one MiB, far above what nodes take.
const Shape kShape{480, 480};

/// Megabytes that came to life since it was made.
class Growth {
 public:
  double megabytes() const { return static_cast<double>(memory::stats().live_bytes - before_) / (1 << 20); }

 private:
  std::uint64_t before_ = memory::stats().live_bytes;
};

void expect_buffers(const Growth& growth, double count) { EXPECT_NEAR(growth.megabytes(), count, 0.15); }

struct Lifetime : ::testing::Test {
  Tensor p = parameter(ones(kShape)), q = parameter(ones(kShape));
};

TEST_F(Lifetime, ASumKeepsNoBuffer) {
  const Growth growth;
  Tensor a = p + 1, b = q + 1;
  Tensor y = a + b;
  expect_buffers(growth, 3);
  a = b = Tensor();
  expect_buffers(growth, 1);
  sum(y).backward();
  EXPECT_EQ(p.grad().at({3, 4}), 1);
}

TEST_F(Lifetime, ReluKeepsItsOutput) {
  const Growth growth;
  Tensor x = p + 1;
  Tensor y = relu(x);
  x = Tensor();
  expect_buffers(growth, 1);
  Tensor z = y + 1;
  y = Tensor();
  expect_buffers(growth, 2);
  z = Tensor();
  expect_buffers(growth, 0);
}

TEST_F(Lifetime, MatmulKeepsBothInputs) {
  const Growth growth;
  Tensor a = p + 1, b = q + 1;
  Tensor y = matmul(a, b);
  a = b = Tensor();
  expect_buffers(growth, 3);
  y = Tensor();
  expect_buffers(growth, 0);
}

TEST_F(Lifetime, AProductKeepsOnlyWhatSomeGradientReads) {
  const Growth growth;
  Tensor a = p + 1;
  const Tensor constant = ones(kShape);
  Tensor y = a * constant;
  a = Tensor();
  expect_buffers(growth, 2);
}

TEST_F(Lifetime, BackwardLetsGoOfWhatWasSaved) {
  const Growth growth;
  Tensor y = sum(exp(relu(p)) * q);
  expect_buffers(growth, 2);
  y.backward();
  expect_buffers(growth, 2);  // the two gradients
  p.clear_grad();
  q.clear_grad();
  expect_buffers(growth, 0);
  EXPECT_FALSE(y.is_leaf()) << "the record stays, for pictures";
}

TEST_F(Lifetime, RetainedGraphsKeepIt) {
  const Growth growth;
  Tensor y = sum(exp(relu(p)));
  y.backward({.retain_graph = true});
  expect_buffers(growth, 3);
  y = Tensor();
  expect_buffers(growth, 1);
}

TEST_F(Lifetime, NothingIsRecordedForConstantsOrUnderNoGrad) {
  const Growth growth;
  const Tensor c = exp(tanh(ones(kShape)));
  expect_buffers(growth, 1);
  const NoGrad off;
  const Tensor d = exp(tanh(p));
  expect_buffers(growth, 2);
  EXPECT_FALSE(d.requires_grad());
}

TEST_F(Lifetime, EverythingIsGivenBack) {
  const auto blocks = memory::stats().live_blocks;
  {
    const Tensor x = parameter(ones({7, 5})), w = parameter(ones({5, 3}));
    const Tensor loss = mean(square(tanh(matmul(x, w))));
    const Tensor inputs[] = {w}, outputs[] = {loss};
    const Tensor g = grad(outputs, inputs, {}, {.create_graph = true})[0];
    sum(square(g)).backward();
  }
  EXPECT_EQ(memory::stats().live_blocks, blocks);
}

}  // namespace
}  // namespace tapegrad
