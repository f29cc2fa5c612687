#pragma once
// DataLoader: batches of a data set, drawn, augmented, and made ahead of time.

#include <memory>
#include <tapegrad/data/dataset.hpp>
#include <tapegrad/data/sampler.hpp>

namespace tapegrad::data {

/// Changes a batch of `rows` in epoch `epoch`, as augmentations do. What it draws follows from these alone. It may run
/// on another thread.
using Transform = std::function<void(Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch)>;

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
