#pragma once
// Data sets of samples that are read one by one, and how samples make a batch.

#include <functional>
#include <tapegrad/data/dataset.hpp>

namespace tapegrad::data {

struct Sample {
  std::vector<Tensor> inputs;
  Tensor target;  ///< undefined where there is none
};

using Collate = std::function<Batch(std::span<const Sample> samples)>;

/// Samples of equal shapes, along a new first axis. ShapeError, which names the sample, otherwise.
Batch stack(std::span<const Sample> samples);
/// As stack(), of inputs whose first axes differ: filled with zeros at the end to the longest. A further input, i64
/// [N], has the lengths of the first ones.
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
