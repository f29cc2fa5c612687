#include <tapegrad/data/splits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <tapegrad/core/error.hpp>

namespace tapegrad::data {
namespace {

std::int64_t rows_to_hold_out(std::int64_t count, double fraction) {
  if (!(fraction >= 0 && fraction < 1)) {
    throw ValueError(fmt::format("cannot hold out {} of the rows; give a fraction from 0 to below 1", fraction));
  }
  if (fraction == 0) return 0;
  if (count < 2) throw ValueError(fmt::format("cannot split a data set of size {}; it needs two rows at least", count));
  return std::clamp<std::int64_t>(std::llround(static_cast<double>(count) * fraction), 1, count - 1);
}

/// How many rows of each class to hold out, `wanted` in all: the whole part of its share, and one row more where the
/// rest is largest. A class keeps one row at least.
std::map<std::int32_t, std::int64_t> allot(std::span<const std::int32_t> labels, std::int64_t wanted) {
  struct Share {
    std::int32_t label;
    std::int64_t size, whole, rest;
  };
  std::map<std::int32_t, std::int64_t> sizes;
  for (const std::int32_t label : labels) ++sizes[label];
  std::vector<Share> shares;
  std::int64_t left = wanted;
  for (const auto& [label, size] : sizes) {
    shares.push_back({label, size, size * wanted / std::ssize(labels), size * wanted % std::ssize(labels)});
    left -= shares.back().whole;
  }
  std::ranges::stable_sort(shares, std::greater{}, &Share::rest);
  std::map<std::int32_t, std::int64_t> allotted;
  for (const Share& share : shares) {
    const bool one_more = left > 0 && share.whole + 1 < share.size;
    allotted[share.label] = share.whole + (one_more ? 1 : 0);
    left -= one_more ? 1 : 0;
  }
  return allotted;
}

}  // namespace

Split split(std::int64_t count, double fraction, std::uint64_t seed) { return split(all_rows(count), fraction, seed); }

Split split(std::vector<std::int64_t> rows, double fraction, std::uint64_t seed) {
  const std::int64_t held_out = rows_to_hold_out(std::ssize(rows), fraction);
  shuffle(rows, seed);
  const auto first_kept = rows.begin() + held_out;
  return {.kept = {first_kept, rows.end()}, .held_out = {rows.begin(), first_kept}};
}

Split stratified_split(std::span<const std::int32_t> labels, double fraction, std::uint64_t seed) {
  const std::int64_t wanted = rows_to_hold_out(std::ssize(labels), fraction);
  std::vector<std::int64_t> rows = all_rows(std::ssize(labels));
  shuffle(rows, seed);
  std::map<std::int32_t, std::int64_t> allotted = allot(labels, wanted);
  Split result;
  for (const std::int64_t row : rows) {
    std::int64_t& left = allotted[labels[static_cast<std::size_t>(row)]];
    (left > 0 ? result.held_out : result.kept).push_back(row);
    --left;
  }
  if (wanted > 0 && result.held_out.empty()) throw ValueError("cannot hold out rows: every class has only one");
  return result;
}

Split group_split(std::vector<std::int64_t> rows, std::span<const std::int64_t> groups, double fraction,
                  std::uint64_t seed) {
  check_rows(rows, std::ssize(groups));
  std::int64_t left = rows_to_hold_out(std::ssize(rows), fraction);
  const auto group_of = [&](std::int64_t row) { return groups[static_cast<std::size_t>(row)]; };
  std::map<std::int64_t, std::int64_t> sizes;
  for (const std::int64_t row : rows) ++sizes[group_of(row)];
  std::vector<std::int64_t> order;
  for (const auto& [group, size] : sizes) order.push_back(group);
  shuffle(order, seed);
  std::set<std::int64_t> drawn;
  for (const std::int64_t group : order)
    if (const std::int64_t size = sizes[group]; size <= left) {
      drawn.insert(group);
      left -= size;
    }
  if (fraction > 0 && drawn.empty())
    throw ValueError(fmt::format("none of {} groups of rows is small enough to hold out {} of {} rows", sizes.size(),
                                 left, rows.size()));
  shuffle(rows, seed);
  Split parts;
  for (const std::int64_t row : rows) (drawn.contains(group_of(row)) ? parts.held_out : parts.kept).push_back(row);
  return parts;
}

std::vector<Split> k_folds(std::int64_t count, int folds, std::uint64_t seed) {
  if (folds < 2 || folds > count) {
    throw ValueError(
        fmt::format("cannot make {} folds of {} rows; give 2 folds at least, and no more than rows", folds, count));
  }
  std::vector<std::int64_t> rows = all_rows(count);
  shuffle(rows, seed);
  std::vector<Split> splits;
  for (int fold = 0; fold < folds; ++fold) {
    const auto begin = rows.begin() + count * fold / folds, end = rows.begin() + count * (fold + 1) / folds;
    Split& split = splits.emplace_back();
    split.held_out.assign(begin, end);
    split.kept.assign(rows.begin(), begin);
    split.kept.insert(split.kept.end(), end, rows.end());
  }
  return splits;
}

}  // namespace tapegrad::data
