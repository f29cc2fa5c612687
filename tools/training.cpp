#include "training.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <optional>
#include <tapegrad/core/error.hpp>
#include <tapegrad/io/checkpoint.hpp>
#include <tapegrad/train/observers.hpp>

#include "interrupt.hpp"
#include "option_values.hpp"
#include "terminal.hpp"

namespace tapegrad::tools {
namespace {

namespace fs = std::filesystem;

fs::path checkpoint_folder(const TrainingOptions& options) {
  if (!options.checkpoints.empty()) return options.checkpoints;
  if (options.out.empty()) return {};
  fs::path out = options.out;
  if (out.filename().empty()) out = out.parent_path();  // "out/"
  return out += ".checkpoints";
}

/// How to go on after a failure; empty if nothing is there to go on from.
std::string resume_hint(const TrainingOptions& options) {
  const fs::path folder = checkpoint_folder(options);
  std::error_code ignored;
  if (folder.empty() || !fs::is_directory(folder, ignored) || io::CheckpointFolder(folder).list().empty()) return "";
  return "; what was trained is in " + folder.string() + ": the same command with --resume goes on from there";
}

bool was_stopped(const train::History& history) { return history.stopped == train::StopReason::requested; }

/// Says where a training begins that goes on from a checkpoint.
class Resumption final : public train::Observer {
 public:
  void on_start(train::Trainer& trainer, const train::StartRecord& start) override {
    for (const std::string& why : start.unreadable) std::cout << "passed over: " << why << '\n';
    if (start.resumed)
      std::cout << fmt::format("resumed after step {} (epoch {} of {}), from {}\n", trainer.optimizer().steps(),
                               trainer.history().epochs.size() + 1, start.epochs, start.resumed->string())
                << std::flush;
  }
};

train::History run(const TrainingOptions& options, train::FitOptions fit, bool validates,
                   const std::function<train::History(const train::FitOptions&)>& train) {
  const Terminal terminal = terminal_of(STDOUT_FILENO);
  train::ConsoleProgress progress(std::cout, {.terminal = terminal.interactive, .columns = terminal.columns});
  Resumption resumption;
  if (!validates) fit.early_stopping.reset();
  fit.observers.insert(fit.observers.begin(), &resumption);
  if (!options.quiet) fit.observers.push_back(&progress);
  std::optional<train::TensorBoardLog> curves;
  if (!options.tensorboard.empty()) fit.observers.push_back(&curves.emplace(options.tensorboard));
  std::optional<train::GraphSnapshots> graphs;
  if (!options.graphs.empty()) {
    fit.observers.push_back(
        &graphs.emplace(options.graphs, train::GraphSnapshotOptions{.every_steps = options.graph_steps}));
  }
  fit.should_stop = interrupt::requested;
  interrupt::defer();
  const auto begin = std::chrono::steady_clock::now();
  train::History history;
  try {
    history = train(fit);
  } catch (const IoError& error) {
    throw IoError(error.what() + resume_hint(options));
  }
  if (options.quiet)  // nothing has said it then
    for (const std::string& warning : history.warnings) std::cerr << "tapegrad: warning: " << warning << '\n';
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::cout << fmt::format("trained {} epochs in {:.3f} s on {} thread{}\n\n", history.epochs.size(), seconds.count(),
                           options.threads, options.threads == 1 ? "" : "s");
  return history;
}

}  // namespace

void add_training_options(CLI::App& command, TrainingOptions& options) {
  command.add_option("--out", options.out, "Folder for the model, its metrics and pictures")->type_name(kFolder);
  command.add_option("--epochs", options.epochs)->capture_default_str()->check(positive());
  command.add_option("--batch", options.batch_size, "Samples a step")->capture_default_str()->check(positive());
  command.add_option("--lr", options.lr, "Learning rate")->capture_default_str()->check(positive());
  command.add_option("--weight-decay", options.weight_decay, "Decoupled, as in AdamW")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--patience", options.patience,
                  "Stop after so many epochs without a better validation loss; 0: never")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--checkpoints", options.checkpoints,
                  "Folder for checkpoints, which stay; else OUT.checkpoints, gone when the training is complete")
      ->type_name(kFolder);
  command.add_option("--checkpoint-steps", options.every_steps, "A checkpoint also after so many steps; 0: each epoch")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--graphs", options.graphs,
                  "Folder for graphs of single steps, with the norms of their gradients (see tapegrad graph)")
      ->type_name(kFolder);
  command.add_option("--graph-steps", options.graph_steps, "One after each so many steps")
      ->capture_default_str()
      ->check(positive());
  command.add_flag("--resume", options.resume, "Go on from the newest checkpoint, bit for bit, if there is one");
  command.add_option("--tensorboard", options.tensorboard, "Folder for curves that TensorBoard reads")
      ->type_name(kFolder);
  command.add_option("--seed", options.seed, "Of the splits, the weights and the order")->capture_default_str();
  command.add_option("--threads", options.threads)->capture_default_str()->check(between(1, 1024));
  command.add_flag("--quiet", options.quiet, "No line an epoch");
}

train::Report report_of(std::string_view what, std::string_view source, const TrainingOptions& options,
                        const nn::Module& model, const train::History& history, const ClassReport* test) {
  if (source.ends_with(':') || source.ends_with('/')) source.remove_suffix(1);
  train::Report report{.title = fmt::format("{}: {}", what, fs::path(source).filename().string()),
                       .facts = {{"batch size", std::to_string(options.batch_size)},
                                 {"learning rate", fmt::format("{:g}", options.lr)},
                                 {"weight decay", fmt::format("{:g}", options.weight_decay)},
                                 {"seed", std::to_string(options.seed)},
                                 {"threads", std::to_string(options.threads)}},
                       .epochs = history.epochs,
                       .summary = model.summary()};
  if (!test) return report;
  report.facts.insert(report.facts.begin(), {"test accuracy", fmt::format("{:.4f}", test->accuracy)});
  report.confusion = test->confusion;
  for (const ClassScore& score : test->classes) report.class_names.push_back(score.name);
  return report;
}

train::FitOptions fit_options(const TrainingOptions& options, train::FitOptions fit) {
  fit.epochs = options.epochs;
  fit.batch_size = options.batch_size;
  fit.seed = options.seed;
  if (options.patience > 0) fit.early_stopping = {.patience = options.patience};
  fit.checkpoint.folder = checkpoint_folder(options);
  if (options.every_steps > 0) fit.checkpoint.every_steps = options.every_steps;
  fit.resume = options.resume;
  return fit;
}

optim::Schedule warm_up_and_cosine(const TrainingOptions& options) {
  const auto length = static_cast<double>(options.epochs);
  return optim::schedule::warm_up(std::min(0.5, length / 2), optim::schedule::cosine(length, 0.01), 0.1);
}

train::History run_training(train::Trainer& trainer, const data::Dataset& train, const data::Dataset* validation,
                            const TrainingOptions& options, const train::FitOptions& fit) {
  return run(options, fit, validation != nullptr, [&](const train::FitOptions& all) {
    return validation ? trainer.fit(train, *validation, all) : trainer.fit(train, all);
  });
}

train::History run_training(train::Trainer& trainer, data::BatchSource& train, data::BatchSource* validation,
                            const TrainingOptions& options, const train::FitOptions& fit) {
  return run(options, fit, validation != nullptr,
             [&](const train::FitOptions& all) { return trainer.fit(train, validation, all); });
}

std::unique_ptr<OutputFolder> open_output(const TrainingOptions& options, std::string_view marker) {
  std::unique_ptr<OutputFolder> out;
  if (!options.out.empty()) out = std::make_unique<OutputFolder>(options.out, marker);
  const fs::path folder = checkpoint_folder(options);
  if (std::error_code ignored; !options.resume && !folder.empty() && fs::is_directory(folder, ignored))
    if (const auto there = io::CheckpointFolder(folder).list(); !there.empty())
      throw ValueError(
          fmt::format("{} is of an earlier training: --resume goes on from it; or remove it, or name "
                      "another folder",
                      there.front().path.string()));
  return out;
}

void write_output(OutputFolder* out, const train::History& history, const TrainingOptions& options,
                  const std::function<void(const OutputFolder&)>& write) {
  if (!out) return;
  try {
    out->begin(was_stopped(history));
    write(*out);
    out->commit();
  } catch (const IoError& error) {
    throw IoError(error.what() + resume_hint(options));
  }
}

int end_training(const train::History& history, const TrainingOptions& options) {
  if (!was_stopped(history)) {
    std::error_code ignored;
    if (options.checkpoints.empty() && !options.out.empty()) fs::remove_all(checkpoint_folder(options), ignored);
    return 0;
  }
  std::string kept;
  if (!options.out.empty())
    kept += fmt::format("; the model so far is in {}", OutputFolder::partial(options.out).string());
  if (!history.checkpoint.empty()) kept += fmt::format("; --resume goes on from {}", history.checkpoint.string());
  if (kept.empty()) kept = "; nothing is kept, since neither --out nor --checkpoints names a place";
  std::cout << fmt::format("stopped by {} after {} whole epochs{}\n", interrupt::name(), history.epochs.size(), kept);
  return interrupt::exit_status();
}

}  // namespace tapegrad::tools
