// What a training comes to does not depend on how its steps and passes are cut into batches.
#include <gmock/gmock.h>

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/optim/clip.hpp>
#include <tapegrad/train/trainer.hpp>

#include "../message_of.hpp"

namespace tapegrad::train {
namespace {

using namespace optim;

using ::testing::HasSubstr;

struct Net : nn::Module {
  Rng rng{1};
  nn::Linear hidden{*this, "hidden", 2, 5, {.dtype = f64, .rng = &rng}};
  nn::Linear output{*this, "output", 5, 3, {.dtype = f64, .rng = &rng}};
  Tensor forward(const Tensor& x) { return output(tanh(hidden(x))); }
};

struct Task {
  const char* name;
  Loss loss;
  Metrics metrics;
  Tensor targets;
};

constexpr std::int64_t kRows = 50;

std::vector<Task> tasks() {
  Rng rng(5);
  Tensor classes = empty({kRows}, i64);
  for (std::int64_t& c : classes.mutable_data<std::int64_t>()) c = static_cast<std::int64_t>(rng.below(3));
  const Tensor numbers = randn({kRows, 3}, f64, rng), shares = softmax(numbers);
  Tensor ignoring = classes.clone();
  for (std::size_t i = 0; i < kRows; ++i)
    if (i % 7 < 3 || (i >= 8 && i < 16)) ignoring.mutable_data<std::int64_t>()[i] = -100;
  const Tensor weights = tensor({1, 3, 0.5}, f64);
  const auto log_probabilities = [](const Tensor& o, const Tensor& t) { return nll_loss(log_softmax(o), t); };
  const auto counted = [](const Tensor&, const Tensor& t) {
    return static_cast<double>(std::ranges::count_if(t.data<std::int64_t>(), [](std::int64_t c) { return c >= 0; }));
  };
  return {{"cross entropy", nn::cross_entropy, {accuracy(), f1(), roc_auc(), perplexity()}, classes},
          {"cross entropy, ignoring", nn::cross_entropy, {accuracy(), top_k_accuracy(2)}, ignoring},
          {"cross entropy, weighted", {nn::cross_entropy, {.weights = weights}}, {}, ignoring},
          {"cross entropy of probabilities", {cross_entropy, {.label_smoothing = 0.1}}, {accuracy()}, shares},
          {"one of the user's own", log_probabilities, {}, classes},
          {"one that ignores", {log_probabilities, counted}, {}, ignoring},
          {"mse", nn::mse_loss, {rmse()}, numbers},
          {"l1", nn::l1_loss, {}, numbers},
          {"binary cross entropy", nn::binary_cross_entropy_with_logits, {binary_accuracy()}, shares}};
}

Tensor inputs() {
  Rng rng(6);
  return randn({kRows, 2}, f64, rng);
}

// All the figures that there are.
struct Figures : Observer {
  std::vector<double> all;

  void add(const Scores& scores) {
    all.push_back(scores.loss);
    all.push_back(static_cast<double>(scores.rows));
    for (const auto& [name, value] : scores.metrics) all.push_back(value);
  }
  void on_gradients(Trainer& t, const Tensor&) override { all.push_back(grad_norm(t.optimizer().parameters())); }
  void on_step(Trainer& t, const StepRecord& step) override {
    if (step.step_loss) all.insert(all.end(), {*step.step_loss, t.optimizer().lr()});
  }
  void on_epoch(Trainer&, const EpochRecord& e) override {
    all.insert(all.end(), {static_cast<double>(e.steps), e.lr});
    add(e.train);
    if (e.validation) add(*e.validation);
  }
  void on_end(Trainer& t, const History& history) override {
    all.push_back(static_cast<double>(history.warnings.size()));
    for (const Tensor& p : t.model().parameters())
      for (const double value : p.values()) all.push_back(value);
  }
};

void expect_near(const std::vector<double>& a, const std::vector<double>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-9) << what << ", figure " << i;
}

TEST(Batches, CutAStepInAnyWay) {
  for (const Task& task : tasks()) {
    const auto figures = [&](std::int64_t batch, std::int64_t accumulate) {
      Net net;
      Figures seen;
      Trainer trainer(net, Sgd{.lr = 0.3, .momentum = 0.9}, task.loss, task.metrics);
      const data::TensorDataset data(inputs(), task.targets);
      trainer.fit(data, data,
                  {.epochs = 3,
                   .batch_size = batch,
                   .shuffle = false,
                   .clip_norm = 0.7,
                   .accumulate = accumulate,
                   .schedule = schedule::warm_up(0.5, schedule::cosine_restarts(0.9)),
                   .plateau = PlateauOptions{.patience = 0},
                   .average = 0.5,
                   .early_stopping = EarlyStopping{},
                   .observers = {&seen}});
      return seen.all;
    };
    // Steps of 24 samples, the last of 2; of 50; of 7, the last of 1.
    using Cuts = std::vector<std::pair<int, int>>;
    for (const Cuts& cuts : {Cuts{{24, 1}, {12, 2}, {8, 3}, {6, 4}, {3, 8}, {1, 24}},
                             Cuts{{50, 1}, {49, 2}, {45, 2}, {17, 3}, {16, 4}, {1, 50}}, Cuts{{7, 1}, {1, 7}}}) {
      const std::vector<double> whole = figures(cuts[0].first, cuts[0].second);
      for (const auto& [batch, accumulate] : cuts)
        expect_near(figures(batch, accumulate), whole,
                    std::string(task.name) + ", " + std::to_string(batch) + " x " + std::to_string(accumulate));
    }
  }
}

TEST(Batches, CutAnEvaluationInAnyWay) {
  for (const Task& task : tasks()) {
    Net net;
    Trainer trainer(net, Sgd{}, task.loss, task.metrics);
    const data::TensorDataset data(inputs(), task.targets);
    Figures whole;
    whole.add(trainer.evaluate(data, kRows));
    for (const std::int64_t batch : {1, 3, 7, 49}) {
      Figures cut;
      cut.add(trainer.evaluate(data, batch));
      expect_near(cut.all, whole.all, task.name);
    }
  }
}

// The samples at the end are of another kind, and the short batch with them weighs what it holds.
TEST(Batches, AShortOneWeighsByItsRows) {
  struct Line : nn::Module {
    nn::Parameter w{*this, "w", zeros({1}, f64)};
    Tensor forward(const Tensor& x) { return x * w; }
  };
  const Tensor x = tensor({1, 1, 1, 1, 1, 1, 1, 1, 10, 10}, {10, 1}, f64);
  const Tensor y = tensor({1, 1, 1, 1, 1, 1, 1, 1, 20, 20}, {10, 1}, f64);
  for (const auto& [batch, accumulate] : {std::pair{10, 1}, {4, 3}, {9, 2}}) {
    Line line;
    Trainer trainer(line, Sgd{.lr = 1e-3}, nn::mse_loss, {});
    trainer.fit(data::TensorDataset(x, y),
                {.epochs = 1, .batch_size = batch, .shuffle = false, .accumulate = accumulate});
    EXPECT_NEAR(line.w.item(), 0.0816, 1e-15) << batch;
  }
}

TEST(Loss, WeighsByWhatItsMeanDividesBy) {
  const Tensor logits = zeros({4, 3}), classes = tensor({0, -100, 2, 1}, i64), weights = tensor({1, 3, 0.5});
  EXPECT_EQ(Loss(nn::cross_entropy).weight(logits, classes, 9), 3);
  EXPECT_EQ(Loss(nn::cross_entropy, {.ignore_index = 0}).weight(logits, tensor({0, 1, 2, 0}, i64), 9), 2);
  EXPECT_EQ(Loss(nn::cross_entropy, {.weights = weights}).weight(logits, classes, 9), 4.5);
  EXPECT_EQ(Loss(nn::nll_loss).weight(logits, classes, 9), 3);
  EXPECT_EQ(Loss(nn::cross_entropy).weight(logits, zeros({4, 3}), 9), 4);
  EXPECT_EQ(Loss(nn::cross_entropy).weight(zeros({2, 3, 5}), zeros({2, 5}, i64), 9), 10);
  EXPECT_EQ(Loss(nn::cross_entropy).weight(zeros({2, 3, 5}), zeros({2, 3, 5}), 9), 10);
  EXPECT_EQ(Loss(nn::mse_loss).weight(logits, logits, 9), 12);
  EXPECT_EQ(Loss([](const Tensor& o, const Tensor&) { return mean(o); }).weight(logits, logits, 9), 9);
}

TEST(Loss, ChecksWhatItIsMadeOfAndWhatItReturns) {
  EXPECT_THAT(message_of([] { Loss(Loss::Mean{}); }), HasSubstr("an empty function"));
  EXPECT_THAT(message_of([] { Loss(nn::cross_entropy, {.reduction = Reduce::sum}); }), HasSubstr("not reduction sum"));
  const auto own = [](const Tensor& o, const Tensor&) { return mean(o); };
  EXPECT_THAT(message_of([&] { Loss(own, Loss::Weight{}); }), HasSubstr("an empty function"));
  EXPECT_THAT(message_of([&] { Loss(own, [](auto&, auto&) { return -1.0; }).weight({}, {}, 1); }), HasSubstr("is -1"));
  const Tensor x = ones({2});
  const auto message = [&](const Loss& loss) { return message_of([&] { loss(x, x); }); };
  EXPECT_THAT(message([](const Tensor&, const Tensor&) { return Tensor(); }), HasSubstr("an undefined tensor"));
  EXPECT_THAT(message([](const Tensor& o, const Tensor&) { return o; }), HasSubstr("the loss returned f32 [2]"));
  EXPECT_THAT(message([](const Tensor&, const Tensor&) { return ones({}, i64); }), HasSubstr("one floating element"));
  // Probabilities where logits are meant cannot be mistaken for them.
  EXPECT_NE(nn::binary_cross_entropy(x * 0.5, x).item(), nn::binary_cross_entropy_with_logits(x * 0.5, x).item());
}

}  // namespace
}  // namespace tapegrad::train
