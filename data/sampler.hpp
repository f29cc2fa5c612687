#pragma once
// Which rows an epoch has, and in which order.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tapegrad::data {

/// The rows of epoch `number`, from 0, in the order in which batches take them. They follow from the number alone, so
/// that a training can be taken up anywhere.
using Sampler = std::function<std::vector<std::int64_t>(std::int64_t number)>;

/// Labels and weights are those of all rows of a data set, of which `rows` are drawn from. Each throws IndexError if
/// one of `rows` has none.
namespace sampler {

Sampler in_order(std::vector<std::int64_t> rows);
/// Each row once.
Sampler shuffled(std::vector<std::int64_t> rows, std::uint64_t seed);
/// Draws `draws` rows an epoch, each time with a probability in proportion to its weight: rows come several times, or
/// not at all. ValueError if a weight is negative or not finite, or all are 0.
Sampler weighted(std::vector<std::int64_t> rows, std::span<const double> weights, std::int64_t draws,
                 std::uint64_t seed);
/// As many draws as there are rows, each class as likely as any other.
Sampler balanced(std::vector<std::int64_t> rows, std::span<const std::int32_t> labels, std::uint64_t seed);
/// Each row once, in a random order in which the classes are spread evenly: any stretch of it, so any batch, has of
/// each class what the data set has, give or take one.
Sampler stratified(std::vector<std::int64_t> rows, std::span<const std::int32_t> labels, std::uint64_t seed);

}  // namespace sampler
}  // namespace tapegrad::data
