#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

Tensor ids(std::initializer_list<double> values) { return tensor(values, i64); }

TEST(RowSparse, SumsRowsListedTwice) {
  const Tensor t = make_row_sparse({4, 2}, ids({3, 0, 3}), tensor({1, 2, 3, 4, 5, 6}, Shape{3, 2}));
  ASSERT_NE(t.row_sparse(), nullptr);
  EXPECT_THAT(t.row_sparse()->indices.values(), ElementsAre(3, 0));
  EXPECT_THAT(t.row_sparse()->values.values(), ElementsAre(6, 8, 3, 4));
  EXPECT_THAT(t.to_dense().values(), ElementsAre(3, 4, 0, 0, 0, 0, 6, 8));
}

TEST(RowSparse, RefusesRowsOutsideTheShape) {
  EXPECT_THROW(make_row_sparse({2, 1}, ids({0, 2}), zeros({2, 1})), IndexError);
  EXPECT_THROW(make_row_sparse({2, 1}, ids({0, -1}), zeros({2, 1})), IndexError);
  EXPECT_THROW(make_row_sparse({2, 1}, ids({0}), zeros({2, 1})), ShapeError);
}

TEST(RowSparse, AddsToGradientsOfEitherKind) {
  Rng rng(1);
  const Tensor table = parameter(randn({4, 2}, f64, rng)), first = ids({3, 1}), second = ids({1, 0, 1});
  const auto looked_up = [&](const Tensor& rows) { return sum(pow(embedding(table, rows, {.sparse = true}), 3)); };
  const auto chosen = [&](const Tensor& rows) { return sum(pow(matmul(cast(one_hot(rows, 4), f64), table), 3)); };
  const auto dense = [&] { return sum(exp(table)); };
  struct Case {
    Tensor sparse, twin;
    bool stays_sparse;
  };
  const Case cases[] = {{looked_up(first) + looked_up(second), chosen(first) + chosen(second), true},
                        {looked_up(first) + dense(), chosen(first) + dense(), false},
                        {dense() + looked_up(second), dense() + chosen(second), false}};
  for (const Case& c : cases) {
    const Tensor once = grad({{c.sparse}}, {{table}}, {}, {.retain_graph = true})[0];
    EXPECT_EQ(once.row_sparse() != nullptr, c.stays_sparse);
    const Tensor wanted = grad(c.twin, table, {.create_graph = true});
    EXPECT_THAT(once.to_dense().values(), Pointwise(DoubleNear(1e-12), wanted.values()));
    const Tensor again = grad(c.sparse, table, {.create_graph = true});
    EXPECT_THAT(grad(sum(square(again)), table).to_dense().values(),
                Pointwise(DoubleNear(1e-11), grad(sum(square(wanted)), table).values()));
  }
}

TEST(RowSparse, AddsToWhatEarlierPassesLeft) {
  Rng rng(1);
  Tensor table = parameter(randn({4, 2}, f64, rng));
  const auto sparse = [&] { return sum(pow(embedding(table, ids({3, 1}), {.sparse = true}), 3)); };
  const auto dense = [&] { return sum(exp(table)); };
  const auto both = [&](const Tensor& first, const Tensor& second, bool create_graph) {
    table.clear_grad();
    first.backward();
    second.backward({.create_graph = create_graph});
    return table.grad();
  };
  const Tensor of_sparse = grad(sparse(), table), of_dense = grad(dense(), table);
  const auto twice = (of_sparse * 2).values(), one_each = (of_sparse + of_dense).values();
  EXPECT_NE(both(sparse(), sparse(), false).row_sparse(), nullptr);
  EXPECT_EQ(both(sparse(), sparse(), false).to_dense().values(), twice);
  EXPECT_EQ(both(sparse(), dense(), false).values(), one_each);
  EXPECT_EQ(both(dense(), sparse(), false).values(), one_each);
  const Tensor recorded = both(sparse(), dense(), true);
  EXPECT_EQ(recorded.values(), one_each);
  EXPECT_EQ(grad(sum(recorded), table).values(), of_dense.values());
  table.clear_grad();  // a recorded gradient refers to the leaf that holds it
}

TEST(RowSparse, ManyRowsSumAsDenseOnesDo) {
  Rng rng(1);
  const Tensor rows = randint(0, 300, {5000}, rng), values = randn({5000, 64}, f32, rng);
  const Tensor sparse = make_row_sparse({300, 64}, rows, values);
  EXPECT_LE(sparse.row_sparse()->indices.numel(), 300);
  // Both add the same numbers in the same order.
  EXPECT_EQ(sparse.to_dense().values(), index_add(zeros({300, 64}), 0, rows, values).values());
}

TEST(Embedding, SparseGradientHoldsTheUsedRows) {
  const Tensor table = parameter(randn({5, 2}));
  sum(embedding(table, ids({4, 1, 4}), {.sparse = true})).backward();
  const RowSparse* rows = table.grad().row_sparse();
  ASSERT_NE(rows, nullptr);
  EXPECT_THAT(rows->indices.values(), ElementsAre(4, 1));
  EXPECT_THAT(rows->values.values(), ElementsAre(2, 2, 1, 1));
}

TEST(Embedding, SparseGradientsAccumulateOverPasses) {
  const Tensor table = parameter(zeros({5, 1}));
  for (const double row : {4, 1, 4}) sum(embedding(table, ids({row}), {.sparse = true})).backward();
  ASSERT_NE(table.grad().row_sparse(), nullptr);
  EXPECT_THAT(table.grad().row_sparse()->indices.values(), ElementsAre(4, 1));
  EXPECT_THAT(table.grad().to_dense().values(), ElementsAre(0, 1, 0, 0, 2));
}

TEST(Embedding, TiedTableGetsBothGradients) {
  const Tensor table = parameter(ones({3, 2}));
  (sum(embedding(table, ids({2, 2}), {.sparse = true})) + sum(table * 10)).backward();
  EXPECT_EQ(table.grad().row_sparse(), nullptr);
  EXPECT_THAT(table.grad().values(), ElementsAre(10, 10, 10, 10, 12, 12));
}

TEST(Embedding, SparseGradientIsTheLeafsOwn) {
  const Tensor table = parameter(zeros({3, 1})), other = parameter(zeros({2, 1}));
  (embedding(table, ids({0, 1}), {.sparse = true}) + other).backward(tensor({1, 2}, Shape{2, 1}));
  Tensor values = table.grad().row_sparse()->values;
  values.fill(7);
  EXPECT_THAT(other.grad().values(), ElementsAre(1, 2));
}

TEST(Embedding, SecondOrderIsDense) {
  const Tensor table = parameter(tensor({1, 2, 3}, Shape{3, 1}, f64));
  const Tensor y = sum(square(embedding(table, ids({2, 2, 0}), {.sparse = true})));
  const Tensor first = grad(y, table, {.create_graph = true});
  EXPECT_THAT(first.values(), ElementsAre(2, 0, 12));
  EXPECT_THAT(grad(sum(square(first)), table).to_dense().values(), ElementsAre(8, 0, 96));
}

TEST(Embedding, IdsChangedInPlaceAreNoticed) {
  const Tensor table = parameter(zeros({3, 1}));
  Tensor which = ids({0, 1});
  const Tensor y = sum(embedding(table, which));
  which.mutable_data<std::int64_t>()[0] = 2;
  EXPECT_THROW(y.backward(), GraphError);
}

TEST(Take, ThreadsDoNotChangeBits) {
  Rng rng(2);
  const Tensor rows = randint(0, 1000, {20000}, rng), source = randn({20000, 16}, f32, rng);
  const int before = num_threads();
  set_num_threads(1);
  const auto one = index_add(zeros({1000, 16}), 0, rows, source).values();
  const auto taken = take(source, rows, 0).values();
  set_num_threads(4);
  EXPECT_EQ(one, index_add(zeros({1000, 16}), 0, rows, source).values());
  EXPECT_EQ(taken, take(source, rows, 0).values());
  set_num_threads(before);
}

TEST(Take, WithoutAnAxisReadsTheFlattenedTensor) {
  EXPECT_THAT(take(tensor({1, 2, 3, 4}, Shape{2, 2}), tensor({3, -4}, Shape{1, 2}, i64)).values(), ElementsAre(4, 1));
}

TEST(IndexSelect, WantsOneAxisOfIndices) { EXPECT_THROW(index_select(zeros({3}), 0, zeros({1, 1}, i64)), ShapeError); }

TEST(Concat, PromotesDtypes) {
  const Tensor joined = concat({tensor({1}, i64), tensor({2.5}, f32)});
  EXPECT_EQ(joined.dtype(), f32);
  EXPECT_THAT(joined.values(), ElementsAre(1, 2.5));
}

TEST(SegmentMean, EqualsMaskedMeanOfThePaddedRows) {
  const Tensor ragged = tensor({1, 2, 3, 4, 5, 6}, Shape{3, 2}), padded = tensor({1, 2, 0, 0, 3, 4, 5, 6}, {2, 2, 2});
  const Tensor mask = tensor({1, 0, 1, 1}, Shape{2, 2}, boolean);
  EXPECT_EQ(segment_mean(ragged, ids({0, 1, 3})).values(), masked_mean(padded, mask).values());
}

TEST(EmbeddingBag, EqualsSegmentsOfAnEmbedding) {
  Rng rng(3);
  const Tensor table = randn({50, 4}, f64, rng), which = randint(0, 50, {30}, rng), offsets = ids({0, 7, 7, 12, 30});
  for (const BagMode mode : {BagMode::sum, BagMode::mean, BagMode::max})
    for (const bool sparse : {false, true}) {
      const Tensor fused = parameter(table), composed = parameter(table);
      const Tensor rows = embedding(composed, which);
      const Tensor y = embedding_bag(fused, which, offsets, {mode, sparse});
      const Tensor z = mode == BagMode::sum    ? segment_sum(rows, offsets)
                       : mode == BagMode::mean ? segment_mean(rows, offsets)
                                               : segment_max(rows, offsets);
      EXPECT_EQ(y.values(), z.values());
      const Tensor cotangent = randn(y.shape(), f64, rng);
      y.backward(cotangent);
      z.backward(cotangent);
      EXPECT_EQ(fused.grad().row_sparse() != nullptr, sparse);
      const auto left = fused.grad().to_dense().values(), right = composed.grad().values();
      for (std::size_t i = 0; i < left.size(); ++i) EXPECT_NEAR(left[i], right[i], 1e-14);
    }
}

TEST(EmbeddingBag, WeighsEachId) {
  const Tensor table = parameter(tensor({1, 2, 3, 4, 5, 6}, {3, 2}, f64)), weights = parameter(tensor({2, -1, 3}, f64));
  for (const bool sparse : {false, true}) {
    const Tensor y = embedding_bag(table, ids({2, 0, 2}), ids({0, 2, 2, 3}),
                                   {.mode = BagMode::sum, .sparse = sparse, .weights = weights});
    EXPECT_THAT(y.values(), ElementsAre(9, 10, 0, 0, 15, 18));
    const Tensor outputs[] = {y}, wrt[] = {table, weights}, seeds[] = {tensor({1, 2, 3, 4, 5, 6}, {3, 2}, f64)};
    const auto gradients = grad(outputs, wrt, seeds);
    EXPECT_EQ(gradients[0].row_sparse() != nullptr, sparse);
    EXPECT_THAT(gradients[0].to_dense().values(), ElementsAre(-1, -2, 0, 0, 17, 22));
    EXPECT_THAT(gradients[1].values(), ElementsAre(17, 5, 61));
  }
  EXPECT_THROW(embedding_bag(table, ids({0}), ids({0, 1}), {.mode = BagMode::sum, .weights = weights}), ShapeError);
  EXPECT_THROW(embedding_bag(table, ids({0, 1, 2}), ids({0, 3}), {.weights = weights}), ValueError);
  EXPECT_THROW(embedding_bag(table, ids({0, 1, 2}), ids({0, 3}), {.mode = BagMode::max, .weights = weights}),
               ValueError);
}

TEST(MaskedMean, OfNothingPassesAnomalyMode) {
  const AnomalyMode on;
  const Tensor x = parameter(ones({2, 3}, f64));
  for (const bool recorded : {false, true}) {
    const Tensor y = sum(masked_mean(x, tensor({1, 0, 0, 0, 0, 0}, {2, 3}, boolean)));
    EXPECT_THAT(grad(y, x, {.create_graph = recorded}).values(), ElementsAre(1, 0, 0, 0, 0, 0));
  }
}

TEST(SegmentMax, ANaNWinsItsRun) {
  const Tensor x = parameter(tensor({1, NAN, 3, 4}, f64));
  const Tensor y = segment_max(x, ids({0, 3, 4}));
  EXPECT_TRUE(std::isnan(y.values()[0]));
  y.backward(tensor({5, 7}, f64));
  EXPECT_THAT(x.grad().values(), ElementsAre(0, 5, 0, 7));
}

TEST(Gather, LargeOnesAreTheSameAtAnyNumberOfThreads) {
  Rng rng(2);
  const Tensor which = randint(0, 50, {600, 300}, rng), source = randn({600, 300}, f32, rng);
  const int before = num_threads();
  set_num_threads(1);
  const auto one = scatter_add(zeros({600, 50}), 1, which, source).values();
  set_num_threads(4);
  EXPECT_EQ(one, scatter_add(zeros({600, 50}), 1, which, source).values());
  set_num_threads(before);
}

}  // namespace
}  // namespace tapegrad
