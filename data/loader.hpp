#pragma once
// DataLoader: which rows an epoch has and in which order, and batches of them, augmented and made ahead of time.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <tapegrad/data/dataset.hpp>
#include <vector>

namespace tapegrad::data {

/// The rows of epoch `number`, from 0, in the order in which batches take them. They follow from the number alone, so
/// that a training can be taken up anywhere.
using Sampler = std::function<std::vector<std::int64_t>(std::int64_t number)>;

/// Labels and weights are those of all rows of a data set, of which `rows` are drawn from. Each throws IndexError if
/// one of `rows` has none.
namespace sampler {

Sampler in_order(std::vector<std::int64_t> rows);
/// Each row once.
Sampler shuffled(std::vector<std::int64_t> rows, std::uint64_t seed);
/// Draws `draws` rows an epoch, each time with a probability in proportion to its weight: rows come several times, or
/// not at all. ValueError if a weight is negative or not finite, or all are 0.
Sampler weighted(std::vector<std::int64_t> rows, std::span<const double> weights, std::int64_t draws,
                 std::uint64_t seed);
/// As many draws as there are rows, each class as likely as any other.
Sampler balanced(std::vector<std::int64_t> rows, std::span<const std::int32_t> labels, std::uint64_t seed);
/// Each row once, in a random order in which the classes are spread evenly: any stretch of it, so any batch, has of
/// each class what the data set has, give or take one.
Sampler stratified(std::vector<std::int64_t> rows, std::span<const std::int32_t> labels, std::uint64_t seed);
/// Each row once, in batches of like lengths, so that little is filled up; which rows of a length come together, and
/// the order of the batches, is random. The batch that is not full comes last. `lengths` are those of all rows.
/// ValueError if the batch size is below 1.
Sampler by_length(std::vector<std::int64_t> rows, std::span<const std::int64_t> lengths, std::int64_t batch_size,
                  std::uint64_t seed);

}  // namespace sampler

/// Changes a batch of `rows` in epoch `epoch`, as augmentations do. What it draws follows from these alone. It may run
/// on another thread.
using Transform = std::function<void(Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch)>;

/// Of a DataLoader.
struct LoaderOptions {
  std::int64_t batch_size = 32;
  bool shuffle = true;  ///< anew in each epoch
  std::uint64_t seed = 0;
  Sampler sampler = {};       ///< instead of all rows, shuffled or not
  bool drop_last = false;     ///< leave out the epoch's last batch if it is not full
  Transform transform = {};   ///< of each batch
  std::int64_t prefetch = 0;  ///< batches made ahead, on a thread of its own; the bits are the same
};

///   data::DataLoader batches(dataset, {.batch_size = 64, .transform = data::augment::flip(7), .prefetch = 2});
///   batches.start(epoch);
///   for (data::Batch batch; batches.next(batch);) …
class DataLoader final : public BatchSource {
 public:
  /// The data set must outlive it. ValueError if the batch size is below 1 or `prefetch` below 0. A row of the sampler
  /// that is outside the data set is an IndexError when the epoch starts.
  explicit DataLoader(const Dataset& dataset, LoaderOptions options = {});
  ~DataLoader() override;

  void start(std::int64_t number) override;
  /// What the data set throws, on whichever thread, is thrown here, at its batch.
  bool next(Batch& batch) override;
  void skip(std::int64_t count) override;
  std::int64_t batches() const override;

 private:
  class Ahead;
  Batch make(std::int64_t i) const;

  const Dataset* dataset_;
  LoaderOptions options_;
  std::int64_t number_ = 0, position_ = 0;
  RowEpoch epoch_;
  std::unique_ptr<Ahead> ahead_;  // reads all of the above
};

}  // namespace tapegrad::data
