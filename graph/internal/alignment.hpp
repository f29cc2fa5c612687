#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tapegrad::graph {

/// The pairs of positions of a longest common subsequence, ascending. Sequences that differ in very many places are
/// matched from both ends only, so that the work stays bounded.
std::vector<std::pair<std::uint32_t, std::uint32_t>> align(std::span<const std::uint32_t> a,
                                                           std::span<const std::uint32_t> b);

}  // namespace tapegrad::graph
