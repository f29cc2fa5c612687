#include <tapegrad/data/text_dataset.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/text_batches.hpp>

namespace tapegrad::data {

TextDataset::TextDataset(EncodedTexts texts, std::vector<std::int32_t> labels, TextLayout layout)
    : texts_(std::move(texts)), labels_(std::move(labels)), layout_(layout) {
  if (!labels_.empty() && std::ssize(labels_) != texts_.size())
    throw ValueError(fmt::format("TextDataset: {} labels for {} texts", labels_.size(), texts_.size()));
}

Batch TextDataset::batch(std::span<const std::int64_t> rows) const {
  Batch batch{.inputs = {}, .targets = {}, .rows = std::ssize(rows)};
  if (layout_ == TextLayout::ragged) {
    const RaggedBatch ragged = ragged_batch(texts_, rows);
    batch.inputs = {copy_of(ragged.ids), copy_of(ragged.offsets)};
  } else {
    const PaddedBatch padded = padded_batch(texts_, rows);
    const Shape shape{batch.rows, padded.length};
    Tensor mask = empty(shape, boolean);
    std::ranges::transform(padded.mask, mask.mutable_data<bool>().begin(), [](std::uint8_t m) { return m != 0; });
    batch.inputs = {copy_of(std::span(padded.ids), shape), std::move(mask)};
  }
  if (!labels_.empty()) {
    batch.targets = empty({batch.rows}, i32);
    std::ranges::transform(rows, batch.targets.mutable_data<std::int32_t>().begin(),
                           [this](std::int64_t row) { return labels_[static_cast<std::size_t>(row)]; });
  }
  return batch;
}

}  // namespace tapegrad::data
