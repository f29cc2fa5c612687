// Trainer::fit: the loop, and how it goes on from a checkpoint.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/io/checkpoint.hpp>
#include <tapegrad/io/folder_lock.hpp>
#include <tapegrad/optim/clip.hpp>
#include <tapegrad/optim/ema.hpp>
#include <tapegrad/train/internal/batch_checks.hpp>
#include <tapegrad/train/internal/divergence_watch.hpp>
#include <tapegrad/train/internal/loop_state.hpp>
#include <tapegrad/train/internal/prefix.hpp>

namespace tapegrad::train {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char *kBest = "best/", *kAverage = "average/";

void check(const FitOptions& options) {
  if (options.epochs < 0) throw ValueError(fmt::format("fit: {} epochs", options.epochs));
  if (options.accumulate < 1)
    throw ValueError(fmt::format("fit: accumulate is {}; it is at least 1", options.accumulate));
  if (options.clip_norm && !(*options.clip_norm > 0))
    throw ValueError(fmt::format("fit: clip_norm is {}; it is above 0", *options.clip_norm));
  if (options.checkpoint.every_steps && *options.checkpoint.every_steps < 1)
    throw ValueError(
        fmt::format("fit: checkpoint.every_steps is {}; it is at least 1", *options.checkpoint.every_steps));
  if (const auto& early = options.early_stopping; early && (early->patience < 0 || !(early->min_delta >= 0)))
    throw ValueError(fmt::format("fit: early stopping has patience {} and min_delta {}; they are at least 0",
                                 early->patience, early->min_delta));
  for (const auto& [name, rng] : options.checkpoint.generators)
    if (!rng) throw ValueError(fmt::format("fit: the generator '{}' of the checkpoints is null", name));
  for (const Observer* observer : options.observers)
    if (!observer) throw ValueError("fit: an observer is null");
  if (options.resume && options.checkpoint.folder.empty())
    throw ValueError("fit: resume is set, but no checkpoint.folder to resume from");
}

bool is_finite(const Tensor& tensor) {
  const Tensor dense = tensor.contiguous();
  return dispatch_floating(dense.dtype(), [&]<class T>() {
    return std::ranges::all_of(dense.data<T>(), [](T value) { return std::isfinite(value); });
  });
}

}  // namespace

/// One call of fit().
class Trainer::Run {
 public:
  Run(Trainer& trainer, data::BatchSource& train, data::BatchSource* validation, const FitOptions& options)
      : t_(trainer),
        train_(train),
        validation_(validation),
        options_(options),
        parameters_(trainer.optimizer_.parameters()),
        untrained_(*trainer.model_, parameters_) {
    check(options);
    if (const auto& early = options.early_stopping)
      early_.emplace("fit: early stopping", early->monitor, t_.metrics_, early->min_delta);
    if (options.average) average_.emplace(t_.model_->named_parameters(), *options.average);
    if (options.plateau) plateau_.emplace(*options.plateau);
    if (options.checkpoint.folder.empty()) return;
    best_checkpoint_.emplace("fit: the best checkpoint", options.checkpoint.monitor, t_.metrics_);
    checkpoints_.emplace(options.checkpoint.folder, options.checkpoint.keep);
    lock_.emplace(options.checkpoint.folder / ".lock", options.checkpoint.folder);
  }

  History run() {
    const GradMode recording(true);
    t_.optimizer_.zero_grad();
    StartRecord start = resume();
    start.epochs = step_.epochs = at_.first_epoch + options_.epochs;
    for (Observer* observer : options_.observers) observer->on_start(t_, start);
    while (at_.epoch < step_.epochs && !has_waited() && run_epoch()) continue;
    if (history_.stopped != StopReason::requested) finish();
    if (early_) history_.best_epoch = early_->state().epoch;
    t_.history_.stopped = history_.stopped;
    t_.history_.best_epoch = history_.best_epoch;
    t_.history_.checkpoint = history_.checkpoint;
    for (Observer* observer : options_.observers) observer->on_end(t_, history_);
    return std::move(history_);
  }

 private:
  // Sets where to go on, and puts all that was saved with it in place.
  StartRecord resume() {
    StartRecord start;
    if (options_.resume) {
      if (auto found = checkpoints_->newest()) {
        t_.restore(std::make_shared<const io::Checkpoint>(std::move(found->checkpoint)), found->path.string());
        start.resumed = history_.checkpoint = found->path;
        start.unreadable = std::move(found->unreadable);
      }
    } else if (checkpoints_) {
      const auto there = checkpoints_->list();
      if (!there.empty() && there.front().step > t_.optimizer_.steps())
        throw ValueError(
            fmt::format("fit: {} is of an earlier training, which this one, at step {}, would mix with: "
                        "resume it, or name another folder",
                        there.front().path.string(), t_.optimizer_.steps()));
    }
    at_.first_epoch = at_.epoch = std::ssize(t_.history_.epochs);
    at_.order = order();
    if (const auto pending = std::exchange(t_.pending_, nullptr)) take_up(*pending);
    return start;
  }

  void take_up(const io::Checkpoint& checkpoint) {
    TrainingState state = parse_training_state(checkpoint.state, "the checkpoint");
    if (!state.loop) return;
    at_ = std::move(*state.loop);
    if (at_.batch > 0 && at_.order != order())
      throw ValueError(
          fmt::format("fit: the checkpoint is inside an epoch with {}, which cannot be gone on with {}; give the same "
                      "options and data",
                      at_.order.dump(), order().dump()));
    at_.order = order();
    history_.epochs.assign(t_.history_.epochs.begin() + at_.first_epoch, t_.history_.epochs.end());
    if (early_ && at_.early_stopping) early_->restore(*at_.early_stopping);
    if (best_checkpoint_ && at_.best_checkpoint) best_checkpoint_->restore(*at_.best_checkpoint);
    if (plateau_ && at_.plateau) plateau_->restore(*at_.plateau);
    best_weights_ = without_prefix(checkpoint.tensors, kBest);
    if (const NamedTensors averages = without_prefix(checkpoint.tensors, kAverage); average_ && !averages.empty())
      average_->load_state(averages);
    for (const auto& [name, rng] : options_.checkpoint.generators) {
      const auto saved = at_.generators.find(name);
      if (saved == at_.generators.end())
        throw ValueError(fmt::format("fit: the checkpoint has no state of the generator '{}'", name));
      *rng = Rng(saved->second);
    }
  }

  // What the batches of an epoch follow from.
  nlohmann::ordered_json order() const {
    return {{"batch_size", options_.batch_size}, {"validation_split", options_.validation_split},
            {"shuffle", options_.shuffle},       {"seed", options_.seed},
            {"accumulate", options_.accumulate}, {"batches", train_.batches()}};
  }

  bool has_waited() const { return early_ && early_->state().waited > options_.early_stopping->patience; }

  // False when asked to stop.
  bool run_epoch() {
    began_ = Clock::now() - std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(at_.seconds));
    EpochRecord record;
    record.epoch = step_.epoch = at_.epoch + 1;
    if (!train(record) || (validation_ && !validate(record))) {
      history_.stopped = StopReason::requested;
      save();
      return false;
    }
    record.steps = t_.optimizer_.steps();
    record.lr = t_.optimizer_.lr();
    record.seconds = elapsed();
    history_.epochs.push_back(record);
    t_.history_.epochs.push_back(record);
    const Scores& scores = record.validation ? *record.validation : record.train;
    if (early_ && early_->update(scores, record.epoch) && options_.early_stopping->restore_best) {
      const AveragedWeights averaged(average_);
      best_weights_ = clone(t_.model_->state());
    }
    if (plateau_) plateau_->update(scores.loss);
    for (Observer* observer : options_.observers) observer->on_epoch(t_, record);
    ++at_.epoch;
    began_ = Clock::now();
    mark(0, {});
    if (checkpoints_) {
      const bool best = best_checkpoint_->update(scores, record.epoch);
      save();
      if (best) save_best();
    }
    return true;
  }

  // Both passes return false when asked to stop.
  bool train(EpochRecord& record) {
    if (!t_.model_->training()) t_.model_->train();
    Tally tally(t_.metrics_);
    start(train_, true);
    if (at_.batch > 0) pass_over(tally);
    data::Batch batch;
    Gathered gathered;
    bool stop = false;
    for (bool more = train_.next(batch); more;) {
      begin_batch();
      const Tensor outputs = t_.outputs_of(batch, batch_name());
      const Tensor loss = t_.loss_(outputs, batch.targets);
      step_.loss = loss.item();
      require_finite("loss", step_.loss);
      last_loss_ = step_.loss;
      untrained_.check(loss);
      const double weight = t_.loss_.weight(outputs, batch.targets, batch.rows);
      gather(loss, weight, gathered);
      tally.add(outputs, batch, step_.loss, weight);
      const data::Batch last = std::exchange(batch, {});
      more = train_.next(batch);
      if (gathered.batches == options_.accumulate || !more) {
        for (Observer* observer : options_.observers) observer->on_gradients(t_, loss);
        apply(std::exchange(gathered, {}));
      }
      stop = report(tally) || stop;
      if (gathered.batches > 0) continue;
      if (stop || is_due()) mark(step_.batch, tally.state());
      if (stop) return false;
      if (is_due()) save();
    }
    if (step_.batch == 0) throw ValueError("fit: there is nothing to train on: an epoch has no batch");
    record.train = tally.scores();
    // A stop during the validation goes back to here, before it has drawn anything.
    mark(step_.batch, tally.state());
    return true;
  }

  bool validate(EpochRecord& record) {
    const NoGrad no_grad;
    const nn::ModeGuard mode(*t_.model_, false);
    const AveragedWeights averaged(average_);
    Tally tally(t_.metrics_);
    start(*validation_, false);
    data::Batch batch;
    for (; validation_->next(batch); batch = {}) {
      begin_batch();
      const Tensor outputs = t_.outputs_of(batch, batch_name());
      step_.loss = t_.loss_(outputs, batch.targets).item();
      tally.add(outputs, batch, step_.loss, t_.loss_.weight(outputs, batch.targets, batch.rows));
      if (report(tally)) return false;
    }
    if (step_.batch == 0) throw ValueError("fit: there is nothing to validate on: the validation has no batch");
    record.validation = tally.scores();
    return true;
  }

  void start(data::BatchSource& source, bool training) {
    source.start(at_.epoch);
    step_.batch = 0;
    step_.batches = source.batches() < 0 ? std::nullopt : std::optional(source.batches());
    step_.training = training;
  }

  void begin_batch() {
    step_.step_loss.reset();
    ++step_.batch;
    if (step_.batches && step_.batch > *step_.batches)
      throw ValueError(fmt::format("{}: the source said that it has {} batches", batch_name(), *step_.batches));
  }

  std::string batch_name() const {
    return fmt::format("{} batch {} of epoch {}", step_.training ? "training" : "validation", step_.batch, step_.epoch);
  }

  // The part of the epoch that was done before the checkpoint.
  void pass_over(Tally& tally) {
    step_.batch = at_.batch;
    if (!tally.restore(at_.tally)) throw ValueError("fit: the checkpoint is of a training with other metrics");
    const Rng before = default_rng();
    train_.skip(at_.batch);
    default_rng() = before;
  }

  // The batches of a step so far.
  struct Gathered {
    std::int64_t batches = 0;
    double weight = 0, loss = 0;  // the sum of the weights, and the mean of the losses
  };

  // Makes the gradients those of the mean over all batches that are gathered, each by its weight.
  void gather(const Tensor& loss, double weight, Gathered& gathered) {
    const double total = gathered.weight + weight, share = gathered.batches > 0 && total > 0 ? weight / total : 1;
    if (share == 1) {
      if (gathered.batches > 0 && total > 0) optim::scale_grad(parameters_, 0);
      loss.backward();
    } else {
      optim::scale_grad(parameters_, 1 - share);
      loss.backward(full(loss.shape(), share, loss.dtype()));
    }
    gathered = {gathered.batches + 1, total, gathered.loss + (step_.loss - gathered.loss) * share};
  }

  void apply(const Gathered& gathered) {
    optim::Optimizer& optimizer = t_.optimizer_;
    step_.step_loss = gathered.loss;
    watch(gathered.loss);
    if (options_.clip_norm)
      if (const double norm = optim::clip_grad_norm(parameters_, *options_.clip_norm); !std::isfinite(norm))
        require_finite("norm of the gradient", norm);
    if (options_.schedule || plateau_) optimizer.set_rate_factor(rate_factor(gathered.batches));
    optimizer.step();
    optimizer.zero_grad();
    if (average_) average_->update();
  }

  double rate_factor(std::int64_t gathered) const {
    return (options_.schedule ? scheduled(gathered) : 1) * (plateau_ ? plateau_->factor() : 1);
  }

  // Time goes by steps, so that it does not depend on how they are cut into batches.
  double scheduled(std::int64_t gathered) const {
    const std::int64_t each = options_.accumulate, step = (step_.batch - gathered) / each;
    const double share =
        step_.batches ? static_cast<double>(step) / static_cast<double>((*step_.batches + each - 1) / each) : 0;
    const double time = static_cast<double>(at_.epoch) + share, factor = options_.schedule(time);
    if (!(factor >= 0) || !std::isfinite(factor))
      throw ValueError(
          fmt::format("fit: the schedule gave {} at time {}; a factor of the learning rate is finite and at "
                      "least 0",
                      factor, time));
    return factor;
  }

  // True if asked to stop.
  bool report(const Tally& tally) {
    step_.mean_loss = tally.mean_loss();
    for (Observer* observer : options_.observers) observer->on_step(t_, step_);
    return options_.should_stop && options_.should_stop();
  }

  bool is_due() const {
    const auto& every = options_.checkpoint.every_steps;
    return checkpoints_ && every && t_.optimizer_.steps() % *every == 0;
  }

  // A checkpoint goes on from here.
  void mark(std::int64_t batch, Tally::State tally) {
    at_.batch = batch;
    at_.tally = std::move(tally);
    at_.seconds = elapsed();
    default_rng_ = default_rng().state();
    for (const auto& [name, rng] : options_.checkpoint.generators) at_.generators[name] = rng->state();
  }

  void save() {
    if (!checkpoints_) return;
    require_finite_weights();
    if (early_) at_.early_stopping = early_->state();
    if (best_checkpoint_) at_.best_checkpoint = best_checkpoint_->state();
    if (plateau_) at_.plateau = plateau_->state();
    io::Checkpoint checkpoint = t_.snapshot({t_.optimizer_.rate_factor(), default_rng_, t_.history_.epochs, at_});
    add_with_prefix(checkpoint.tensors, kBest, best_weights_);
    if (average_) add_with_prefix(checkpoint.tensors, kAverage, average_->state());
    history_.checkpoint = checkpoints_->save(t_.optimizer_.steps(), checkpoint);
    for (Observer* observer : options_.observers) observer->on_checkpoint(t_, history_.checkpoint);
  }

  void save_best() {
    const AveragedWeights averaged(average_);
    t_.save(checkpoints_->best());
    for (Observer* observer : options_.observers) observer->on_checkpoint(t_, checkpoints_->best());
  }

  void finish() {
    if (has_waited()) history_.stopped = StopReason::early;
    if (!best_weights_.empty())
      t_.model_->load_state(best_weights_);
    else if (average_)
      average_->swap();
  }

  double elapsed() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

  // "step 7 (epoch 1, batch 7 of 10)": the one that the loop is in.
  std::string here() const {
    const std::string of = step_.batches ? fmt::format(" of {}", *step_.batches) : "";
    return fmt::format("step {} (epoch {}, batch {}{})", t_.optimizer_.steps() + 1, step_.epoch, step_.batch, of);
  }

  void watch(double loss) {
    const auto& epochs = t_.history_.epochs;
    if (!watch_.update(loss, epochs.empty() ? 0 : epochs.front().train.loss)) return;
    const std::string warning = fmt::format(
        "the loss has run away: {:.6g} over the batches up to {}, at learning rate {:g}, from {:.6g} at the start. Try "
        "a smaller learning rate or clip_norm = 1{}",
        watch_.recent(), here(), t_.optimizer_.lr(), watch_.start(), last_good());
    history_.warnings.push_back(warning);
    for (Observer* observer : options_.observers) observer->on_warning(t_, warning);
  }

  void require_finite(std::string_view what, double value) const {
    if (std::isfinite(value)) return;
    const std::string before = last_loss_ ? fmt::format("; the loss before was {:.6g}", *last_loss_) : "";
    throw DivergenceError(fmt::format(
        "training: the {} became {} at {}, at learning rate {:g}{}. Try a smaller learning rate or clip_norm = 1; "
        "AnomalyMode names the first operation with such a result; see that the data has none{}",
        what, value, here(), t_.optimizer_.lr(), before, last_good()));
  }

  // So that no checkpoint is given up for one of no use.
  void require_finite_weights() const {
    for (const auto& [name, tensor] : t_.model_->named_parameters())
      if (!is_finite(tensor))
        throw DivergenceError(
            fmt::format("training: '{}' has a NaN or an infinity after step {} (epoch {}), at learning rate {:g}; no "
                        "checkpoint is written. Try a smaller learning rate or clip_norm = 1{}",
                        name, t_.optimizer_.steps(), step_.epoch, t_.optimizer_.lr(), last_good()));
  }

  std::string last_good() const {
    return history_.checkpoint.empty() ? "" : fmt::format("; the last checkpoint is {}", history_.checkpoint.string());
  }

  /// The averages stand in for the weights while it lives, where there are some.
  class AveragedWeights {
   public:
    explicit AveragedWeights(std::optional<optim::Ema>& average) {
      if (average) guard_.emplace(*average);
    }

   private:
    std::optional<optim::Ema::Guard> guard_;
  };

  Trainer& t_;
  data::BatchSource& train_;
  data::BatchSource* validation_;
  const FitOptions& options_;
  std::optional<BestFigure> early_, best_checkpoint_;
  std::optional<optim::Plateau> plateau_;
  std::optional<optim::Ema> average_;
  std::optional<io::CheckpointFolder> checkpoints_;
  std::optional<io::FolderLock> lock_;  // on it
  NamedTensors best_weights_;           // of the epoch that early stopping found best
  NamedTensors parameters_;             // where gradients are changed before the step
  UntrainedLeaves untrained_;
  LoopState at_;
  Rng::State default_rng_;  // there
  Clock::time_point began_ = Clock::now();
  History history_;
  StepRecord step_;
  std::optional<double> last_loss_;
  DivergenceWatch watch_;
};

History Trainer::fit(data::BatchSource& train, data::BatchSource* validation, const FitOptions& options) {
  return Run(*this, train, validation, options).run();
}

}  // namespace tapegrad::train
