#include <gmock/gmock.h>

#include <set>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Bilinear, MultipliesBothSides) {
  Bilinear layer(2, 3, 2, {.dtype = f64});
  layer.weight.copy_from(tensor({1, 2, 3, 4, 5, 6, 0, 1, 0, 1, 0, 1}, Shape{2, 2, 3}, f64));
  layer.bias.copy_from(tensor({10, 20}, f64));
  // x1ᵀ W x2 for [1, 2] and [1, 0, -1]: W0 gives (1 - 3) + 2 (4 - 6), W1 gives 0 + 2 (1 - 1).
  EXPECT_THAT(layer(tensor({1, 2}, f64), tensor({1, 0, -1}, f64)).values(), ElementsAre(4, 20));
  Rng rng(1);
  const auto f = [&](const Tensor& a, const Tensor& b) { return layer(a, b); };
  EXPECT_THAT(f, HasCorrectGradients({randn({2, 2, 2}, f64, rng), randn({2, 2, 3}, f64, rng)}, {.order = 2}));
  EXPECT_THAT(message_of([&] {
                layer(zeros({4, 2}, f64), zeros({3, 3}, f64));
              }),
              HasSubstr("Bilinear: inputs [4, 2] and [3, 3], expected [..., 2] and [..., 3]"));
  EXPECT_THROW(Bilinear(2, 0, 1), ValueError);
}

TEST(Residual, AddsItsInput) {
  Residual block{Linear(2, 2, {.weight_init = init::ones()}), relu};
  EXPECT_THAT(block(tensor({1, 2, -3, 1}, {2, 2})).values(), ElementsAre(4, 5, -3, 1));
  EXPECT_EQ(block.named_parameters()[0].name, "body.0.weight");
  Residual wrong{Linear(2, 3)};
  EXPECT_THAT(message_of([&] { wrong(zeros({1, 2})); }), HasSubstr("turn [1, 2] into [1, 3]"));
  const Residual copy = block;
  EXPECT_EQ(copy.parameter_count(), 6);
}

TEST(Dropout2d, DropsWholeMaps) {
  seed(3);
  Dropout2d layer(0.25);
  const Tensor y = layer(ones({40, 5, 2, 3}));
  std::int64_t kept = 0;
  for (std::int64_t b = 0; b < 40; ++b)
    for (std::int64_t c = 0; c < 5; ++c) {
      const auto map = select(select(y, 0, b), 0, c).values();
      const std::set<double> values(map.begin(), map.end());
      ASSERT_EQ(values.size(), 1u);
      if (*values.begin() == 0) continue;
      EXPECT_FLOAT_EQ(static_cast<float>(*values.begin()), 1 / 0.75f);
      ++kept;
    }
  EXPECT_NEAR(static_cast<double>(kept) / 200, 0.75, 0.1);
  layer.eval();
  const Tensor x = ones({1, 2, 2});
  EXPECT_TRUE(layer(x).same_as(x));
  EXPECT_THROW(Dropout2d(1), ValueError);
  EXPECT_THAT(message_of([&] { layer(ones({2})); }), HasSubstr("input [2], expected [B, C, ...]"));
}

TEST(EmbeddingBag, ReducesEachBag) {
  const Tensor table = tensor({1, 2, 3, 4, 5, 6}, {3, 2}), ids = tensor({0, 2, 1}, i32),
               offsets = tensor({0, 2, 2, 3}, i64);
  const auto run = [&](BagMode mode) {
    EmbeddingBag bag(3, 2, mode);
    bag.weight.copy_from(table);
    return bag(ids, offsets).values();
  };
  EXPECT_THAT(run(BagMode::mean), ElementsAre(3, 4, 0, 0, 3, 4));
  EXPECT_THAT(run(BagMode::sum), ElementsAre(6, 8, 0, 0, 3, 4));
  EXPECT_THAT(run(BagMode::max), ElementsAre(5, 6, 0, 0, 3, 4));
  EmbeddingBag bag(3, 2);
  sum(bag(ids, offsets)).backward();
  EXPECT_TRUE(bag.weight.grad().row_sparse());
  EXPECT_THROW(EmbeddingBag(0, 2), ValueError);
}

}  // namespace
}  // namespace tapegrad::nn
