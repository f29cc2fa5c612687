#include <tapegrad/core/record.hpp>
#include <tapegrad/train/trainer.hpp>

#include <fmt/format.h>

#include <cstring>
#include <set>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/io/checkpoint.hpp>
#include <tapegrad/train/internal/batch_checks.hpp>
#include <tapegrad/train/internal/loop_state.hpp>
#include <tapegrad/train/internal/prefix.hpp>

namespace tapegrad::train {
namespace {

constexpr const char *kModel = "model/", *kOptimizer = "optimizer/";

}  // namespace

Trainer::Trainer(nn::Module& model, Forward forward, optim::Optimizer optimizer, Loss loss, Metrics metrics)
    : model_(&model),
      forward_(std::move(forward)),
      optimizer_(std::move(optimizer)),
      loss_(std::move(loss)),
      metrics_(std::move(metrics)) {
  if (!forward_) throw ValueError("Trainer: forward is an empty function");
  if (optimizer_.parameters().empty()) throw ValueError("Trainer: the optimiser has no parameters");
  std::set<std::string> names{"loss"};
  for (const auto& metric : metrics_) {
    if (!metric) throw ValueError("Trainer: a metric is null");
    if (!names.insert(metric->name()).second)
      throw ValueError(fmt::format("Trainer: two figures are named '{}'", metric->name()));
  }
}

Tensor Trainer::outputs_of(const data::Batch& batch, const std::string& where) const {
  require_batch(batch, where);
  Tensor outputs = forward_(batch.inputs);
  require_output(outputs, *model_);
  return outputs;
}

void Trainer::throw_arity(const nn::Module& model, std::size_t count) {
  throw ValueError(
      fmt::format("Trainer: a batch has {} inputs, which forward of {} does not take", count, model.describe()));
}

namespace {

data::DataLoader training(const data::Dataset& dataset, std::vector<std::int64_t> rows, const FitOptions& o) {
  data::Sampler sampler =
      o.shuffle ? data::sampler::shuffled(std::move(rows), o.seed) : data::sampler::in_order(std::move(rows));
  return data::DataLoader(
      dataset,
      {.batch_size = o.batch_size, .sampler = std::move(sampler), .transform = o.transform, .prefetch = o.prefetch});
}

data::DataLoader in_order(const data::Dataset& dataset, std::vector<std::int64_t> rows, std::int64_t batch_size,
                          std::int64_t prefetch = 0) {
  return data::DataLoader(
      dataset, {.batch_size = batch_size, .sampler = data::sampler::in_order(std::move(rows)), .prefetch = prefetch});
}

}  // namespace

History Trainer::fit(const data::Dataset& train, const FitOptions& options) {
  if (options.validation_split == 0) {
    data::DataLoader all = training(train, data::all_rows(train.size()), options);
    return fit(all, nullptr, options);
  }
  data::Split split = data::split(train.size(), options.validation_split, options.seed);
  data::DataLoader kept = training(train, std::move(split.kept), options);
  data::DataLoader held_out = in_order(train, std::move(split.held_out), options.batch_size, options.prefetch);
  return fit(kept, &held_out, options);
}

History Trainer::fit(const data::Dataset& train, const data::Dataset& validation, const FitOptions& options) {
  if (options.validation_split != 0)
    throw ValueError("fit: there is a data set for validation and a validation_split; give one of them");
  if (validation.size() == 0) throw ValueError("fit: the data set for validation is empty; leave it out");
  data::DataLoader all = training(train, data::all_rows(train.size()), options);
  data::DataLoader other =
      in_order(validation, data::all_rows(validation.size()), options.batch_size, options.prefetch);
  return fit(all, &other, options);
}

Scores Trainer::evaluate(const data::Dataset& dataset, std::int64_t batch_size) {
  data::DataLoader all = in_order(dataset, data::all_rows(dataset.size()), batch_size);
  return evaluate(all);
}

Scores Trainer::evaluate(data::BatchSource& source) {
  const NoGrad no_grad;
  const nn::ModeGuard mode(*model_, false);
  Tally tally(metrics_);
  source.start(0);
  for (data::Batch batch; source.next(batch); batch = {}) {
    const Tensor outputs = outputs_of(batch, "evaluate");
    const Tensor loss = loss_(outputs, batch.targets);
    tally.add(outputs, batch, loss.item(), loss_.weight(outputs, batch.targets, batch.rows));
  }
  return tally.scores();
}

Tensor Trainer::predict(const data::Dataset& dataset, std::int64_t batch_size) {
  const NoGrad no_grad;
  const nn::ModeGuard mode(*model_, false);
  data::DataLoader all = in_order(dataset, data::all_rows(dataset.size()), batch_size);
  Tensor outputs;
  std::byte* to = nullptr;
  for (data::Batch batch; all.next(batch);) {
    const Tensor part = outputs_of(batch, "predict").contiguous();
    if (part.rank() < 1 || part.size(0) != batch.rows ||
        (outputs.defined() &&
         (part.shape().with(0, dataset.size()) != outputs.shape() || part.dtype() != outputs.dtype())))
      throw ShapeError(fmt::format("predict: {} gave {} for {} rows; expected one output a row, all of one shape",
                                   model_->describe(), to_string(part.shape()), batch.rows));
    if (!outputs.defined()) {
      outputs = empty(part.shape().with(0, dataset.size()), part.dtype());
      to = engine::node_of(outputs).data;
    }
    const std::size_t bytes = static_cast<std::size_t>(part.numel()) * size_of(part.dtype());
    if (bytes) std::memcpy(to, engine::node_of(part).data, bytes);
    to += bytes;
  }
  return outputs;
}

io::Checkpoint Trainer::snapshot(const TrainingState& state) const {
  io::Checkpoint checkpoint{{}, to_text(state)};
  add_with_prefix(checkpoint.tensors, kModel, model_->state());
  add_with_prefix(checkpoint.tensors, kOptimizer, optimizer_.state());
  return checkpoint;
}

void Trainer::restore(std::shared_ptr<const io::Checkpoint> checkpoint, const std::string& name) {
  TrainingState state = parse_training_state(checkpoint->state, name);
  const NamedTensors before = clone(model_->state());
  try {
    model_->load_state(without_prefix(checkpoint->tensors, kModel));
    optimizer_.load_state(without_prefix(checkpoint->tensors, kOptimizer));
  } catch (const ValueError& error) {
    model_->load_state(before);
    throw ValueError(fmt::format("{}: {}", name, error.what()));
  }
  optimizer_.set_rate_factor(state.rate_factor);
  default_rng() = Rng(state.default_rng);
  history_ = {};
  history_.epochs = std::move(state.epochs);
  pending_ = std::move(checkpoint);
}

void Trainer::save(const std::filesystem::path& path) const {
  io::save_checkpoint(path, snapshot({optimizer_.rate_factor(), default_rng().state(), history_.epochs, {}}));
}

void Trainer::load(const std::filesystem::path& path) {
  restore(std::make_shared<const io::Checkpoint>(io::load_checkpoint(path)), path.string());
}

Tensor Trainer::predict(const Tensor& input) {
  const NoGrad no_grad;
  const nn::ModeGuard mode(*model_, false);
  Tensor output = forward_({&input, 1});
  require_output(output, *model_);
  return output;
}

}  // namespace tapegrad::train
