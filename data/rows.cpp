#include <tapegrad/data/splits.hpp>

#include <fmt/format.h>

#include <numeric>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <utility>

namespace tapegrad::data {

void shuffle(std::span<std::int64_t> rows, std::uint64_t seed, std::uint64_t stream) {
  // Streams are far apart in the one sequence of the seed. std::shuffle will not do: libraries differ in what they
  // draw.
  constexpr int kLogStreamLength = 40;
  Rng rng({.seed = seed, .position = stream << kLogStreamLength});
  for (std::size_t left = rows.size(); left > 1; --left) std::swap(rows[left - 1], rows[rng.below(left)]);
}

std::vector<std::int64_t> all_rows(std::int64_t count) {
  if (count < 0) throw ValueError(fmt::format("a data set cannot have {} rows", count));
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

void check_rows(std::span<const std::int64_t> rows, std::int64_t count) {
  for (const std::int64_t row : rows) {
    if (row < 0 || row >= count) throw IndexError(fmt::format("row {} is outside a data set of {} rows", row, count));
  }
}

}  // namespace tapegrad::data
