#include <tapegrad/data/rows.hpp>

#include <fmt/format.h>

#include <bit>
#include <numeric>
#include <tapegrad/core/error.hpp>
#include <utility>

namespace tapegrad::data {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixing function, which is all that a shuffle needs. The
// standard distributions will not do, as libraries differ in what they draw.
class SplitMix64 {
 public:
  SplitMix64(std::uint64_t seed, std::uint64_t stream) : counter_(mix(mix(seed) + stream)) {}

  /// Uniform in [0, bound): draws as many bits as the bound has until they fall below it.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t mask = ~std::uint64_t{0} >> std::countl_zero(bound | 1);
    std::uint64_t drawn;
    do {
      counter_ += kStep;
      drawn = mix(counter_) & mask;
    } while (drawn >= bound);
    return drawn;
  }

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15;

  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }

  std::uint64_t counter_;
};

}  // namespace

void shuffle(std::span<std::int64_t> rows, std::uint64_t seed, std::uint64_t stream) {
  SplitMix64 random(seed, stream);
  for (std::size_t left = rows.size(); left > 1; --left) std::swap(rows[left - 1], rows[random.below(left)]);
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
