#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/data/text_dataset.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/pooling.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/optim/clip.hpp>
#include <tapegrad/train/trainer.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::train {
namespace {

using namespace optim;

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

struct Mlp : nn::Module {
  explicit Mlp(std::uint64_t seed = 1) : rng(seed) {}
  Rng rng;
  nn::Linear hidden{*this, "hidden", 2, 16, {.rng = &rng}};
  nn::Linear output{*this, "output", 16, 3, {.rng = &rng}};
  Tensor forward(const Tensor& x) { return output(relu(hidden(x))); }
};

// Three classes: points in the plane by the sector they lie in.
data::TensorDataset sectors(std::int64_t count, std::uint64_t seed) {
  Rng rng(seed);
  const Tensor x = randn({count, 2}, f32, rng);
  Tensor y = empty({count}, i64);
  for (std::int64_t i = 0; i < count; ++i) {
    const double angle = std::atan2(x.at({i, 1}), x.at({i, 0}));
    y.mutable_data<std::int64_t>()[static_cast<std::size_t>(i)] = angle < -1 ? 0 : angle < 1 ? 1 : 2;
  }
  return {x, y};
}

std::vector<std::vector<double>> values_of(const nn::Module& model) {
  std::vector<std::vector<double>> values;
  for (const Tensor& t : model.parameters()) values.push_back(t.values());
  return values;
}

TEST(Trainer, TrainsAClassifier) {
  Mlp model;
  Trainer trainer(model, Adam{.lr = 1e-2}, nn::cross_entropy);
  const History history = trainer.fit(sectors(600, 1), {.epochs = 15, .validation_split = 0.1});
  ASSERT_EQ(history.epochs.size(), 15u);
  EXPECT_EQ(history.stopped, StopReason::completed);
  const EpochRecord& last = history.epochs.back();
  EXPECT_EQ(last.train.rows, 540);
  EXPECT_EQ(last.validation->rows, 60);
  EXPECT_EQ(last.steps, 15 * 17);
  EXPECT_LT(last.train.loss, history.epochs.front().train.loss / 2);
  const Scores scores = trainer.evaluate(sectors(300, 2));
  EXPECT_GT(scores["accuracy"], 0.93);
  EXPECT_THROW(scores["recall"], ValueError);
  EXPECT_TRUE(model.training());

  const Tensor outputs = trainer.predict(sectors(300, 2), 64);
  EXPECT_EQ(outputs.shape(), (Shape{300, 3}));
  EXPECT_FALSE(outputs.requires_grad());
}

TEST(Trainer, RepeatsItselfBitForBit) {
  const auto train = [] {
    Mlp model;
    Trainer trainer(model, Adam{}, nn::cross_entropy);
    trainer.fit(sectors(200, 1), {.epochs = 3, .validation_split = 0.2, .seed = 5});
    return values_of(model);
  };
  EXPECT_EQ(train(), train());
}

TEST(Trainer, TwoFitsEqualOneLongOne) {
  const data::TensorDataset data = sectors(200, 1);
  Mlp once, twice;
  Trainer one(once, Adam{}, nn::cross_entropy), two(twice, Adam{}, nn::cross_entropy);
  one.fit(data, {.epochs = 4});
  two.fit(data, {.epochs = 1});
  EXPECT_EQ(two.fit(data, {.epochs = 3}).epochs.front().epoch, 2);
  EXPECT_EQ(values_of(once), values_of(twice));
  EXPECT_EQ(two.history().epochs.size(), 4u);
}

TEST(Trainer, AccumulatesGradientsOfSeveralBatches) {
  // Without shuffling, 2 batches of 25 accumulated are one of 50; the last step of the epoch has one batch only.
  const data::TensorDataset data = sectors(125, 1);
  Mlp small, large;
  Trainer one(small, Sgd{.lr = 0.1}, nn::cross_entropy), two(large, Sgd{.lr = 0.1}, nn::cross_entropy);
  one.fit(data, {.epochs = 2, .batch_size = 25, .shuffle = false, .accumulate = 2});
  two.fit(data, {.epochs = 2, .batch_size = 50, .shuffle = false});
  EXPECT_EQ(one.optimizer().steps(), two.optimizer().steps());
  const auto a = values_of(small), b = values_of(large);
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a[i].size(); ++j) EXPECT_NEAR(a[i][j], b[i][j], 1e-6);
}

TEST(Trainer, TrainsOnRaggedAndPaddedTexts) {
  // Class 1 has words 4 … 6, class 0 words 1 … 3.
  data::EncodedTexts texts;
  std::vector<std::int32_t> labels;
  Rng rng(3);
  for (int i = 0; i < 200; ++i) {
    labels.push_back(i % 2);
    std::vector<std::int32_t> words(1 + rng.below(6));
    for (std::int32_t& word : words)
      word = static_cast<std::int32_t>(1 + 3 * labels.back() + static_cast<int>(rng.below(3)));
    texts.append(words);
  }
  struct Classifier : nn::Module {
    Rng rng{7};
    nn::Embedding embedding{*this, "embedding", 7, 8, {.rng = &rng}};
    nn::GlobalAveragePooling1D pooling{*this, "pooling"};
    nn::Linear output{*this, "output", 8, 2, {.rng = &rng}};
    Tensor forward(const Tensor& ids, const Tensor& extent) { return output(pooling(embedding(ids), extent)); }
  };
  for (const auto layout : {data::TextLayout::ragged, data::TextLayout::padded}) {
    Classifier model;
    Trainer trainer(model, Adam{.lr = 0.05}, nn::cross_entropy);
    const History history = trainer.fit(data::TextDataset(texts, labels, layout), {.epochs = 5});
    EXPECT_EQ(history.epochs.back().train["accuracy"], 1);
  }
  EXPECT_THROW(data::TextDataset(texts, {1, 2}), ValueError);
}

TEST(Trainer, StopsEarlyWithTheBestWeights) {
  Mlp model;
  Trainer trainer(model, Sgd{.lr = 0.05}, nn::cross_entropy);
  const data::TensorDataset train = sectors(100, 1), validation = sectors(100, 2);
  struct Watch : Observer {
    std::vector<std::vector<std::vector<double>>> weights;
    void on_gradients(Trainer& t, const Tensor&) override {
      if (weights.size() >= 4) scale_grad(t.optimizer().parameters(), -20);  // from here on it only gets worse
    }
    void on_epoch(Trainer& t, const EpochRecord&) override { weights.push_back(values_of(t.model())); }
  } watch;
  const History history = trainer.fit(
      train, validation, {.epochs = 50, .early_stopping = EarlyStopping{.patience = 2}, .observers = {&watch}});
  EXPECT_EQ(history.stopped, StopReason::early);
  EXPECT_EQ(history.best_epoch, 4);
  EXPECT_EQ(history.epochs.size(), 7u);
  EXPECT_EQ(values_of(model), watch.weights[3]);
  EXPECT_THAT(message_of([&] { trainer.fit(train, {.early_stopping = EarlyStopping{.monitor = "f1"}}); }),
              HasSubstr("watches 'f1'"));
}

TEST(Trainer, StopsWhenAskedAfterTheStepInValidationToo) {
  struct Case {
    int batches;
    std::size_t epochs;
    std::int64_t steps;
  };
  // An epoch has 9 batches of training and 3 of validation.
  for (const Case& c : {Case{5, 0, 5}, Case{10, 0, 9}, Case{13, 1, 10}}) {
    Mlp model;
    Trainer trainer(model, Adam{}, nn::cross_entropy);
    int seen = 0;
    const History history = trainer.fit(
        sectors(350, 1), {.epochs = 3, .validation_split = 0.2, .should_stop = [&] { return ++seen == c.batches; }});
    EXPECT_EQ(seen, c.batches);
    EXPECT_EQ(history.stopped, StopReason::requested);
    EXPECT_EQ(history.epochs.size(), c.epochs);
    EXPECT_EQ(trainer.optimizer().steps(), c.steps);
    EXPECT_TRUE(model.training());
  }
}

TEST(Trainer, NamesTheStepThatDiverged) {
  Mlp model;
  Trainer trainer(model, Sgd{.lr = 1e30}, nn::cross_entropy);
  EXPECT_THAT(message_of([&] { trainer.fit(sectors(320, 1)); }),
              ::testing::AllOf(HasSubstr("the loss became"), HasSubstr("at step 2 (epoch 1, batch 2 of 10)"),
                               HasSubstr("learning rate 1e+30"), HasSubstr("the loss before was")));
  Mlp other;
  // The loss is 0, and the slope of the square root there infinite.
  Trainer clipped(other, Sgd{}, [](const Tensor& o, const Tensor&) { return mean(sqrt(o * 0)); });
  EXPECT_THROW(clipped.fit(sectors(32, 1), {.clip_norm = 1}), DivergenceError);
  EXPECT_EQ(values_of(other), values_of(Mlp()));
}

TEST(Trainer, WarnsOnceOfALossThatRunsAway) {
  struct Watch : Observer {
    std::vector<std::string> warnings;
    void on_warning(Trainer&, const std::string& warning) override { warnings.push_back(warning); }
  } watch;
  Mlp model;
  Trainer trainer(model, Sgd{.lr = 0.1}, nn::cross_entropy);
  const TemporaryFolder folder;
  // The second epoch's rate is far too high.
  const auto rate = [](double time) { return time < 1 ? 1.0 : 1e3; };
  const History history = trainer.fit(
      sectors(320, 1), {.epochs = 2, .schedule = rate, .checkpoint = {.folder = folder.path()}, .observers = {&watch}});
  ASSERT_EQ(history.warnings.size(), 1u);
  EXPECT_EQ(watch.warnings, history.warnings);
  EXPECT_THAT(history.warnings[0],
              ::testing::AllOf(HasSubstr("the loss has run away"), ContainsRegex("step 1[0-9] \\(epoch 2, batch [0-9]"),
                               HasSubstr("at learning rate 100, from 1."), HasSubstr("step-000000010.safetensors")));
  Mlp best;
  Trainer other(best, Sgd{}, nn::cross_entropy);
  other.load(folder.path("best.safetensors"));
  EXPECT_EQ(other.history().epochs.size(), 1u);
}

TEST(Trainer, DoesNotWarnOfNoiseOrOfLossesWithoutAScale) {
  const auto warnings = [](double start, std::vector<double> losses) {
    std::size_t i = 0;
    losses.insert(losses.begin(), start);
    Mlp model;
    Trainer trainer(model, Sgd{.lr = 0}, [&](const Tensor& o, const Tensor&) { return mean(o) * 0 + losses[i++]; });
    return trainer.fit(sectors(std::ssize(losses), 1), {.epochs = 1, .batch_size = 1, .shuffle = false})
        .warnings.size();
  };
  EXPECT_EQ(warnings(1, {2, 3, 30, 1, 1, 40, 0.1}), 0u);      // outliers
  EXPECT_EQ(warnings(1, std::vector<double>(200, 9)), 0u);    // worse, but not by far
  EXPECT_EQ(warnings(-1, std::vector<double>(200, 50)), 0u);  // of any sign
  EXPECT_EQ(warnings(1e-3, std::vector<double>(200, 2e-3)), 0u);
  EXPECT_EQ(warnings(1, std::vector<double>(200, 12)), 1u);
}

TEST(Trainer, FollowsAScheduleInEpochs) {
  Mlp model;
  Trainer trainer(model, Sgd{.lr = 1}, nn::cross_entropy);
  struct Watch : Observer {
    std::vector<double> rates;
    void on_step(Trainer& t, const StepRecord&) override { rates.push_back(t.optimizer().lr()); }
  } watch;
  trainer.fit(sectors(128, 1),
              {.epochs = 2, .schedule = [](double time) { return 0.1 * time; }, .observers = {&watch}});
  EXPECT_THAT(watch.rates,
              ::testing::Pointwise(::testing::DoubleEq(), {0.0, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175}));
}

TEST(Trainer, EvaluatesInUseAndKeepsEachModulesMode) {
  struct Model : nn::Module {
    nn::Dropout first{*this, "first", 0.5}, second{*this, "second", 0.5};
    nn::Linear output{*this, "output", 2, 3};
    Tensor forward(const Tensor& x) { return output(second(first(x))); }
  } model;
  model.first.eval();
  Trainer trainer(model, Sgd{}, nn::cross_entropy);
  const data::TensorDataset data = sectors(50, 1);
  EXPECT_EQ(trainer.evaluate(data).loss, trainer.evaluate(data).loss);
  trainer.fit(data, data, {.epochs = 1});
  EXPECT_FALSE(model.first.training());
  EXPECT_TRUE(model.second.training());
}

TEST(Trainer, RefusesWhatCannotBeTrained) {
  Mlp model;
  Trainer trainer(model, Sgd{}, nn::cross_entropy);
  EXPECT_THAT(message_of([&] { trainer.fit(sectors(0, 1)); }), HasSubstr("nothing to train on"));
  EXPECT_THROW(trainer.fit(sectors(9, 1), {.batch_size = 0}), ValueError);
  EXPECT_THROW(trainer.fit(sectors(9, 1), {.accumulate = 0}), ValueError);
  EXPECT_THROW(trainer.fit(sectors(9, 1), {.clip_norm = -1}), ValueError);
  EXPECT_THROW(trainer.fit(sectors(9, 1), sectors(9, 1), {.validation_split = 0.5}), ValueError);
  const Tensor x = zeros({4, 2});
  EXPECT_THAT(message_of([&] {
                trainer.fit(data::TensorDataset({x, x}, zeros({4}, i64)));
              }),
              HasSubstr("a batch has 2 inputs, which forward of Mlp does not take"));
  EXPECT_THROW(data::TensorDataset(x, zeros({3}, i64)), ShapeError);
  EXPECT_THROW(data::TensorDataset(x, zeros({4}, i64)).batch(std::vector<std::int64_t>{4}), IndexError);
}

// Passes on what a data set gives, changed.
class Changed final : public data::Dataset {
 public:
  using Change = std::function<void(data::Batch&)>;
  explicit Changed(Change change) : change_(std::move(change)) {}
  std::int64_t size() const override { return data_.size(); }
  data::Batch batch(std::span<const std::int64_t> rows) const override {
    data::Batch batch = data_.batch(rows);
    change_(batch);
    return batch;
  }

 private:
  data::TensorDataset data_ = sectors(40, 1);
  Change change_;
};

// Ten batches of one's own, in a row.
class Stream final : public data::BatchSource {
 public:
  explicit Stream(Changed::Change change, std::int64_t said = 10) : change_(std::move(change)), said_(said) {}
  void start(std::int64_t) override { at_ = 0; }
  bool next(data::Batch& batch) override {
    if (at_++ == 10) return false;
    batch = {{ones({4, 2})}, zeros({4}, i64), 4};
    change_(batch);
    return true;
  }
  std::int64_t batches() const override { return said_; }

 private:
  Changed::Change change_;
  std::int64_t said_, at_ = 0;
};

TEST(Trainer, ChecksWhatDataSetsGive) {
  Mlp model;
  Trainer trainer(model, Sgd{}, nn::cross_entropy);
  const auto of_set = [&](const Changed::Change& change) {
    return message_of([&] { trainer.fit(Changed(change), {.batch_size = 8}); });
  };
  const auto of_stream = [&](const Changed::Change& change, std::int64_t said = 10) {
    return message_of([&] {
      Stream stream(change, said);
      trainer.fit(stream, nullptr, {.epochs = 1});
    });
  };
  const auto before = values_of(model);
  EXPECT_THAT(of_set([](data::Batch& b) { b.rows = 3; }), HasSubstr("a batch of 3 rows, where 8 were asked for"));
  EXPECT_THAT(of_set([](data::Batch& b) { b.inputs[0] = Tensor(); }), HasSubstr("input 0 is undefined"));
  EXPECT_THAT(of_set([](data::Batch& b) { b.inputs.clear(); }),
              HasSubstr("batch 1 of epoch 1: the batch has no inputs"));
  EXPECT_THAT(of_stream([](data::Batch& b) { b.rows = 0; }),
              HasSubstr("training batch 1 of epoch 1: Batch::rows is 0"));
  EXPECT_THAT(of_stream([](data::Batch& b) { b.inputs[0] = Tensor(); }),
              HasSubstr("input 0 of the batch is undefined"));
  EXPECT_EQ(values_of(model), before);
  EXPECT_THAT(of_stream([](data::Batch&) {}, 7),
              HasSubstr("batch 8 of epoch 1: the source said that it has 7 batches"));
  EXPECT_THAT(message_of([&] {
                trainer.fit(sectors(40, 1),
                            {.transform = [](data::Batch& b, auto, std::int64_t) { b.rows = 0; }, .prefetch = 1});
              }),
              HasSubstr("the transform left a batch of 0 rows"));
  Stream stream([](data::Batch& b) { b.rows = 0; });
  EXPECT_THAT(message_of([&] { trainer.evaluate(stream); }), HasSubstr("evaluate: Batch::rows is 0"));
}

TEST(Trainer, ChecksWhatItIsMadeOf) {
  struct Nothing : nn::Module {
    Tensor forward(const Tensor&) { return {}; }
    nn::Linear unused{*this, "unused", 2, 2};
  } nothing;
  EXPECT_THAT(message_of([&] { Trainer(nothing, Sgd{}, nn::cross_entropy).fit(sectors(4, 1)); }),
              HasSubstr("forward of Nothing returned an undefined tensor"));
  Mlp model;
  EXPECT_THAT(message_of([&] { Trainer(model, {}, Optimizer(model, Sgd{}), nn::cross_entropy); }),
              HasSubstr("forward is an empty function"));
  EXPECT_THAT(message_of([&] { Trainer(model, Sgd{}, nn::cross_entropy, {nullptr}); }), HasSubstr("a metric is null"));
  EXPECT_THAT(message_of([&] {
                Trainer(model, Sgd{}, nn::cross_entropy, {accuracy(), binary_accuracy()});
              }),
              HasSubstr("two figures are named 'accuracy'"));
  EXPECT_THAT(message_of([&] {
                Trainer(
                    model, [&](std::span<const Tensor> in) { return model.forward(in[0]); }, Optimizer(),
                    nn::cross_entropy);
              }),
              HasSubstr("the optimiser has no parameters"));
  EXPECT_THROW(Optimizer().lr(), IndexError);
  Trainer trainer(model, Sgd{}, nn::cross_entropy);
  EXPECT_THROW(trainer.fit(sectors(4, 1), {.early_stopping = EarlyStopping{.patience = -1}}), ValueError);
  EXPECT_THROW(trainer.fit(sectors(4, 1), {.early_stopping = EarlyStopping{.min_delta = std::nan("")}}), ValueError);
  EXPECT_THROW(trainer.fit(sectors(4, 1), {.checkpoint = {.generators = {{"noise", nullptr}}}}), ValueError);
  EXPECT_THAT(message_of([&] { trainer.fit(sectors(4, 1), {.observers = {nullptr}}); }),
              HasSubstr("an observer is null"));
  for (const double factor : {std::nan(""), -1.0})
    EXPECT_THAT(message_of([&] { trainer.fit(sectors(4, 1), {.schedule = [=](double) { return factor; }}); }),
                HasSubstr("the schedule gave"));
}

TEST(Trainer, NamesWhatNothingTrains) {
  struct Forgetful : nn::Module {
    nn::Linear hidden{*this, "hidden", 2, 4};
    nn::Linear output{4, 3};
    Tensor forward(const Tensor& x) { return output(hidden(x)); }
  } model;
  EXPECT_THAT(message_of([&] { Trainer(model, Sgd{}, nn::cross_entropy).fit(sectors(64, 1)); }),
              ::testing::AllOf(HasSubstr("f32 [3] 'bias'"), HasSubstr("is no parameter of Forgetful"),
                               HasSubstr("nn::Linear out{*this, \"out\", 8, 2}")));
  // An optimiser that has it will do, and so will freezing it.
  Optimizer all(model, Sgd{});
  all.add({{"output.weight", model.output.weight}, {"output.bias", model.output.bias}}, Sgd{});
  Trainer(
      model, [&](std::span<const Tensor> in) { return model.forward(in[0]); }, std::move(all), nn::cross_entropy)
      .fit(sectors(64, 1), {.epochs = 1});
  model.output.weight.set_requires_grad(false);
  model.output.bias.set_requires_grad(false);
  Trainer(model, Sgd{}, nn::cross_entropy).fit(sectors(64, 1), {.epochs = 1});
  // The penalty of a gradient has a new leaf in each step.
  Mlp other;
  Trainer penalised(
      other,
      [&](std::span<const Tensor> in) {
        Tensor x = in[0].detach();
        x.set_requires_grad();
        const Tensor y = other.forward(x);
        return y + sum(square(grad(sum(y), x, {.create_graph = true})));
      },
      Optimizer(other, Sgd{}), nn::cross_entropy);
  penalised.fit(sectors(64, 1), {.epochs = 2});
}

}  // namespace
}  // namespace tapegrad::train
