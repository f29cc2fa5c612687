#pragma once
// Batches of encoded texts, ragged or padded.

#include <cstdint>
#include <span>
#include <tapegrad/data/batches.hpp>
#include <tapegrad/data/text_dataset.hpp>
#include <utility>
#include <vector>

namespace tapegrad::data {

/// Sequences one after the other, without padding: sequence i is ids[offsets[i]] up to, not including, ids[offsets[i +
/// 1]].
struct RaggedBatch {
  std::vector<std::int64_t> rows;  ///< which of the texts these are
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> offsets;  ///< rows.size() + 1 of them
};

/// A matrix [rows.size(), length], row-major: sequences padded at the end to the longest among them.
struct PaddedBatch {
  std::vector<std::int64_t> rows;  ///< which of the texts these are
  std::int64_t length = 0;
  std::vector<std::int32_t> ids;   ///< Vocabulary::kPadding where a sequence has ended
  std::vector<std::uint8_t> mask;  ///< 1 for an id, 0 for padding
};

/// The texts at `rows`. Throws IndexError if a row is outside.
RaggedBatch ragged_batch(const EncodedTexts& texts, std::span<const std::int64_t> rows);
PaddedBatch padded_batch(const EncodedTexts& texts, std::span<const std::int64_t> rows);

/// The batches of one epoch, made as they are asked for.
template <auto make_batch>
class TextEpoch {
 public:
  TextEpoch(const EncodedTexts& texts, RowEpoch rows) : texts_(&texts), rows_(std::move(rows)) {}

  /// Number of batches.
  std::int64_t size() const { return rows_.size(); }

  /// Batch `i`, which must lie in [0, size()).
  auto operator[](std::int64_t i) const { return make_batch(*texts_, rows_[i]); }

  BatchIterator<TextEpoch> begin() const { return {*this, 0}; }
  BatchIterator<TextEpoch> end() const { return {*this, size()}; }

 private:
  const EncodedTexts* texts_;
  RowEpoch rows_;
};

/// Deals the texts at some rows into batches. The texts must outlive the epochs.
///
///   RaggedBatches batches(texts, split.kept, {.batch_size = 32, .seed = 7});
///   for (const RaggedBatch& batch : batches.epoch(0)) …
template <auto make_batch>
class TextBatches {
 public:
  /// Throws ValueError if the batch size is below 1.
  TextBatches(const EncodedTexts& texts, std::vector<std::int64_t> rows, BatchOptions options = {})
      : texts_(&texts), rows_(std::move(rows), options) {}
  TextBatches(EncodedTexts&&, std::vector<std::int64_t>, BatchOptions = {}) = delete;

  /// As RowBatches::epoch().
  TextEpoch<make_batch> epoch(std::int64_t number) const { return {*texts_, rows_.epoch(number)}; }

 private:
  const EncodedTexts* texts_;
  RowBatches rows_;
};

using RaggedBatches = TextBatches<ragged_batch>;
using PaddedBatches = TextBatches<padded_batch>;

}  // namespace tapegrad::data
