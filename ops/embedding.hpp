#pragma once
// Rows of a table by id, as the first layer of a text model looks them up.

#include <tapegrad/core/tensor.hpp>
#include <tapegrad/op/attributes.hpp>

namespace tapegrad {

/// Of embedding().
struct EmbeddingOptions {
  /// The table's gradient holds only the rows that were used (Tensor::row_sparse), which optimisers step in time
  /// proportional to the batch. Ignored while gradients are themselves recorded.
  bool sparse = false;
  bool operator==(const EmbeddingOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"sparse", &EmbeddingOptions::sparse, "the table's gradient holds the used rows only"}};
  }
};

/// Rows of `table` [rows, width] at `ids`, of any shape, i64 or i32: the ids' shape with width appended. IndexError for
/// an id outside [0, rows).
Tensor embedding(const Tensor& table, const Tensor& ids, const EmbeddingOptions& options = {});

enum class BagMode : std::uint8_t { sum, mean, max };
/// Of embedding_bag().
struct EmbeddingBagOptions {
  BagMode mode = BagMode::mean;
  bool sparse = false;  ///< as EmbeddingOptions::sparse
  /// Factors of the ids' rows, [T], which have a gradient; for BagMode::sum only (ValueError). None means 1.
  Tensor weights = {};
};

/// Each bag of ids reduced to one row: segment_mean(embedding(table, ids), offsets), or sum or max, without the
/// embedding of each id in between (except for max, and with weights: PyTorch's per_sample_weights). ids are [T],
/// offsets [B + 1]; an empty bag gives 0.
Tensor embedding_bag(const Tensor& table, const Tensor& ids, const Tensor& offsets,
                     const EmbeddingBagOptions& options = {});

}  // namespace tapegrad
