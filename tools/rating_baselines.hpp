#pragma once
// Yardsticks of recommenders.

#include <cstdint>
#include <span>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad::tools {

/// What a user gave an item, both by number.
struct Rating {
  std::int32_t user = 0, item = 0;
  double value = 0;
  double hours = 0;  ///< when, from 1970; 0 if that is not known
};

/// Ratings as mean + a user's bias + an item's bias + user · item, by alternating least squares: in turn, each user's
/// and each item's numbers are the best for the others as they stand, with a penalty on their squares for each rating
/// (Zhou et al. 2008). Without factors it is the biases alone.
struct AlternatingLeastSquares {
  struct Options {
    std::int64_t factors = 8;
    double penalty = 0.1;
    int rounds = 12;
    std::uint64_t seed = 1;
  };
  AlternatingLeastSquares(std::span<const Rating> ratings, std::int64_t users, std::int64_t items,
                          const Options& options);
  double predict(const Rating& asked) const;

  double mean = 0;
  std::int64_t width = 0;
  std::vector<double> users, items;  ///< [count, width]: the bias, then the factors
};

/// With the penalty that is best on the validation part, then fitted to both.
AlternatingLeastSquares fit_als(std::span<const Rating> train, std::span<const Rating> validation, std::int64_t users,
                                std::int64_t items, std::int64_t factors, std::uint64_t seed);

}  // namespace tapegrad::tools
