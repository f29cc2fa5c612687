#pragma once
// Divisions of a data set. All of them shuffle first: data files are often ordered by class, and the last tenth of such
// a file is no sample of it.

#include <cstdint>
#include <span>
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

/// `folds` splits whose held-out parts cover the rows 0 … count - 1 once; their sizes differ by one at most.
/// Throws ValueError unless 2 <= folds <= count.
std::vector<Split> k_folds(std::int64_t count, int folds, std::uint64_t seed);

}  // namespace tapegrad::data
