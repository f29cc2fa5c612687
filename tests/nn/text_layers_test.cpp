#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/pooling.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Embedding, LooksUpRows) {
  Embedding table(3, 2);
  table.weight.copy_from(tensor({1, 2, 3, 4, 5, 6}, {3, 2}));
  const Tensor rows = table(tensor({2, 0, 2}, i32));
  EXPECT_THAT(rows.values(), ElementsAre(5, 6, 1, 2, 5, 6));
  sum(rows).backward();
  ASSERT_TRUE(table.weight.grad().row_sparse());
  EXPECT_THAT(table.weight.grad().to_dense().values(), ElementsAre(1, 1, 0, 0, 2, 2));
  EXPECT_EQ(table(zeros({4, 5}, i64)).shape(), (Shape{4, 5, 2}));
}

TEST(Embedding, RefusesIdsThatAreNone) {
  struct Model : Module {
    Embedding words{*this, "words", 3, 2, {.sparse = false}};
  } model;
  EXPECT_THAT(message_of([&] { model.words(zeros({2})); }),
              HasSubstr("Embedding 'words': ids are f32 [2], expected i64 or i32"));
  EXPECT_THROW(model.words(tensor({3}, i64)), IndexError);
  EXPECT_THROW(Embedding(0, 2), ValueError);
  sum(model.words(tensor({1}, i64))).backward();
  EXPECT_FALSE(model.words.weight.grad().row_sparse());
}

TEST(GlobalAveragePooling1D, AgreesOnRaggedAndPaddedSequences) {
  GlobalAveragePooling1D pool;
  // Three sequences: [1], [2, 4], [].
  const Tensor ragged = tensor({1, 10, 2, 20, 4, 40}, {3, 2});
  EXPECT_THAT(pool(ragged, tensor({0, 1, 3, 3}, i64)).values(), ElementsAre(1, 10, 3, 30, 0, 0));
  const Tensor padded = tensor({1, 10, 7, 7, 2, 20, 4, 40, 7, 7, 7, 7}, {3, 2, 2});
  EXPECT_THAT(pool(padded, tensor({1, 0, 1, 1, 0, 0}, {3, 2}, boolean)).values(), ElementsAre(1, 10, 3, 30, 0, 0));
  EXPECT_THAT(pool(tensor({1, 2, 3, 4}, {1, 2, 2})).values(), ElementsAre(2, 3));
}

TEST(GlobalAveragePooling1D, ChecksShapes) {
  GlobalAveragePooling1D pool;
  EXPECT_THAT(message_of([&] { pool(zeros({3, 2})); }), HasSubstr("expected [B, L, D]"));
  EXPECT_THAT(message_of([&] {
                pool(zeros({3, 2, 2}), zeros({3, 3}, boolean));
              }),
              HasSubstr("input [3, 2, 2] and mask [3, 3]"));
  EXPECT_THAT(message_of([&] { pool(zeros({3, 2, 2}), zeros({4}, i64)); }), HasSubstr("expected [T, D] and [B + 1]"));
}

TEST(Dropout, ScalesWhatItKeepsWhileTrainingOnly) {
  seed(4);
  Dropout dropout(0.25);
  const Tensor x = parameter(ones({4000}));
  const Tensor y = dropout(x);
  std::int64_t kept = 0;
  for (double v : y.values()) {
    EXPECT_TRUE(v == 0 || std::abs(v - 4.0 / 3) < 1e-6);
    kept += v != 0;
  }
  EXPECT_NEAR(static_cast<double>(kept), 3000, 4 * 27.4);
  sum(y).backward();
  EXPECT_EQ(x.grad().values(), y.values());
  EXPECT_NE(dropout(x).values(), y.values());
  dropout.eval();
  EXPECT_EQ(dropout(x).values(), x.values());
  EXPECT_THROW(Dropout(1), ValueError);
}

TEST(Losses, AreMeansOverTheSamples) {
  const Tensor outputs = tensor({1, -2}, f64), targets = tensor({0, 1}, f64);
  EXPECT_DOUBLE_EQ(nn::mse_loss(outputs, targets).item(), 5);
  EXPECT_DOUBLE_EQ(nn::l1_loss(outputs, targets).item(), 2);
  // ln(1 + e) for a positive where 0 is right, ln(1 + e²) for -2 where 1 is.
  EXPECT_NEAR(nn::binary_cross_entropy_with_logits(outputs, targets).item(),
              (1.3132616875182228 + 2.1269280110429727) / 2, 1e-15);
  EXPECT_NEAR(nn::cross_entropy(tensor({0, 0, 0}, {1, 3}, f64), tensor({1}, i64)).item(), 1.0986122886681098, 1e-15);
  EXPECT_THAT(message_of([] {
                nn::mse_loss(zeros({3, 1}), zeros({3}));
              }),
              HasSubstr("prediction is [3, 1], target [3]"));
  // The names mean in nn what they mean outside: no logits are taken for probabilities.
  EXPECT_EQ(nn::binary_cross_entropy(outputs * 0.25 + 0.6, targets).item(),
            tapegrad::binary_cross_entropy(outputs * 0.25 + 0.6, targets).item());
}

}  // namespace
}  // namespace tapegrad::nn
