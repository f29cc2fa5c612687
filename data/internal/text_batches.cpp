#include <tapegrad/data/internal/text_batches.hpp>

#include <algorithm>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::data {

RaggedBatch ragged_batch(const EncodedTexts& texts, std::span<const std::int64_t> rows) {
  check_rows(rows, texts.size());
  RaggedBatch batch;
  batch.rows.assign(rows.begin(), rows.end());
  batch.offsets.reserve(rows.size() + 1);
  batch.offsets.push_back(0);
  for (const std::int64_t row : rows) batch.offsets.push_back(batch.offsets.back() + std::ssize(texts[row]));
  batch.ids.reserve(static_cast<std::size_t>(batch.offsets.back()));
  for (const std::int64_t row : rows) batch.ids.insert(batch.ids.end(), texts[row].begin(), texts[row].end());
  return batch;
}

PaddedBatch padded_batch(const EncodedTexts& texts, std::span<const std::int64_t> rows) {
  check_rows(rows, texts.size());
  PaddedBatch batch;
  batch.rows.assign(rows.begin(), rows.end());
  for (const std::int64_t row : rows) batch.length = std::max(batch.length, std::ssize(texts[row]));
  const std::size_t cells = rows.size() * static_cast<std::size_t>(batch.length);
  batch.ids.assign(cells, Vocabulary::kPadding);
  batch.mask.assign(cells, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<const std::int32_t> ids = texts[rows[i]];
    const std::int64_t begin = static_cast<std::int64_t>(i) * batch.length;
    std::ranges::copy(ids, batch.ids.begin() + begin);
    std::fill_n(batch.mask.begin() + begin, ids.size(), std::uint8_t{1});
  }
  return batch;
}

}  // namespace tapegrad::data
