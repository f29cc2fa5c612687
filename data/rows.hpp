#pragma once
// Rows of a data set, by number: orders and selections. An order depends on a seed alone and is the same on every
// machine, with every standard library.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tapegrad::data {

/// Shuffles in place. The order follows from (size, seed, stream): `stream` numbers the uses of one seed, the epochs of
/// a training say.
void shuffle(std::span<std::int64_t> rows, std::uint64_t seed, std::uint64_t stream = 0);

/// 0 … count - 1 in order. Throws ValueError if `count` is negative.
std::vector<std::int64_t> all_rows(std::int64_t count);

/// Throws IndexError unless all of `rows` lie in [0, count).
void check_rows(std::span<const std::int64_t> rows, std::int64_t count);

/// The items at `rows`, in that order. Throws IndexError if a row is outside.
template <class T>
std::vector<T> take(const std::vector<T>& items, std::span<const std::int64_t> rows) {
  check_rows(rows, std::ssize(items));
  std::vector<T> taken;
  taken.reserve(rows.size());
  for (const std::int64_t row : rows) taken.push_back(items[static_cast<std::size_t>(row)]);
  return taken;
}

}  // namespace tapegrad::data
