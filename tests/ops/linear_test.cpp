#include <gtest/gtest.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/linear.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

/// x of a shape [..., 3], a weight [2, 3] and a bias [2] in one tensor.
struct Packed {
  Packed(const Tensor& flat, const Shape& shape)
      : x(reshape(slice(flat, 0, 0, shape.numel()), shape)),
        weight(reshape(slice(flat, 0, shape.numel(), shape.numel() + 6), {2, 3})),
        bias(slice(flat, 0, shape.numel() + 6, shape.numel() + 8)) {}
  Tensor x, weight, bias;
};

TEST(Linear, AgreesWithItsCompositionToTheThirdOrder) {
  Rng rng(3);
  for (const Shape& shape : {Shape{3}, Shape{1, 3}, Shape{4, 3}, Shape{2, 2, 3}})
    for (const bool bias : {false, true}) {
      SCOPED_TRACE(to_string(shape) + (bias ? " with a bias" : ""));
      // Squared, so that there is something to differentiate a third time.
      const auto fused = [&](const Tensor& flat) {
        const Packed p(flat, shape);
        const Tensor y = linear(p.x, p.weight, bias ? p.bias : Tensor());
        return y * y;
      };
      const auto composed = [&](const Tensor& flat) {
        const Packed p(flat, shape);
        const Tensor y = bias ? matmul(p.x, transpose(p.weight)) + p.bias : matmul(p.x, transpose(p.weight));
        return y * y;
      };
      expect_twins(fused, composed, randn({shape.numel() + 8}, f64, rng), 3);
    }
}

TEST(Linear, GivesTheSameBitsInAnyBatchAndOnAnyNumberOfThreads) {
  Rng rng(4);
  const Tensor x = randn({300, 200}, f32, rng), weight = randn({500, 200}, f32, rng), bias = randn({500}, f32, rng);
  const int before = num_threads();
  set_num_threads(1);
  const Tensor y = linear(x, weight, bias), some = linear(slice(x, 0, 17, 40), weight, bias);
  set_num_threads(2);
  const Tensor again = linear(x, weight, bias);
  set_num_threads(before);
  EXPECT_EQ(again.values(), y.values());
  EXPECT_EQ(some.values(), slice(y, 0, 17, 40).values());
}

TEST(Linear, HasGradientsThatLieAsTheirOperands) {
  const Tensor x = parameter(ones({4, 3})), weight = parameter(ones({2, 3})), bias = parameter(ones({2}));
  sum(linear(x, weight, bias)).backward();
  for (const Tensor& operand : {x, weight, bias}) {
    EXPECT_EQ(operand.grad().shape(), operand.shape());
    EXPECT_TRUE(operand.grad().is_contiguous());
  }
}

TEST(Linear, OfNoInputsIsTheBias) {
  EXPECT_EQ(linear(zeros({2, 0}), zeros({3, 0}), tensor({1, 2, 3})).values(), (std::vector<double>{1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(linear(zeros({2, 0}), zeros({3, 0})).values(), std::vector<double>(6));
}

}  // namespace
}  // namespace tapegrad::tests
