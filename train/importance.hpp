#pragma once
// Which features a trained model relies on.

#include <functional>
#include <span>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/data/table.hpp>
#include <vector>

namespace tapegrad::train {

/// Of permutation_importance().
struct PermutationOptions {
  std::int64_t repeats = 5;  ///< shuffles a group, of which the mean is taken
  std::uint64_t seed = 1;
};

/// How much `cost` of the inputs [N, features] rises when the rows of a group's features are shuffled, group by group:
/// Breiman 2001; Fisher, Rudin and Dominici 2019. Features that tell the same share what they are worth. ValueError for
/// fewer than 1 repeat, IndexError for groups outside of the inputs.
std::vector<double> permutation_importance(const std::function<double(const Tensor& inputs)>& cost,
                                           const Tensor& inputs, std::span<const data::FeatureGroup> groups,
                                           const PermutationOptions& options = {});

}  // namespace tapegrad::train
