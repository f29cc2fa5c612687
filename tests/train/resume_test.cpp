// A training that was stopped and goes on comes to the same bits as one that was not.

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/sampling.hpp>
#include <tapegrad/train/trainer.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::train {
namespace {

using namespace optim;

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Model : nn::Module {
  Rng init{1}, noise{2};
  nn::Linear hidden{*this, "hidden", 2, 8, {.rng = &init}};
  nn::Dropout dropout{*this, "dropout", 0.3};
  nn::Linear output{*this, "output", 8, 3, {.rng = &init}};
  nn::Buffer calls{*this, "calls", zeros({1}, i64)};
  Tensor forward(const Tensor& x) {
    if (training()) ++calls.mutable_data<std::int64_t>()[0];
    return output(tapegrad::dropout(dropout(relu(hidden(x))), 0.1, noise, training()));
  }
};

data::TensorDataset points(std::int64_t count) {
  Rng rng(3);
  const Tensor x = randn({count, 2}, f32, rng);
  Tensor y = empty({count}, i64);
  for (std::int64_t i = 0; i < count; ++i)
    y.mutable_data<std::int64_t>()[static_cast<std::size_t>(i)] = x.at({i, 0}) < 0 ? 0 : x.at({i, 1}) < 0 ? 1 : 2;
  return {x, y};
}

// All that a training comes to.
struct Outcome {
  std::vector<std::vector<double>> tensors;
  std::vector<double> scores;
  Rng::State rng;
  std::optional<std::int64_t> best_epoch;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome outcome_of(Trainer& trainer) {
  Outcome outcome;
  for (const auto& [name, tensor] : trainer.model().state()) outcome.tensors.push_back(tensor.values());
  for (const auto& [name, tensor] : trainer.optimizer().state()) outcome.tensors.push_back(tensor.values());
  for (const EpochRecord& e : trainer.history().epochs) {
    outcome.scores.insert(outcome.scores.end(), {e.lr, e.train.loss, e.train["accuracy"], e.validation->loss});
    outcome.scores.push_back((*e.validation)["accuracy"]);
  }
  outcome.rng = default_rng().state();
  outcome.best_epoch = trainer.history().best_epoch;
  return outcome;
}

class ResumeTest : public ::testing::Test {
 protected:
  ResumeTest() : data_(points(165)) {
    // Hundreds of files that wait for a disk take half a minute.
    if (fs::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);
    options_.epochs = 5;
    options_.batch_size = 8;
    options_.validation_split = 0.2;
    options_.seed = 4;
    options_.clip_norm = 1;
    options_.schedule = schedule::warm_up(1.5, schedule::cosine(5));
    options_.plateau = PlateauOptions{.factor = 0.5, .patience = 0};
    options_.average = 0.9;
    options_.early_stopping = EarlyStopping{.monitor = "accuracy", .patience = 9};
    options_.checkpoint.keep = 1;
    options_.prefetch = 2;
    options_.transform = [](data::Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch) {
      float* x = batch.inputs[0].mutable_data<float>().data();
      for (const std::int64_t row : rows) {
        Rng rng({.seed = static_cast<std::uint64_t>(epoch), .position = static_cast<std::uint64_t>(row) << 8});
        for (int i = 0; i < 2; ++i) *x++ += static_cast<float>(0.1 * rng.normal());
      }
    };
  }

  // A process of its own, as far as the training can tell: new model, trainer and generators.
  template <class Then>
  void start(const FitOptions& options, Then then) const {
    seed(11);
    Model model;
    FitOptions all = options;
    if (!all.checkpoint.folder.empty()) all.checkpoint.generators = {{"noise", &model.noise}};
    Trainer trainer(model, AdamW{.lr = 0.02}, nn::cross_entropy);
    then(trainer, trainer.fit(data_, all));
  }
  Outcome undisturbed() const {
    Outcome outcome;
    start(options_, [&](Trainer& trainer, const History&) { outcome = outcome_of(trainer); });
    return outcome;
  }

  void expect_same_when_stopped_after(int batches, const Outcome& expected) const {
    const TemporaryFolder folder;
    FitOptions options = options_;
    options.checkpoint.folder = folder.path();
    int seen = 0;
    options.should_stop = [&] { return ++seen == batches; };
    start(options, [&](Trainer&, const History& history) {
      EXPECT_EQ(history.stopped, StopReason::requested) << batches;
      EXPECT_TRUE(fs::equivalent(history.checkpoint.parent_path(), folder.path()));
    });
    options.should_stop = {};
    options.resume = true;
    seed(999);
    start(options, [&](Trainer& trainer, const History& history) {
      EXPECT_EQ(history.stopped, StopReason::completed);
      EXPECT_EQ(history.epochs.size(), 5u);
      EXPECT_TRUE(outcome_of(trainer) == expected) << "stopped after " << batches << " batches";
    });
  }

  data::TensorDataset data_;
  FitOptions options_;
};

TEST_F(ResumeTest, AfterAnyBatchTheBitsAreTheSame) {
  const Outcome expected = undisturbed();
  // 17 batches of training and 5 of validation an epoch. The last one leaves nothing to stop.
  for (int batches = 1; batches < 5 * 22; ++batches) expect_same_when_stopped_after(batches, expected);
}

TEST_F(ResumeTest, GatheredGradientsAreSteppedBeforeTheStop) {
  options_.accumulate = 3;
  options_.plateau.reset();
  options_.average.reset();
  const Outcome expected = undisturbed();
  for (int batches = 1; batches < 30; ++batches) expect_same_when_stopped_after(batches, expected);
}

TEST_F(ResumeTest, FromEachCheckpointOnTheWayTheBitsAreTheSame) {
  const Outcome expected = undisturbed();
  const TemporaryFolder folder;
  options_.checkpoint = {.folder = folder.path(), .every_steps = 7, .keep = 100};
  start(options_, [&](Trainer& trainer, const History&) {
    EXPECT_TRUE(outcome_of(trainer) == expected) << "saving changes nothing";
  });
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(folder.path())) all.push_back(entry.path());
  EXPECT_EQ(all.size(), 12 + 5 + 1);  // 85 steps; 5 epochs; the best
  options_.resume = true;
  // The newest goes each time, so that the one before is resumed.
  std::sort(all.begin(), all.end());
  for (std::size_t left = all.size(); left-- > 1;) {
    EXPECT_EQ(all[0].filename(), "best.safetensors");
    const TemporaryFolder copy;
    fs::copy(all[left], copy.path());
    options_.checkpoint.folder = copy.path();
    start(options_, [&](Trainer& trainer, const History&) {
      EXPECT_TRUE(outcome_of(trainer) == expected) << "from " << all[left];
    });
  }
}

TEST_F(ResumeTest, AKilledTrainingGoesOn) {
  const Outcome expected = undisturbed();
  for (const int batches : {9, 20, 50}) {
    const TemporaryFolder folder;
    options_.checkpoint = {.folder = folder.path(), .every_steps = 3};
    const pid_t child = ::fork();
    if (child == 0) {
      int seen = 0;
      options_.should_stop = [&] {
        if (++seen == batches) ::kill(::getpid(), SIGKILL);
        return false;
      };
      start(options_, [](Trainer&, const History&) {});
      ::_exit(1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    FitOptions options = options_;
    options.resume = true;
    start(options, [&](Trainer& trainer, const History&) {
      EXPECT_TRUE(outcome_of(trainer) == expected) << "killed after " << batches;
    });
  }
}

TEST_F(ResumeTest, ACompletedTrainingIsNotRepeatedButCanBeProlonged) {
  const TemporaryFolder folder;
  options_.plateau.reset();
  options_.average.reset();
  options_.early_stopping.reset();
  options_.epochs = 2;
  options_.checkpoint.folder = folder.path();
  start(options_, [](Trainer&, const History&) {});
  options_.resume = true;
  struct Watch : Observer {
    int steps = 0;
    fs::path resumed;
    void on_start(Trainer&, const StartRecord& record) override { resumed = record.resumed.value_or(""); }
    void on_step(Trainer&, const StepRecord&) override { ++steps; }
  } watch;
  options_.observers = {&watch};
  start(options_, [](Trainer&, const History& history) { EXPECT_EQ(history.epochs.size(), 2u); });
  EXPECT_EQ(watch.steps, 0);
  EXPECT_EQ(watch.resumed.filename(), "step-000000034.safetensors");
  options_.epochs = 5;
  Outcome prolonged;
  start(options_, [&](Trainer& trainer, const History&) { prolonged = outcome_of(trainer); });
  options_.checkpoint = {};
  options_.resume = false;
  EXPECT_TRUE(prolonged == undisturbed());
}

TEST_F(ResumeTest, EarlyStoppingIsRemembered) {
  const TemporaryFolder folder;
  options_.early_stopping = EarlyStopping{.patience = 0, .min_delta = 10};
  options_.checkpoint.folder = folder.path();
  start(options_, [](Trainer&, const History& history) { EXPECT_EQ(history.epochs.size(), 2u); });
  options_.resume = true;
  start(options_, [](Trainer&, const History& history) {
    EXPECT_EQ(history.epochs.size(), 2u);
    EXPECT_EQ(history.stopped, StopReason::early);
  });
}

TEST_F(ResumeTest, RefusesWhatWouldNotBeTheSameTraining) {
  const TemporaryFolder folder;
  const auto nothing = [](Trainer&, const History&) {};
  options_.resume = true;
  EXPECT_THAT(message_of<Error>([&] { start(options_, nothing); }), HasSubstr("no checkpoint.folder"));
  options_.checkpoint.folder = folder.path();
  int seen = 0;
  options_.should_stop = [&] { return ++seen == 5; };
  start(options_, nothing);  // nothing there to resume: it begins
  options_.should_stop = {};
  for (const auto change :
       {+[](FitOptions& o) { o.batch_size = 16; }, +[](FitOptions& o) { o.seed = 5; },
        +[](FitOptions& o) { o.validation_split = 0.1; }, +[](FitOptions& o) { o.shuffle = false; }}) {
    FitOptions other = options_;
    change(other);
    EXPECT_THAT(message_of<Error>([&] { start(other, nothing); }), HasSubstr("cannot be gone on with"));
  }
  options_.resume = false;
  EXPECT_THAT(message_of<Error>([&] { start(options_, nothing); }), HasSubstr("is of an earlier training"));
  Model model;
  Trainer sgd(model, Sgd{.momentum = 0.9}, nn::cross_entropy);
  const Outcome before = outcome_of(sgd);
  const fs::path file = folder.path("step-000000005.safetensors");
  EXPECT_THAT(message_of<Error>([&] { sgd.load(file); }),
              ::testing::AllOf(HasSubstr("step-000000005"), HasSubstr("adamw.m/hidden.weight")));
  EXPECT_TRUE(outcome_of(sgd) == before);
  options_.checkpoint.every_steps = -1;
  EXPECT_THROW(start(options_, nothing), ValueError);
}

TEST_F(ResumeTest, AWorthlessCheckpointTakesNoGoodOnesPlace) {
  const TemporaryFolder folder;
  options_.checkpoint = {.folder = folder.path(), .every_steps = 1, .keep = 1};
  options_.clip_norm.reset();
  options_.plateau.reset();
  options_.schedule = [](double time) { return time < 1 ? 1.0 : 1e60; };
  const std::string message = message_of<Error>([&] { start(options_, [](Trainer&, const History&) {}); });
  EXPECT_THAT(message, ::testing::AllOf(HasSubstr("step 18"), HasSubstr("the last checkpoint is"),
                                        HasSubstr("step-000000017.safetensors")));
  Model model;
  Trainer trainer(model, AdamW{.lr = 0.02}, nn::cross_entropy);
  trainer.load(folder.path("step-000000017.safetensors"));
  EXPECT_EQ(trainer.optimizer().steps(), 17);
  EXPECT_TRUE(std::isfinite(trainer.evaluate(data_).loss));
}

TEST_F(ResumeTest, TheBestIsThereToLoad) {
  const TemporaryFolder folder;
  options_.checkpoint.folder = folder.path();
  start(options_, [&](Trainer& trainer, const History&) {
    std::size_t best = 0;
    const std::vector<EpochRecord> epochs = trainer.history().epochs;
    for (std::size_t i = 0; i < epochs.size(); ++i)
      if (epochs[i].validation->loss < epochs[best].validation->loss) best = i;
    Model model;
    Trainer other(model, AdamW{}, nn::cross_entropy);
    other.load(folder.path("best.safetensors"));
    EXPECT_EQ(other.history().epochs.size(), best + 1);
    const fs::path copy = folder.path("copy");
    other.save(copy);
    Model again;
    Trainer third(again, AdamW{}, nn::cross_entropy);
    third.load(copy);
    EXPECT_TRUE(outcome_of(third) == outcome_of(other));
  });
}

}  // namespace
}  // namespace tapegrad::train
