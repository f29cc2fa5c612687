#include <gmock/gmock.h>

#include <sstream>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/train/observers.hpp>

namespace tapegrad::train {
namespace {

using namespace optim;

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string output_of(bool terminal) {
  nn::Linear model(2, 2);
  Trainer trainer(model, Sgd{}, nn::cross_entropy);
  std::ostringstream out;
  double now = 0;
  ConsoleProgress progress(out, {.terminal = terminal, .columns = 70, .seconds = [&now] { return now += 0.5; }});
  trainer.fit(data::TensorDataset(ones({64, 2}), zeros({64}, i64)),
              {.epochs = 2, .batch_size = 8, .validation_split = 0.25, .observers = {&progress}});
  return out.str();
}

TEST(ConsoleProgress, PlainLinesWhereThereIsNoTerminal) {
  EXPECT_THAT(
      output_of(false),
      MatchesRegex(
          "epoch 1/2  loss [0-9.]+  accuracy [0-9.]+  val_loss [0-9.]+  val_accuracy [0-9.]+  [0-9]+\\.[0-9] s\n"
          "epoch 2/2  loss [0-9.]+  accuracy [0-9.]+  val_loss [0-9.]+  val_accuracy [0-9.]+  [0-9]+\\.[0-9] s\n"));
}

TEST(ConsoleProgress, ABarOnATerminalThatTheEpochsLineReplaces) {
  const std::string text = output_of(true);
  // Batch 4 of 6, half a second each since the first.
  EXPECT_THAT(text, HasSubstr("\repoch 1/2 [=============       ] 4/6  1.0 s left  loss "));
  EXPECT_THAT(text, HasSubstr("validation loss"));
  EXPECT_THAT(text, HasSubstr(" \repoch 1/2  loss"));
  std::istringstream pieces(text);
  for (std::string piece; std::getline(pieces, piece, '\r');) EXPECT_LT(piece.substr(0, piece.find('\n')).size(), 90u);
}

TEST(ConsoleProgress, CountsTheTimeFromWhereATrainingGoesOn) {
  nn::Linear model(2, 2);
  Trainer trainer(model, Sgd{}, nn::cross_entropy);
  std::ostringstream out;
  double now = 1e6;
  ConsoleProgress progress(out, {.terminal = true, .seconds = [&now] { return now += 0.5; }});
  for (const std::int64_t batch : {51, 52, 53})
    progress.on_step(trainer, {.epoch = 1, .epochs = 2, .batch = batch, .batches = 57});
  EXPECT_THAT(out.str(), HasSubstr("53/57  2.0 s left"));
}

TEST(ConsoleProgress, SaysWarningsOnALineOfTheirOwn) {
  nn::Linear model(2, 2);
  Trainer trainer(model, Sgd{}, nn::cross_entropy);
  std::ostringstream out;
  double now = 0;
  ConsoleProgress progress(out, {.terminal = true, .seconds = [&now] { return now += 0.5; }});
  progress.on_step(trainer, {.epoch = 1, .epochs = 2, .batch = 1, .batches = 4});
  progress.on_step(trainer, {.epoch = 1, .epochs = 2, .batch = 2, .batches = 4});
  progress.on_warning(trainer, "mind the step");
  EXPECT_THAT(out.str(), HasSubstr(" \rwarning: mind the step\n"));
}

TEST(ConsoleProgress, FormatsTime) {
  EXPECT_EQ(format_seconds(4.21), "4.2 s");
  EXPECT_EQ(format_seconds(200), "3 min 20 s");
  EXPECT_EQ(format_seconds(7500), "2 h 05 min");
}

}  // namespace
}  // namespace tapegrad::train
