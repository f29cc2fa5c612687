#pragma once
// Data to train on: rows that batches are made of, and data sets of samples that are read one by one.

#include <cstdint>
#include <functional>
#include <span>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/data/batches.hpp>
#include <vector>

namespace tapegrad::data {

/// Some samples, as a model takes them.
struct Batch {
  std::vector<Tensor> inputs;  ///< what `forward` is called with
  Tensor targets;              ///< what the loss compares its result with; undefined where there are none
  std::int64_t rows = 0;       ///< number of samples
};

/// Samples that can be had by number.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  /// The samples at `rows`, each of which must lie in [0, size()).
  virtual Batch batch(std::span<const std::int64_t> rows) const = 0;
};

/// Batches that can be had one after the other, epoch by epoch; a data set in batches, or a stream. What an epoch holds
/// should follow from its number alone, and not from default_rng(), which is the model's: only then can a training be
/// taken up again.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// Starts epoch `number`, from 0.
  virtual void start(std::int64_t number) = 0;
  /// The epoch's next batch; false when there is none left.
  virtual bool next(Batch& batch) = 0;
  /// Passes over the next `count` batches, as a training does that goes on inside an epoch.
  virtual void skip(std::int64_t count);
  /// Batches in an epoch; -1 if that is not known beforehand.
  virtual std::int64_t batches() const { return -1; }
};

/// Tensors in memory, each with one sample at every position of its first axis.
class TensorDataset final : public Dataset {
 public:
  /// Throws ShapeError if the first axes differ or there is none, and ValueError, which names the row, if a target is
  /// NaN or infinite. `targets` may be undefined.
  TensorDataset(Tensor inputs, Tensor targets);
  TensorDataset(std::vector<Tensor> inputs, Tensor targets);

  std::int64_t size() const override { return size_; }
  Batch batch(std::span<const std::int64_t> rows) const override;

 private:
  std::vector<Tensor> inputs_;
  Tensor targets_;
  std::int64_t size_ = 0;
};

/// One row of a data set.
struct Sample {
  std::vector<Tensor> inputs;
  Tensor target;  ///< undefined where there is none
};

using Collate = std::function<Batch(std::span<const Sample> samples)>;

/// Samples of equal shapes, along a new first axis. ShapeError, which names the sample, otherwise.
Batch stack(std::span<const Sample> samples);
/// As stack(), of inputs whose first axes differ: filled with zeros at the end to the longest. A further input, i64
/// [N], has the lengths of the first ones. Whole-number targets are filled with -1, which marks what does not count.
Batch pad_and_stack(std::span<const Sample> samples);

/// Samples from a function: files read when they are wanted, say.
class SampleDataset final : public Dataset {
 public:
  /// `read` gives the sample of a row in [0, size); with DataLoader's prefetch it runs on another thread.
  SampleDataset(std::int64_t size, std::function<Sample(std::int64_t row)> read, Collate collate = stack);

  std::int64_t size() const override { return size_; }
  Batch batch(std::span<const std::int64_t> rows) const override;

 private:
  std::int64_t size_;
  std::function<Sample(std::int64_t)> read_;
  Collate collate_;
};

}  // namespace tapegrad::data
