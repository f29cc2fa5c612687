#pragma once
// Data to train on: rows that batches are made of.

#include <cstdint>
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

}  // namespace tapegrad::data
