#pragma once
// A recommender: what a user will think of an item, from what the user thought of others.
//
// The opinions of one user are a draw of a Gaussian process over items and times (Rasmussen and Williams 2006), whose
// mean and covariance all users share:
//
//   mean of item i        μ + b_i + prior(features of i)
//   covariance of (i, s) and (j, t)
//                         c + q_i · q_j + m exp(-|s - t| / τ), q_i = factors of i + prior(features of i)
//
// c lets a user be generous, q_i · q_j carries over from item to like item, and m is the mood of an hour. `prior` is a
// linear layer and an mlp, so that an item that nobody has rated is known by its features. Given ratings, what is
// expected follows by one solve: nothing is kept of users, and a new one needs no training.

#include <limits>
#include <tapegrad/nn/models/setting.hpp>
#include <tapegrad/nn/models/table_model.hpp>
#include <vector>

namespace tapegrad::nn::models {

/// Sizes of a Recommender.
struct RecommenderOptions {
  std::int64_t items = 0;
  std::int64_t features = 0;
  std::int64_t factors = 16;
  std::vector<std::int64_t> hidden{32};
  double dropout = 0;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the generator, and the items and features, which are kept by name.
  static constexpr auto fields() {
    using Self = RecommenderOptions;
    return std::tuple{Setting{"factors", &Self::factors, "Of an item: what its covariances are the products of"},
                      Setting{"hidden", &Self::hidden, "Widths of the hidden layers over an item's features"},
                      Setting{"dropout", &Self::dropout, "After each hidden layer"}};
  }
};

/// Of one user.
struct Ratings {
  Tensor items;   ///< i64 [n]
  Tensor times;   ///< f64 [n], in hours since whenever
  Tensor values;  ///< f32 [n]
};

/// What users will think of items, from what they thought of others.
struct Recommender : Module {
  /// ValueError if a size is below 1.
  explicit Recommender(const RecommenderOptions& options);

  /// What is expected of each rating [n] when all others of the user are known (Sundararajan and Keerthi 2001). Its
  /// distance from the ratings is what to train by.
  Tensor leave_one_out(const Ratings& ratings);

  /// What is expected of the items i64 [m] at the times f64 [m], or [1] for all: f32 [m]. `known` may be empty.
  Tensor predict(const Ratings& known, const Tensor& items, const Tensor& times);

  /// Sum of the parameters' squares, each times the precision that it is expected with, the ratings' noise being 1: to
  /// be added to the squared errors' sum over all ratings.
  Tensor penalty() const;

  Buffer features;       ///< [items, features]
  Parameter mean;        ///< μ, [1]
  Parameter bias;        ///< [items]
  Parameter factors;     ///< [items, factors]
  Parameter log_scales;  ///< ln c, ln m, ln τ, with c and m in units of the noise's variance, τ in hours
  TableModel prior;

 private:
  struct Items {
    Tensor means, factors;  ///< [n], [n, factors]
  };
  Items look_up(const Tensor& items);
  Tensor scale(std::int64_t which) const;
  Tensor mood(const Tensor& times, const Tensor& others) const;
  Tensor covariance(const Items& items, const Tensor& times) const;
};

}  // namespace tapegrad::nn::models
