#pragma once
// Divisions of a data set. All of them shuffle first: data files are often ordered by class, and the last tenth of such
// a file is no sample of it.
//
// Rows of a data set, by number: orders and selections. An order depends on a seed alone and is the same on every
// machine, with every standard library.

#include <cstddef>
#include <cstdint>
#include <span>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad::data {

/// Two sets of rows without a row in common, each in shuffled order.
struct Split {
  std::vector<std::int64_t> kept;
  std::vector<std::int64_t> held_out;
};

/// Holds out `fraction` of the rows 0 … count - 1, rounded to the nearest number: none if `fraction` is 0, otherwise
/// one row at least, and one at least is kept. Throws ValueError if `fraction` is not in [0, 1) or there are too few
/// rows.
Split split(std::int64_t count, double fraction, std::uint64_t seed);

/// The same of the rows given, which allows to split what a split has kept. They must differ.
Split split(std::vector<std::int64_t> rows, double fraction, std::uint64_t seed);

/// Holds out the same share of every class, as nearly as whole rows allow, and in total as many rows as split() does
/// unless classes with one row, which keep it, leave fewer. `labels` holds the class of each row. Throws ValueError as
/// split() does, and if every class has one row.
Split stratified_split(std::span<const std::int32_t> labels, double fraction, std::uint64_t seed);

/// Keeps rows of one group on one side, near-duplicates say. Groups are drawn in a random order and held out as far as
/// the share of the rows is not exceeded, so one that is larger never is. `groups` are those of all rows, of which
/// `rows` are split. Throws ValueError as split() does, and if no group fits.
Split group_split(std::vector<std::int64_t> rows, std::span<const std::int64_t> groups, double fraction,
                  std::uint64_t seed);

/// `folds` splits whose held-out parts cover the rows 0 … count - 1 once; their sizes differ by one at most.
/// Throws ValueError unless 2 <= folds <= count.
std::vector<Split> k_folds(std::int64_t count, int folds, std::uint64_t seed);

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
