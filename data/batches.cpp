#include <tapegrad/data/batches.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::data {

std::span<const std::int64_t> RowEpoch::operator[](std::int64_t i) const {
  const std::int64_t begin = i * batch_size_, end = std::min(begin + batch_size_, std::ssize(rows_));
  return std::span(rows_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

RowBatches::RowBatches(std::vector<std::int64_t> rows, BatchOptions options)
    : rows_(std::move(rows)), options_(options) {
  if (options.batch_size < 1) {
    throw ValueError(fmt::format("batch_size is {}; a batch needs 1 row at least", options.batch_size));
  }
}

RowEpoch RowBatches::epoch(std::int64_t number) const {
  // Stream 0 belongs to the splits, which may use the same seed.
  const std::uint64_t stream = static_cast<std::uint64_t>(number) + 1;
  std::vector<std::int64_t> rows = rows_;
  if (options_.shuffle) shuffle(rows, options_.seed, stream);
  return RowEpoch(std::move(rows), options_.batch_size);
}

}  // namespace tapegrad::data
