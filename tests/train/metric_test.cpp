#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/train/metric.hpp>

namespace tapegrad::train {
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
  // scikit-learn's own example of r2_score.
  EXPECT_NEAR(*value_of(r_squared(), tensor({2.5, 0, 2, 8}, f64), tensor({3, -0.5, 2, 7}, f64)), 0.9486081370449679,
              1e-15);
  EXPECT_EQ(value_of(r_squared(), tensor({1, 2}), tensor({3, 3})), std::nullopt) << "nothing varies";
  EXPECT_EQ(value_of(r_squared(), tensor({1, 2}), tensor({1}, i64)), std::nullopt);
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

// A metric, and outputs and targets of 6 samples that it is for.
struct Kind {
  std::shared_ptr<const Metric> metric;
  Tensor outputs, targets;
};

std::vector<Kind> all_kinds() {
  const Tensor scores = tensor({0.1, 0.7, 0.2, /**/ 0.5, 0.3, 0.2, /**/ 0.2, 0.2, 0.6, /**/ 0.1, 0.8, 0.1,
                                /**/ 0.4, 0.1, 0.5, /**/ 0.9, 0, 0.1},
                               {6, 3}, f64);
  const Tensor classes = tensor({1, 0, 2, 0, 2, 1}, i64), probabilities = softmax(scores);
  const Tensor single = tensor({0.5, -1, 2, 0.25, -3, 1}, {6, 1}, f64),
               binary = tensor({1, 0, 1, 0, 0, 1}, {6, 1}, f64);
  std::vector<Kind> kinds;
  for (const auto& metric : {accuracy(), top_k_accuracy(2), top_k_accuracy(9), precision(), recall(), f1(),
                             precision(Average::weighted), recall(Average::micro), f1(Average::micro)}) {
    kinds.push_back({metric, scores, classes});
    kinds.push_back({metric, scores, probabilities});
  }
  for (const auto& metric : {binary_accuracy(), precision(), recall(Average::weighted), f1(Average::micro), roc_auc()})
    kinds.push_back({metric, single, binary});
  kinds.push_back({roc_auc(), scores, classes});
  kinds.push_back({roc_auc(), slice(scores, 1, 0, 2), tensor({1, 0, 1, 0, 1, 1}, i64)});
  kinds.push_back({perplexity(), scores, classes});
  kinds.push_back({perplexity(), reshape(scores, {2, 3, 3}), reshape(classes, {2, 3})});
  kinds.push_back({rmse(), single, binary});
  kinds.push_back({rmse(), scores, probabilities});
  return kinds;
}

Tensor with(const Tensor& t, std::size_t i, double value) {
  Tensor changed = t.clone();
  dispatch(changed.dtype(), [&]<class T>() { changed.mutable_data<T>()[i] = static_cast<T>(value); });
  return changed;
}

bool same(const std::optional<double>& a, const std::optional<double>& b) {
  return a.has_value() == b.has_value() && (!a || *a == *b || (std::isnan(*a) && std::isnan(*b)));
}

// The value after the samples came in batches of `size`.
std::optional<double> value_in_batches(const Kind& kind, std::int64_t size) {
  auto metric = kind.metric->fresh();
  for (std::int64_t begin = 0; begin < kind.outputs.size(0); begin += size) {
    metric->update(slice(kind.outputs, 0, begin, begin + size), slice(kind.targets, 0, begin, begin + size));
    auto next = metric->fresh();
    next->restore(metric->state());
    metric = std::move(next);
  }
  return metric->value();
}

void expect_same_however_cut(const Kind& kind) {
  const auto whole = value_of(kind.metric, kind.outputs, kind.targets);
  for (const std::int64_t size : {1, 2, 4, 5}) {
    const auto cut = value_in_batches(kind, size);
    EXPECT_TRUE(same(cut, whole) || (cut && whole && std::abs(*cut - *whole) < 1e-12))
        << kind.metric->name() << " in batches of " << size << ": " << cut.value_or(-1) << ", " << whole.value_or(-1);
  }
}

constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(AnyMetric, HasNoValueOfNoSample) {
  for (const Kind& kind : all_kinds()) {
    EXPECT_EQ(kind.metric->value(), std::nullopt) << kind.metric->name();
    EXPECT_EQ(value_of(kind.metric, slice(kind.outputs, 0, 0, 0), slice(kind.targets, 0, 0, 0)), std::nullopt)
        << kind.metric->name();
  }
}

TEST(AnyMetric, DoesNotDependOnTheBatches) {
  for (const Kind& kind : all_kinds()) {
    ASSERT_TRUE(value_of(kind.metric, kind.outputs, kind.targets)) << kind.metric->name();
    expect_same_however_cut(kind);
  }
}

TEST(AnyMetric, HasAnAnswerToOutputsThatAreNotFinite) {
  for (const Kind& kind : all_kinds()) {
    const std::string name = kind.metric->name();
    const bool counts = name != "rmse" && name != "roc_auc" && name != "perplexity";
    const double before = *value_of(kind.metric, kind.outputs, kind.targets);
    for (std::size_t i = 0; i < static_cast<std::size_t>(kind.outputs.numel()); ++i)
      for (const double bad : {kNaN, kInfinity, -kInfinity}) {
        const Kind changed{kind.metric, with(kind.outputs, i, bad), kind.targets};
        const auto value = value_of(changed.metric, changed.outputs, changed.targets);
        ASSERT_TRUE(value) << name;
        // A NaN is wrong where answers are counted, and NaN elsewhere.
        if (counts || (name == "roc_auc" && !std::isnan(bad))) {
          EXPECT_TRUE(*value >= 0 && *value <= 1) << name << " of " << bad << ": " << *value;
        }
        if (std::isnan(bad)) {
          const bool lower = name.find("accuracy") == std::string::npos || *value <= before;
          EXPECT_TRUE(counts ? lower : std::isnan(*value)) << name << ": " << *value;
        }
        expect_same_however_cut(changed);
      }
    for (const double all : {kNaN, kInfinity, -kInfinity, 0.0}) {
      const Kind changed{kind.metric, full(kind.outputs.shape(), all, f64), kind.targets};
      EXPECT_TRUE(value_of(changed.metric, changed.outputs, changed.targets)) << name;
      expect_same_however_cut(changed);
    }
  }
}

TEST(AnyMetric, HasAnAnswerToTargetsThatCannotBe) {
  for (const Kind& kind : all_kinds()) {
    const std::string name = kind.metric->name();
    if (!is_floating(kind.targets.dtype())) {
      EXPECT_THROW(value_of(kind.metric, kind.outputs, with(kind.targets, 3, 3)), IndexError) << name;
      const Tensor none = full(kind.targets.shape(), -100, i64);
      EXPECT_EQ(value_of(kind.metric, kind.outputs, none), std::nullopt) << name;
      const Kind ignoring{kind.metric, kind.outputs, with(kind.targets, 3, -1)};
      EXPECT_TRUE(value_of(ignoring.metric, ignoring.outputs, ignoring.targets)) << name;
      expect_same_however_cut(ignoring);
      continue;
    }
    for (const double bad : {kNaN, kInfinity, -kInfinity})
      if (name == "rmse")
        EXPECT_FALSE(std::isfinite(*value_of(kind.metric, kind.outputs, with(kind.targets, 1, bad)))) << bad;
      else
        EXPECT_THROW(value_of(kind.metric, kind.outputs, with(kind.targets, 1, bad)), ValueError) << name << bad;
    if (kind.targets.size(1) > 1 && name != "rmse") {
      const Kind no_probabilities{kind.metric, kind.outputs, with(kind.targets, 4, 7)};
      EXPECT_EQ(value_of(no_probabilities.metric, no_probabilities.outputs, no_probabilities.targets), std::nullopt);
      expect_same_however_cut(no_probabilities);
    }
  }
}

TEST(AnyMetric, HasAnAnswerToOneClass) {
  for (const Kind& kind : all_kinds()) {
    Tensor one = kind.targets.clone();
    const bool probabilities = is_floating(one.dtype()) && one.size(1) > 1;
    one.fill(probabilities ? 1.0 / 3 : 1);
    const auto value = value_of(kind.metric, kind.outputs, one);
    EXPECT_EQ(value.has_value(), kind.metric->name() != "roc_auc") << kind.metric->name();
    expect_same_however_cut({kind.metric, kind.outputs, one});
  }
}

TEST(AnyMetric, HasNoValueOfOtherShapesInAnyBatch) {
  for (const Kind& kind : all_kinds()) {
    for (const Tensor& other : {Tensor(), zeros({5}, i64), zeros({6, 2, 2}), zeros({}, i64)}) {
      const auto metric = kind.metric->fresh();
      metric->update(kind.outputs, kind.targets);
      metric->update(kind.outputs, other);
      EXPECT_EQ(metric->value(), std::nullopt) << kind.metric->name();
      metric->update(kind.outputs, kind.targets);
      EXPECT_EQ(metric->value(), std::nullopt) << kind.metric->name() << ": a figure of some batches alone";
    }
    // One output a sample has no classes to choose from.
    const auto value = value_of(kind.metric, ones({6, 1}), zeros({6}, i64));
    EXPECT_EQ(value, std::nullopt) << kind.metric->name();
  }
  EXPECT_EQ(value_of(accuracy(), ones({6, 1}), ones({6, 1})), std::nullopt);
  EXPECT_EQ(value_of(accuracy(), ones({6, 0}), ones({6, 0})), std::nullopt);
}

TEST(AnyMetric, RefusesAStateThatIsNotItsOwn) {
  for (const Kind& kind : all_kinds()) {
    const auto metric = kind.metric->fresh();
    metric->update(kind.outputs, kind.targets);
    const std::vector<double> state = metric->state();
    for (const std::vector<double>& bad : std::vector<std::vector<double>>{{}, {2}, {1}, {1, -1}, {1, kNaN}, {1, 0.5}})
      EXPECT_THROW(metric->restore(bad), ValueError) << kind.metric->name();
    EXPECT_EQ(metric->state(), state) << "unchanged";
  }
}

TEST(ConfusionMatrix, CountsOutputsWithoutAnAnswer) {
  ConfusionMatrix matrix;
  EXPECT_TRUE(matrix.update(tensor({1, 0, kNaN, 1, kInfinity, 1}, {3, 2}), tensor({0, 1, 0}, i64)));
  EXPECT_EQ(matrix.count(1, ConfusionMatrix::kNoAnswer), 1);
  EXPECT_EQ(matrix.total(), 3);
  EXPECT_EQ(matrix.recall(0), 1);
  EXPECT_EQ(matrix.recall(1), 0);
  EXPECT_EQ(matrix.accuracy(), 2.0 / 3);
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
  for (std::int64_t t = 0; t < 3; ++t)
    for (std::int64_t a = ConfusionMatrix::kNoAnswer; a < 3; ++a) EXPECT_EQ(same.count(t, a), matrix.count(t, a));
  EXPECT_THROW(same.update(one_hot_scores(kAnswers, 4), kTruth), ShapeError);
  EXPECT_THROW(same.add(-1, 0), IndexError);
  EXPECT_THROW(same.add(0, std::int64_t{1} << 40), ValueError);
  EXPECT_THROW(ConfusionMatrix(-1), ValueError);
  EXPECT_EQ(ConfusionMatrix(3).total(), 0);
}

}  // namespace
}  // namespace tapegrad::train
