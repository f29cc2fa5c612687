#pragma once
// Batches of row numbers, for data of any kind: epoch after epoch, every row once.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <tapegrad/core/language.hpp>
#include <utility>
#include <vector>

namespace tapegrad::data {

/// How rows are put into batches.
struct BatchOptions {
  std::int64_t batch_size = 32;  ///< rows; the last batch of an epoch may have fewer
  bool shuffle = true;           ///< anew in each epoch; false: always in the order given
  std::uint64_t seed = 0;
};

/// Goes over anything with operator[] and size(), batch by batch.
template <class Epoch>
class BatchIterator {
 public:
  using difference_type = std::ptrdiff_t;
  using value_type = decltype(std::declval<const Epoch&>()[0]);

  BatchIterator() = default;
  BatchIterator(const Epoch& epoch, std::int64_t i) : epoch_(&epoch), i_(i) {}

  value_type operator*() const { return (*epoch_)[i_]; }
  BatchIterator& operator++() {
    ++i_;
    return *this;
  }
  BatchIterator operator++(int) { return BatchIterator(*epoch_, i_++); }
  friend bool operator==(const BatchIterator&, const BatchIterator&) = default;

 private:
  const Epoch* epoch_ = nullptr;
  std::int64_t i_ = 0;
};

/// The batches of one epoch.
class RowEpoch {
 public:
  RowEpoch(std::vector<std::int64_t> rows, std::int64_t batch_size) : rows_(std::move(rows)), batch_size_(batch_size) {}

  /// Number of batches.
  std::int64_t size() const { return (std::ssize(rows_) + batch_size_ - 1) / batch_size_; }

  /// The rows of batch `i`, which must lie in [0, size()); valid as long as the epoch.
  std::span<const std::int64_t> operator[](std::int64_t i) const;

  BatchIterator<RowEpoch> begin() const { return {*this, 0}; }
  BatchIterator<RowEpoch> end() const { return {*this, size()}; }

 private:
  std::vector<std::int64_t> rows_;
  std::int64_t batch_size_;
};

/// Deals rows into batches:
///
///   RowBatches batches(split.kept, {.batch_size = 32, .seed = 7});
///   for (std::span<const std::int64_t> rows : batches.epoch(0)) …
class RowBatches {
 public:
  /// Throws ValueError if the batch size is below 1.
  explicit RowBatches(std::vector<std::int64_t> rows, BatchOptions options = {});

  /// Rows in an epoch.
  std::span<const std::int64_t> rows() const { return rows_; }

  /// The batches of epoch `number`. Their order follows from the rows, the seed and the number alone, so that a
  /// training can be taken up at any epoch.
  RowEpoch epoch(std::int64_t number) const;

 private:
  std::vector<std::int64_t> rows_;
  BatchOptions options_;
};

}  // namespace tapegrad::data
