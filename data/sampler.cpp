#include <tapegrad/data/loader.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::data::sampler {
namespace {

// Stream 0 belongs to the splits, which may use the same seed.
std::uint64_t stream_of(std::int64_t epoch) { return static_cast<std::uint64_t>(epoch) + 1; }
Rng rng_of(std::uint64_t seed, std::int64_t epoch) { return Rng({.seed = seed, .position = stream_of(epoch) << 40}); }

std::map<std::int32_t, std::vector<std::int64_t>> by_class(std::span<const std::int64_t> rows,
                                                           std::span<const std::int32_t> labels) {
  check_rows(rows, std::ssize(labels));
  std::map<std::int32_t, std::vector<std::int64_t>> classes;
  for (const std::int64_t row : rows) classes[labels[static_cast<std::size_t>(row)]].push_back(row);
  return classes;
}

}  // namespace

Sampler in_order(std::vector<std::int64_t> rows) {
  return [rows = std::move(rows)](std::int64_t) { return rows; };
}

Sampler shuffled(std::vector<std::int64_t> rows, std::uint64_t seed) {
  return [rows = std::move(rows), seed](std::int64_t epoch) {
    std::vector<std::int64_t> order = rows;
    shuffle(order, seed, stream_of(epoch));
    return order;
  };
}

Sampler weighted(std::vector<std::int64_t> rows, std::span<const double> weights, std::int64_t draws,
                 std::uint64_t seed) {
  check_rows(rows, std::ssize(weights));
  if (draws < 0) throw ValueError(fmt::format("sampler::weighted: {} draws", draws));
  std::vector<double> sums;  // of the weights up to each row
  double sum = 0;
  for (const std::int64_t row : rows) {
    const double weight = weights[static_cast<std::size_t>(row)];
    if (!(weight >= 0) || !std::isfinite(weight))
      throw ValueError(fmt::format("sampler::weighted: the weight of row {} is {}", row, weight));
    sums.push_back(sum += weight);
  }
  if (draws > 0 && !(sum > 0)) throw ValueError("sampler::weighted: no row has a weight above 0");
  return [rows = std::move(rows), sums = std::move(sums), draws, seed](std::int64_t epoch) {
    Rng rng = rng_of(seed, epoch);
    std::vector<std::int64_t> drawn(static_cast<std::size_t>(draws));
    for (std::int64_t& row : drawn) {
      // The first sum above the draw; a row of weight 0 adds nothing to its sum and is never that.
      auto place = std::ranges::upper_bound(sums, rng.uniform() * sums.back()) - sums.begin();
      // Rounding may lead past the end.
      while (place == std::ssize(sums) ||
             (place > 0 && sums[static_cast<std::size_t>(place)] == sums[static_cast<std::size_t>(place) - 1]))
        --place;
      row = rows[static_cast<std::size_t>(place)];
    }
    return drawn;
  };
}

Sampler balanced(std::vector<std::int64_t> rows, std::span<const std::int32_t> labels, std::uint64_t seed) {
  std::vector<double> weights(labels.size());
  for (const auto& [label, members] : by_class(rows, labels))
    for (const std::int64_t row : members)
      weights[static_cast<std::size_t>(row)] = 1 / static_cast<double>(members.size());
  const std::int64_t draws = std::ssize(rows);
  return weighted(std::move(rows), weights, draws, seed);
}

Sampler stratified(std::vector<std::int64_t> rows, std::span<const std::int32_t> labels, std::uint64_t seed) {
  return [classes = by_class(rows, labels), seed](std::int64_t epoch) {
    Rng rng = rng_of(seed, epoch);
    std::vector<std::pair<double, std::int64_t>> placed;
    for (auto [label, members] : classes) {
      for (std::size_t left = members.size(); left > 1; --left) std::swap(members[left - 1], members[rng.below(left)]);
      // At even distances over the epoch, from a place of its own.
      const double offset = rng.uniform();
      for (std::size_t i = 0; i < members.size(); ++i)
        placed.emplace_back((static_cast<double>(i) + offset) / static_cast<double>(members.size()), members[i]);
    }
    std::ranges::stable_sort(placed, {}, &std::pair<double, std::int64_t>::first);
    std::vector<std::int64_t> order;
    for (const auto& [place, row] : placed) order.push_back(row);
    return order;
  };
}

Sampler by_length(std::vector<std::int64_t> rows, std::span<const std::int64_t> lengths, std::int64_t batch_size,
                  std::uint64_t seed) {
  check_rows(rows, std::ssize(lengths));
  if (batch_size < 1) throw ValueError(fmt::format("sampler::by_length: a batch size of {}", batch_size));
  const std::vector<std::int64_t> all(lengths.begin(), lengths.end());
  return [rows = std::move(rows), all, batch_size, seed](std::int64_t epoch) {
    std::vector<std::int64_t> sorted = rows;
    shuffle(sorted, seed, stream_of(epoch));
    std::ranges::stable_sort(sorted, {}, [&](std::int64_t row) { return all[static_cast<std::size_t>(row)]; });
    std::vector<std::int64_t> batches = all_rows(std::ssize(sorted) / batch_size), order;
    shuffle(batches, seed, stream_of(epoch));
    const auto append = [&](std::int64_t begin, std::int64_t end) {
      order.insert(order.end(), sorted.begin() + begin, sorted.begin() + end);
    };
    for (const std::int64_t batch : batches) append(batch * batch_size, (batch + 1) * batch_size);
    append(std::ssize(order), std::ssize(sorted));
    return order;
  };
}

}  // namespace tapegrad::data::sampler
