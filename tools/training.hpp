#pragma once
// What the commands that train have in common: their options, checkpoints, signals.

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <tapegrad/train/observers.hpp>
#include <tapegrad/train/trainer.hpp>

#include "class_report.hpp"
#include "output_folder.hpp"

namespace tapegrad::tools {

struct TrainingOptions {
  std::string out, checkpoints, graphs, tensorboard;
  bool resume = false, quiet = false;
  std::int64_t epochs = 10, batch_size = 32, patience = 0, every_steps = 0, graph_steps = 100;
  double lr = 1e-3, weight_decay = 0;
  std::uint64_t seed = 1;
  int threads = 1;
};

/// The report of a training of `what` on `source`, a path or "wordnet:", with the tests' result if there is one.
train::Report report_of(std::string_view what, std::string_view source, const TrainingOptions& options,
                        const nn::Module& model, const train::History& history, const ClassReport* test = nullptr);

void add_training_options(CLI::App& command, TrainingOptions& options);

/// The folder that --out names, locked; null if it names none. Throws ValueError if checkpoints of an earlier
/// training lie where this one's are to go, and --resume does not ask for them. To be called before the data are read.
std::unique_ptr<OutputFolder> open_output(const TrainingOptions& options, std::string_view marker);

/// `fit` with what the options say: batches and checkpoints.
train::FitOptions fit_options(const TrainingOptions& options, train::FitOptions fit = {});

/// From a tenth of the learning rate to all of it in half an epoch, then by a cosine to a hundredth.
optim::Schedule warm_up_and_cosine(const TrainingOptions& options);

/// Trains with progress on standard output, and says where it began and how long it took. A signal ends it after the
/// batch it is in. `validation` may be null; then
/// nothing stops it early.
train::History run_training(train::Trainer& trainer, const data::Dataset& train, const data::Dataset* validation,
                            const TrainingOptions& options, const train::FitOptions& fit);
train::History run_training(train::Trainer& trainer, data::BatchSource& train, data::BatchSource* validation,
                            const TrainingOptions& options, const train::FitOptions& fit);

/// Writes the model's files by `write`, unless `out` is null, and puts them in place; those of a training that
/// was stopped go beside it. An IoError also says how to go on.
void write_output(OutputFolder* out, const train::History& history, const TrainingOptions& options,
                  const std::function<void(const OutputFolder&)>& write);

/// To be called when all is written. The checkpoints of a training that is complete go, unless a folder for them was
/// named. Gives the status to exit with: 128 + the signal's number if one stopped the training.
int end_training(const train::History& history, const TrainingOptions& options);

}  // namespace tapegrad::tools
