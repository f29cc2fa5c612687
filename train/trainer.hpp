#pragma once
// Trainer: the training loop.

#include <concepts>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tapegrad/core/random.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/nn/module.hpp>
#include <tapegrad/optim/optimizer.hpp>
#include <tapegrad/optim/schedule.hpp>
#include <tapegrad/train/metric.hpp>
#include <vector>

namespace tapegrad::io {
struct Checkpoint;
}

namespace tapegrad::train {

class Trainer;
struct TrainingState;

/// What is known after an epoch.
struct EpochRecord {
  std::int64_t epoch = 0;  ///< from 1, counted over all calls of fit()
  std::int64_t steps = 0;  ///< of the optimiser, since it was made
  double lr = 0;           ///< at the epoch's last step
  double seconds = 0;      ///< validation included
  Scores train;            ///< gathered while training, so under the weights as they were then
  std::optional<Scores> validation;
};

/// How fit() came to its end.
enum class StopReason {
  completed,  ///< all epochs are done
  early,      ///< no improvement for too long
  requested   ///< should_stop said so; the epoch it was in has no record
};

/// What a training came to.
struct History {
  std::vector<EpochRecord> epochs;
  StopReason stopped = StopReason::completed;
  std::optional<std::int64_t> best_epoch;  ///< that early stopping found
  std::filesystem::path checkpoint;        ///< the last one written; empty if none was
  std::vector<std::string> warnings;       ///< what this fit() warned of
};

/// What is known when fit() begins.
struct StartRecord {
  std::int64_t epochs = 0;                       ///< the last one of this fit()
  std::optional<std::filesystem::path> resumed;  ///< the checkpoint that it goes on from
  std::vector<std::string> unreadable;           ///< why newer checkpoints were passed over
};

/// What is known after a batch.
struct StepRecord {
  std::int64_t epoch = 0, epochs = 0;        ///< this one, from 1, and the last one of this fit()
  std::int64_t batch = 0;                    ///< of the epoch, from 1
  std::optional<std::int64_t> batches = {};  ///< in an epoch, if that is known
  bool training = true;                      ///< false: a batch of the validation
  double loss = 0;                           ///< of the batch
  std::optional<double> step_loss = {};      ///< of all samples of the optimiser's step, if this batch completed one
  double mean_loss = 0;                      ///< of the epoch so far
};

/// Is told how training goes. What these functions throw ends the training.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_start(Trainer& /*trainer*/, const StartRecord& /*start*/) {}
  /// While a step's gradients are in place, before the optimiser uses them up: the mean over all batches of the step.
  /// `loss`, of the last of them, can be captured as a graph.
  virtual void on_gradients(Trainer& /*trainer*/, const Tensor& /*loss*/) {}
  virtual void on_step(Trainer& /*trainer*/, const StepRecord& /*step*/) {}
  virtual void on_epoch(Trainer& /*trainer*/, const EpochRecord& /*epoch*/) {}
  /// Of what is no error, such as a loss that runs away: one sentence, which names the step.
  virtual void on_warning(Trainer& /*trainer*/, const std::string& /*warning*/) {}
  virtual void on_checkpoint(Trainer& /*trainer*/, const std::filesystem::path& /*path*/) {}
  /// After the best weights, if wanted, are back in place. Not called if an exception ended the training.
  virtual void on_end(Trainer& /*trainer*/, const History& /*history*/) {}
};

/// When a training ends before its last epoch.
struct EarlyStopping {
  std::string monitor = "loss";  ///< or a metric's name; of the validation, where there is one
  std::int64_t patience = 3;     ///< epochs without improvement that are tolerated
  double min_delta = 0;          ///< how much better counts as an improvement
  bool restore_best = true;      ///< end with the weights of the best epoch, unless a stop was requested
};

/// Where fit() keeps all that it takes to go on as if nothing had happened: one file that holds weights, optimiser,
/// generators, the place in the epoch. They are written at the end of each epoch, when a stop is requested, and as
/// often as said here; a write that fails or is killed leaves the one before. One fit() at a time writes to a folder:
/// for another one, of whatever process, it is an IoError, which names the process.
struct Checkpointing {
  std::filesystem::path folder = {};             ///< none if empty
  std::optional<std::int64_t> every_steps = {};  ///< also after so many steps of the optimiser
  std::int64_t keep = 2;                         ///< that many of the newest; and the best, as best.safetensors
  std::string monitor = "loss";                  ///< or a metric's name: by which an epoch is the best
  /// What else than default_rng() the model draws from.
  std::vector<std::pair<std::string, Rng*>> generators = {};
};

/// Of Trainer::fit().
struct FitOptions {
  std::int64_t epochs = 10;
  std::int64_t batch_size = 32;
  double validation_split = 0;           ///< share of the data set that is held out
  bool shuffle = true;                   ///< anew in each epoch
  std::uint64_t seed = 0;                ///< of the split and the order
  data::Transform transform = {};        ///< of the training's batches: augmentation
  std::int64_t prefetch = 0;             ///< batches made ahead on a thread
  std::optional<double> clip_norm = {};  ///< limit of the gradient's norm
  std::int64_t accumulate = 1;           ///< batches of one step, whose gradient is that of all their samples together
  /// Factor of the learning rate over time in epochs; none means 1. A source that does not say how many batches it has
  /// is asked for the whole epochs only.
  optim::Schedule schedule = {};
  std::optional<optim::PlateauOptions> plateau = {};  ///< a further factor, which falls when the loss no longer does
  std::optional<double> average = {};  ///< decay of an Ema of the weights, with which it validates and ends
  std::optional<EarlyStopping> early_stopping = {};
  Checkpointing checkpoint = {};
  bool resume = false;  ///< go on from the newest checkpoint in the folder, if there is one
  std::vector<Observer*> observers = {};
  /// Asked after each batch, of the validation too. The step that is being gathered is completed first.
  std::function<bool()> should_stop = {};
};

/// Trains a model: any module whose forward takes the tensors of a batch.
///
///   train::Trainer trainer(model, optim::Adam{.lr = 1e-3}, nn::cross_entropy);
///   trainer.fit(data::TensorDataset(images, labels), {.epochs = 10, .validation_split = 0.1});
///   std::cout << trainer.evaluate(test)["accuracy"];
///
/// The model must outlive it and not move.
class Trainer {
 public:
  /// Calls the model on a batch's inputs.
  using Forward = std::function<Tensor(std::span<const Tensor> inputs)>;

  template <std::derived_from<nn::Module> Model, class R>
  Trainer(Model& model, const R& rule, Loss loss, Metrics metrics = {accuracy()})
      : Trainer(model, forward_of(model), optim::Optimizer(model, rule), std::move(loss), std::move(metrics)) {}
  /// ValueError for an empty forward, or metrics that are null or of one name.
  Trainer(nn::Module& model, Forward forward, optim::Optimizer optimizer, Loss loss, Metrics metrics = {accuracy()});

  /// Steps, and all figures but the time, follow from the samples and their order, and not from how steps are cut into
  /// batches. Throws DivergenceError, before the optimiser steps, if the loss is NaN or infinite, and before a
  /// checkpoint is written, if a parameter is. Whatever is thrown, the model's parameters are those after the last
  /// completed step. Throws ValueError or ShapeError for what a batch, the model, the loss or the schedule cannot give,
  /// and if the loss depends on a leaf that requires a gradient but is neither the model's nor the optimiser's. Warns,
  /// once, if the loss stays finite but grows to ten times what it was at the start. May be called again to go on.
  ///
  /// Stopped at any batch and resumed, with the same options and data, it comes to the same bits as without the stop.
  /// ValueError if the checkpoint is of another model, optimiser or order of the data, or if the folder holds
  /// checkpoints of a later step and `resume` is not set.
  History fit(const data::Dataset& train, const FitOptions& options = {});
  History fit(const data::Dataset& train, const data::Dataset& validation, const FitOptions& options = {});
  /// The options on how to make batches do not apply. `validation` may be null.
  History fit(data::BatchSource& train, data::BatchSource* validation, const FitOptions& options = {});

  /// The loss and the metrics with the weights as they are.
  Scores evaluate(const data::Dataset& dataset, std::int64_t batch_size = 256);
  Scores evaluate(data::BatchSource& source);

  /// The model's outputs for all rows, in their order.
  Tensor predict(const data::Dataset& dataset, std::int64_t batch_size = 256);
  Tensor predict(const Tensor& input);

  /// Writes model, optimiser, history and default_rng() as one checkpoint.
  void save(const std::filesystem::path& path) const;
  /// Reads what save() or fit() wrote; after the latter, the next fit() goes on inside the epoch. Throws IoError, or
  /// ValueError for a checkpoint of another model or optimiser; nothing is changed then.
  void load(const std::filesystem::path& path);

  nn::Module& model() { return *model_; }
  optim::Optimizer& optimizer() { return optimizer_; }
  /// Of all calls of fit().
  const History& history() const { return history_; }

 private:
  class Run;

  Tensor outputs_of(const data::Batch& batch, const std::string& where) const;
  io::Checkpoint snapshot(const TrainingState& state) const;
  void restore(std::shared_ptr<const io::Checkpoint> checkpoint, const std::string& name);

  template <class Model>
  static Forward forward_of(Model& model);
  [[noreturn]] static void throw_arity(const nn::Module& model, std::size_t count);

  nn::Module* model_;
  Forward forward_;
  optim::Optimizer optimizer_;
  Loss loss_;
  Metrics metrics_;
  History history_;
  std::shared_ptr<const io::Checkpoint> pending_;  // the loop's part of it is for the next fit()
};

template <class Model>
Trainer::Forward Trainer::forward_of(Model& model) {
  return [&model](std::span<const Tensor> in) -> Tensor {
    const auto call = [&model](const auto&... tensors) -> Tensor {
      if constexpr (requires { model(tensors...); })
        return model(tensors...);
      else
        return model.forward(tensors...);
    };
    constexpr bool takes_one = requires { model.forward(in[0]); };
    constexpr bool takes_two = requires { model.forward(in[0], in[0]); };
    constexpr bool takes_three = requires { model.forward(in[0], in[0], in[0]); };
    constexpr bool takes_span = requires { model.forward(in); };
    static_assert(takes_one || takes_two || takes_three || takes_span,
                  "the model needs a function forward that takes one to three Tensors, or a span of them");
    if constexpr (takes_one)
      if (in.size() == 1) return call(in[0]);
    if constexpr (takes_two)
      if (in.size() == 2) return call(in[0], in[1]);
    if constexpr (takes_three)
      if (in.size() == 3) return call(in[0], in[1], in[2]);
    if constexpr (takes_span) return call(in);
    throw_arity(model, in.size());
  };
}

}  // namespace tapegrad::train
