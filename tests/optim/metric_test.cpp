#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/confusion_matrix.hpp>
#include <tapegrad/optim/metric.hpp>

namespace tapegrad::optim {
namespace {

std::optional<double> value_of(const std::shared_ptr<const Metric>& metric, const Tensor& outputs,
                               const Tensor& targets) {
  const auto fresh = metric->fresh();
  fresh->update(outputs, targets);
  return fresh->value();
}

TEST(Metric, AccuracyCountsTheLargestOutput) {
  const Tensor outputs = tensor({3, 1, 2, /**/ 0, 5, 5, /**/ 9, 8, 7}, {3, 3});
  EXPECT_EQ(value_of(accuracy(), outputs, tensor({0, 1, 2}, i64)), 2.0 / 3);
  EXPECT_EQ(value_of(accuracy(), outputs, tensor({0, 2, 2}, i32)), 1.0 / 3) << "ties go to the first";
  EXPECT_EQ(value_of(top_k_accuracy(2), outputs, tensor({2, 2, 2}, i64)), 2.0 / 3);
  EXPECT_EQ(value_of(accuracy(), outputs, tensor({0, -100, 2}, i64)), 0.5) << "ignored samples do not count";
  EXPECT_EQ(value_of(accuracy(), outputs, tensor({0.9, 0.1, 0, 0, 1, 0, 0, 0, 1}, {3, 3})), 2.0 / 3);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(value_of(accuracy(), tensor({nan, 1}, {1, 2}), tensor({1}, i64)), 0);
  EXPECT_EQ(value_of(accuracy(), tensor({nan, 1}, {1, 2}), tensor({0}, i64)), 0);
  EXPECT_EQ(value_of(accuracy(), tensor({1, 2}, {2, 1}), tensor({1, 2}, {2})), std::nullopt) << "no classes";
  EXPECT_THROW(top_k_accuracy(0), ValueError);
}

TEST(Metric, OfNumbers) {
  EXPECT_EQ(value_of(rmse(), tensor({1, 5}), tensor({1, 1})), std::sqrt(8.0));
  EXPECT_EQ(value_of(binary_accuracy(), tensor({-1, 2, 3}), tensor({0, 1, 0})), 2.0 / 3);
  EXPECT_EQ(rmse()->value(), std::nullopt);
}

TEST(Metric, GathersOverBatches) {
  const auto metric = accuracy()->fresh();
  metric->update(tensor({1, 0}, {1, 2}), tensor({0}, i64));
  metric->update(tensor({1, 0, 0, 1, 1, 0}, {3, 2}), tensor({1, 0, 0}, i64));
  EXPECT_EQ(metric->value(), 0.5);
  EXPECT_EQ(metric->fresh()->value(), std::nullopt);
}

// The figures are scikit-learn's for the same answers.
const Tensor kTruth = tensor({0, 1, 2, 0, 1, 2, 0, 0}, i64), kAnswers = tensor({0, 2, 1, 0, 0, 2, 1, 0}, i64);

Tensor one_hot_scores(const Tensor& answers, std::int64_t classes) {
  Tensor scores = zeros({answers.size(0), classes});
  for (std::int64_t i = 0; i < answers.size(0); ++i)
    scores.mutable_data<float>()[static_cast<std::size_t>(i * classes + static_cast<std::int64_t>(answers.at({i})))] =
        1;
  return scores;
}

TEST(Metric, PrecisionRecallAndF1) {
  const Tensor outputs = one_hot_scores(kAnswers, 4);  // class 3 does not occur and does not count
  // Of the answers 0, 1, 2: 3 of 4, 0 of 2, 1 of 2 are right; of the samples 3 of 4, 0 of 2, 1 of 2 are found.
  EXPECT_NEAR(*value_of(precision(), outputs, kTruth), (0.75 + 0 + 0.5) / 3, 1e-15);
  EXPECT_NEAR(*value_of(recall(), outputs, kTruth), (0.75 + 0 + 0.5) / 3, 1e-15);
  EXPECT_NEAR(*value_of(f1(), outputs, kTruth), (0.75 + 0 + 0.5) / 3, 1e-15);
  EXPECT_NEAR(*value_of(precision(Average::weighted), outputs, kTruth), (4 * 0.75 + 2 * 0.5) / 8, 1e-15);
  EXPECT_NEAR(*value_of(recall(Average::micro), outputs, kTruth), 0.5, 1e-15);
  // One output a sample: the figures of class 1. Answers 1 0 1 1 to 1 1 0 1.
  const Tensor scores = tensor({2, -1, 3, 4}, {4, 1}), targets = tensor({1, 1, 0, 1}, {4, 1});
  EXPECT_NEAR(*value_of(precision(), scores, targets), 2.0 / 3, 1e-15);
  EXPECT_NEAR(*value_of(recall(), scores, targets), 2.0 / 3, 1e-15);
  EXPECT_EQ(value_of(f1(), outputs, tensor({1, 2}, {2})), std::nullopt);
}

TEST(Metric, RocAuc) {
  // sklearn.metrics.roc_auc_score's own example, then ties.
  EXPECT_EQ(value_of(roc_auc(), tensor({0.1, 0.4, 0.35, 0.8}), tensor({0, 0, 1, 1})), 0.75);
  EXPECT_EQ(value_of(roc_auc(), tensor({1, 1, 1, 2}), tensor({0, 1, 0, 1})), 0.75);
  EXPECT_EQ(value_of(roc_auc(), tensor({1, 2}), tensor({1, 1})), std::nullopt);
  // [N, 2]: by the probability of class 1.
  EXPECT_EQ(value_of(roc_auc(), tensor({0, 0.1, 0, 0.4, 0, 0.35, 0, 0.8}, {4, 2}), tensor({0, 0, 1, 1}, i64)), 0.75);
  // Three classes; each one's own output is highest but for one sample.
  const Tensor logits = tensor({4, 0, 0, /**/ 0, 4, 0, /**/ 0, 0, 4, /**/ 0, 4, 0}, {4, 3});
  // Class 0: {p0} of its samples .96 .02, others .02 .02: 3 of 4 pairs. Class 1: .96 over .02 .02 .96: 2.5 of 3. Class
  // 2: 3 of 3.
  EXPECT_NEAR(*value_of(roc_auc(), logits, tensor({0, 1, 2, 0}, i64)), (0.75 + 2.5 / 3 + 1) / 3, 1e-12);
}

TEST(Metric, PerplexityOfEvenOddsIsTheirNumber) {
  EXPECT_NEAR(*value_of(perplexity(), zeros({2, 3, 7}), zeros({2, 3}, i64)), 7, 1e-12);
  const Tensor logits = tensor({std::log(0.5), std::log(0.25), std::log(0.25)}, {1, 3}, f64);
  EXPECT_NEAR(*value_of(perplexity(), logits, tensor({1}, i64)), 4, 1e-12);
  EXPECT_EQ(value_of(perplexity(), logits, tensor({-100}, i64)), std::nullopt);
}

TEST(Metric, AnyGoesOnFromItsState) {
  const Tensor outputs = one_hot_scores(kAnswers, 3) + 0.25 * one_hot_scores(kTruth, 3);
  for (const auto& metric :
       {accuracy(), top_k_accuracy(2), precision(), f1(Average::weighted), roc_auc(), perplexity(), rmse()}) {
    const bool numbers = metric->name() == "rmse";
    const auto whole = metric->fresh(), first = metric->fresh(), second = metric->fresh();
    for (int part = 0; part < 2; ++part) {
      const Tensor o = slice(outputs, 0, 4 * part, 4 * part + 4), t = slice(kTruth, 0, 4 * part, 4 * part + 4);
      for (Metric* m : {whole.get(), part == 0 ? first.get() : second.get()}) m->update(o, numbers ? o * 2 : t);
      if (part == 0) second->restore(first->state());
    }
    EXPECT_EQ(second->value(), whole->value()) << metric->name();
    EXPECT_EQ(second->state(), whole->state()) << metric->name();
    EXPECT_THROW(second->restore({}), ValueError) << metric->name();
  }
}

TEST(ConfusionMatrix, CountsAndGrows) {
  ConfusionMatrix matrix;
  EXPECT_EQ(matrix.accuracy(), 0);
  for (std::int64_t i = 0; i < 8; ++i)
    matrix.add(static_cast<std::int64_t>(kTruth.at({i})), static_cast<std::int64_t>(kAnswers.at({i})));
  EXPECT_EQ(matrix.classes(), 3);
  EXPECT_EQ(matrix.count(0, 0), 3);
  EXPECT_EQ(matrix.count(1, 2), 1);
  EXPECT_EQ(matrix.of_class(0), 4);
  EXPECT_EQ(matrix.answered(1), 2);
  EXPECT_EQ(matrix.accuracy(), 0.5);
  ConfusionMatrix same;
  EXPECT_TRUE(same.update(one_hot_scores(kAnswers, 3), kTruth));
  EXPECT_EQ(same.counts(), matrix.counts());
  EXPECT_FALSE(same.update(one_hot_scores(kAnswers, 4), kTruth));
  EXPECT_THROW(same.add(-1, 0), IndexError);
}

}  // namespace
}  // namespace tapegrad::optim
