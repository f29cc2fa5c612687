#pragma once
// Labelled texts as a data set.

#include <tapegrad/data/dataset.hpp>
#include <tapegrad/data/encoded_texts.hpp>
#include <vector>

namespace tapegrad::data {

/// How texts of different lengths make one batch.
enum class TextLayout : std::uint8_t {
  ragged,  ///< inputs: ids i32 [T] one text after the other, offsets i64 [B + 1]
  padded   ///< inputs: ids i32 [B, L], mask bool [B, L]
};

/// Texts with their classes.
class TextDataset final : public Dataset {
 public:
  /// Throws ValueError unless there are as many labels as texts; no labels are fine too, for texts to classify.
  TextDataset(EncodedTexts texts, std::vector<std::int32_t> labels, TextLayout layout = TextLayout::ragged);

  std::int64_t size() const override { return texts_.size(); }
  Batch batch(std::span<const std::int64_t> rows) const override;

  const EncodedTexts& texts() const { return texts_; }
  std::span<const std::int32_t> labels() const { return labels_; }

 private:
  EncodedTexts texts_;
  std::vector<std::int32_t> labels_;
  TextLayout layout_;
};

}  // namespace tapegrad::data
