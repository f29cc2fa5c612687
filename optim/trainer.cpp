#include <tapegrad/optim/trainer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/rows.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/optim/clip.hpp>

namespace tapegrad::optim {

/// Gathers the loss and the metrics of a pass.
class Trainer::Tally {
 public:
  explicit Tally(const Metrics& metrics) {
    for (const auto& metric : metrics) metrics_.push_back(metric->fresh());
  }

  void add(const Tensor& outputs, const data::Batch& batch, double loss) {
    loss_ += loss * static_cast<double>(batch.rows);
    rows_ += batch.rows;
    const Tensor values = outputs.detach();
    for (const auto& metric : metrics_) metric->update(values, batch.targets);
  }

  double mean_loss() const { return loss_ / static_cast<double>(rows_); }  // NaN of nothing

  Scores scores() const {
    Scores scores{mean_loss(), rows_, {}};
    for (const auto& metric : metrics_)
      if (const auto value = metric->value()) scores.metrics.emplace_back(metric->name(), *value);
    return scores;
  }

 private:
  double loss_ = 0;
  std::int64_t rows_ = 0;
  std::vector<std::unique_ptr<Metric>> metrics_;
};

/// Early stopping: the best figure so far, and the weights that had it.
class Trainer::BestWeights {
 public:
  BestWeights(const EarlyStopping& options, nn::Module& model, const Metrics& metrics)
      : options_(options), model_(&model) {
    if (options.monitor == "loss") return;
    const auto same_name = [&](const auto& metric) { return metric->name() == options.monitor; };
    const auto metric = std::ranges::find_if(metrics, same_name);
    if (metric == metrics.end())
      throw ValueError(
          fmt::format("fit: early stopping watches '{}', which is neither \"loss\" nor a metric", options.monitor));
    if ((*metric)->higher_is_better()) sign_ = -1;
  }

  /// False when it has waited long enough.
  bool update(const Scores& scores, std::int64_t epoch) {
    const double cost = sign_ * scores[options_.monitor];
    if (cost < best_ - options_.min_delta) {
      best_ = cost;
      epoch_ = epoch;
      waited_ = 0;
      if (options_.restore_best) state_ = clone(model_->state());
    } else {
      ++waited_;
    }
    return waited_ <= options_.patience;
  }

  std::int64_t epoch() const { return epoch_; }
  void restore() {
    if (!state_.empty()) model_->load_state(state_);
  }

 private:
  EarlyStopping options_;
  nn::Module* model_;
  double sign_ = 1, best_ = std::numeric_limits<double>::infinity();
  std::int64_t epoch_ = 0, waited_ = 0;
  NamedTensors state_;
};

/// One call of fit().
class Trainer::Run {
 public:
  Run(Trainer& trainer, data::BatchSource& train, data::BatchSource* validation, const FitOptions& options)
      : t_(trainer), train_(train), validation_(validation), options_(options) {
    if (options.epochs < 0) throw ValueError(fmt::format("fit: {} epochs", options.epochs));
    if (options.accumulate < 1)
      throw ValueError(fmt::format("fit: accumulate is {}; it is at least 1", options.accumulate));
    if (!(options.clip_norm >= 0))
      throw ValueError(fmt::format("fit: clip_norm is {}; it is at least 0, which stands for none", options.clip_norm));
    if (options.early_stopping) best_.emplace(*options.early_stopping, *t_.model_, t_.metrics_);
    if (options.clip_norm > 0 || options.accumulate > 1) parameters_ = t_.optimizer_.parameters();
  }

  History run() {
    const GradMode recording(true);
    t_.optimizer_.zero_grad();
    const std::int64_t done = std::ssize(t_.history_.epochs);
    step_.epochs = done + options_.epochs;
    for (std::int64_t epoch = done; epoch < step_.epochs; ++epoch)
      if (!run_epoch(epoch)) break;
    history_.best_epoch = best_ ? best_->epoch() : 0;
    if (best_ && history_.stopped != StopReason::requested) best_->restore();
    t_.history_.stopped = history_.stopped;
    t_.history_.best_epoch = history_.best_epoch;
    for (Observer* observer : options_.observers) observer->on_end(t_, history_);
    return std::move(history_);
  }

 private:
  bool run_epoch(std::int64_t epoch) {
    const auto began = std::chrono::steady_clock::now();
    step_.epoch = epoch + 1;
    EpochRecord record;
    record.epoch = epoch + 1;
    if (!train(epoch, record) || (validation_ && !validate(epoch, record))) {
      history_.stopped = StopReason::requested;
      return false;
    }
    record.steps = t_.optimizer_.steps();
    record.lr = t_.optimizer_.lr();
    record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    history_.epochs.push_back(record);
    t_.history_.epochs.push_back(record);
    const bool go_on = !best_ || best_->update(record.validation ? *record.validation : record.train, record.epoch);
    for (Observer* observer : options_.observers) observer->on_epoch(t_, record);
    if (!go_on) history_.stopped = StopReason::early;
    return go_on;
  }

  // Both passes return false when asked to stop.
  bool train(std::int64_t epoch, EpochRecord& record) {
    if (!t_.model_->training()) t_.model_->train();
    Tally tally(t_.metrics_);
    start(train_, epoch, true);
    data::Batch batch;
    std::int64_t gathered = 0;
    for (bool more = train_.next(batch); more;) {
      ++step_.batch;
      const Tensor outputs = t_.forward_(batch.inputs);
      const Tensor loss = t_.loss_(outputs, batch.targets);
      const double value = loss.item();
      require_finite("loss", value);
      step_.loss = last_loss_ = value;
      loss.backward();
      tally.add(outputs, batch, step_.loss);
      const data::Batch last = std::exchange(batch, {});
      more = train_.next(batch);
      if (++gathered == options_.accumulate || !more) apply(epoch, std::exchange(gathered, 0));
      if (!report(tally)) return false;
    }
    if (step_.batch == 0) throw ValueError("fit: there is nothing to train on: an epoch has no batch");
    record.train = tally.scores();
    return true;
  }

  bool validate(std::int64_t epoch, EpochRecord& record) {
    const NoGrad no_grad;
    const nn::ModeGuard mode(*t_.model_, false);
    Tally tally(t_.metrics_);
    start(*validation_, epoch, false);
    data::Batch batch;
    while (validation_->next(batch)) {
      ++step_.batch;
      const Tensor outputs = t_.forward_(batch.inputs);
      step_.loss = t_.loss_(outputs, batch.targets).item();
      tally.add(outputs, batch, step_.loss);
      if (!report(tally)) return false;
    }
    record.validation = tally.scores();
    return true;
  }

  void start(data::BatchSource& source, std::int64_t epoch, bool training) {
    source.start(epoch);
    step_.batch = 0;
    step_.batches = source.batches();
    step_.training = training;
  }

  void apply(std::int64_t epoch, std::int64_t gathered) {
    Optimizer& optimizer = t_.optimizer_;
    if (gathered > 1) scale_grad(parameters_, 1.0 / static_cast<double>(gathered));
    if (options_.clip_norm > 0)
      if (const double norm = clip_grad_norm(parameters_, options_.clip_norm); !std::isfinite(norm))
        require_finite("norm of the gradient", norm);
    if (options_.schedule) {
      const double share =
          step_.batches > 0 ? static_cast<double>(step_.batch - 1) / static_cast<double>(step_.batches) : 0;
      optimizer.set_rate_factor(options_.schedule(static_cast<double>(epoch) + share));
    }
    optimizer.step();
    optimizer.zero_grad();
  }

  bool report(const Tally& tally) {
    step_.mean_loss = tally.mean_loss();
    for (Observer* observer : options_.observers) observer->on_step(t_, step_);
    return !(options_.should_stop && options_.should_stop());
  }

  void require_finite(std::string_view what, double value) const {
    if (std::isfinite(value)) return;
    const std::string of = step_.batches > 0 ? fmt::format(" of {}", step_.batches) : "";
    const std::string before = t_.optimizer_.steps() > 0 ? fmt::format("; the loss before was {:.6g}", last_loss_) : "";
    throw DivergenceError(fmt::format(
        "training: the {} became {} at step {} (epoch {}, batch {}{}), at learning rate {:g}{}. Try a smaller learning "
        "rate or clip_norm = 1; AnomalyMode names the first operation with such a result; see that the data has none",
        what, value, t_.optimizer_.steps() + 1, step_.epoch, step_.batch, of, t_.optimizer_.lr(), before));
  }

  Trainer& t_;
  data::BatchSource& train_;
  data::BatchSource* validation_;
  const FitOptions& options_;
  std::optional<BestWeights> best_;
  NamedTensors parameters_;  // where gradients are changed before the step
  History history_;
  StepRecord step_;
  double last_loss_ = 0;
};

Trainer::Trainer(nn::Module& model, Forward forward, Optimizer optimizer, Loss loss, Metrics metrics)
    : model_(&model),
      forward_(std::move(forward)),
      optimizer_(std::move(optimizer)),
      loss_(std::move(loss)),
      metrics_(std::move(metrics)) {}

void Trainer::throw_arity(const nn::Module& model, std::size_t count) {
  throw ValueError(
      fmt::format("Trainer: a batch has {} inputs, which forward of {} does not take", count, model.describe()));
}

namespace {

data::DatasetBatches shuffled(const data::Dataset& dataset, std::vector<std::int64_t> rows, const FitOptions& o) {
  return {dataset, std::move(rows), {.batch_size = o.batch_size, .shuffle = o.shuffle, .seed = o.seed}};
}

data::DatasetBatches in_order(const data::Dataset& dataset, std::vector<std::int64_t> rows, std::int64_t batch_size) {
  return {dataset, std::move(rows), {.batch_size = batch_size, .shuffle = false}};
}

}  // namespace

History Trainer::fit(const data::Dataset& train, const FitOptions& options) {
  if (options.validation_split == 0) {
    data::DatasetBatches all = shuffled(train, data::all_rows(train.size()), options);
    return fit(all, nullptr, options);
  }
  data::Split split = data::split(train.size(), options.validation_split, options.seed);
  data::DatasetBatches kept = shuffled(train, std::move(split.kept), options);
  data::DatasetBatches held_out = in_order(train, std::move(split.held_out), options.batch_size);
  return fit(kept, &held_out, options);
}

History Trainer::fit(const data::Dataset& train, const data::Dataset& validation, const FitOptions& options) {
  if (options.validation_split != 0)
    throw ValueError("fit: there is a data set for validation and a validation_split; give one of them");
  data::DatasetBatches all = shuffled(train, data::all_rows(train.size()), options);
  data::DatasetBatches other = in_order(validation, data::all_rows(validation.size()), options.batch_size);
  return fit(all, &other, options);
}

History Trainer::fit(data::BatchSource& train, data::BatchSource* validation, const FitOptions& options) {
  return Run(*this, train, validation, options).run();
}

Scores Trainer::evaluate(const data::Dataset& dataset, std::int64_t batch_size) {
  data::DatasetBatches all = in_order(dataset, data::all_rows(dataset.size()), batch_size);
  return evaluate(all);
}

Scores Trainer::evaluate(data::BatchSource& source) {
  const NoGrad no_grad;
  const nn::ModeGuard mode(*model_, false);
  Tally tally(metrics_);
  source.start(0);
  for (data::Batch batch; source.next(batch);) {
    const Tensor outputs = forward_(batch.inputs);
    tally.add(outputs, batch, loss_(outputs, batch.targets).item());
  }
  return tally.scores();
}

Tensor Trainer::predict(const data::Dataset& dataset, std::int64_t batch_size) {
  const NoGrad no_grad;
  const nn::ModeGuard mode(*model_, false);
  data::DatasetBatches all = in_order(dataset, data::all_rows(dataset.size()), batch_size);
  Tensor outputs;
  std::byte* to = nullptr;
  for (data::Batch batch; all.next(batch);) {
    const Tensor part = forward_(batch.inputs).contiguous();
    if (part.rank() < 1 || part.size(0) != batch.rows ||
        (outputs.defined() &&
         (part.shape().with(0, dataset.size()) != outputs.shape() || part.dtype() != outputs.dtype())))
      throw ShapeError(fmt::format("predict: {} gave {} for {} rows; expected one output a row, all of one shape",
                                   model_->describe(), to_string(part.shape()), batch.rows));
    if (!outputs.defined()) {
      outputs = empty(part.shape().with(0, dataset.size()), part.dtype());
      to = outputs.node().data;
    }
    const std::size_t bytes = static_cast<std::size_t>(part.numel()) * size_of(part.dtype());
    if (bytes) std::memcpy(to, part.node().data, bytes);
    to += bytes;
  }
  return outputs;
}

Tensor Trainer::predict(const Tensor& input) {
  const NoGrad no_grad;
  const nn::ModeGuard mode(*model_, false);
  return forward_({&input, 1});
}

}  // namespace tapegrad::optim
