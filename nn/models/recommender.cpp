#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/nn/models/recommender.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {

Recommender::Recommender(const RecommenderOptions& options)
    : features(*this, "features", zeros({options.items, options.features})),
      mean(*this, "mean", zeros({1})),
      bias(*this, "bias", zeros({options.items})),
      factors(*this, "factors",
              0.1 * randn({options.items, options.factors}, f32, options.rng ? *options.rng : default_rng())),
      log_scales(*this, "log_scales", log(tensor({0.3, 0.1, 1.0}))),
      prior(*this, "prior",
            {.features = options.features,
             .outputs = 1 + options.factors,
             .hidden = options.hidden,
             .dropout = options.dropout,
             .rng = options.rng}) {
  const NoGrad no_grad;
  mul_(prior.linear.weight, 0.1);  // covariances start small beside the noise
}

Recommender::Items Recommender::look_up(const Tensor& items) {
  const Tensor expected = prior(index_select(features, 0, items));
  return {mean + index_select(bias, 0, items) + select(expected, 1, 0),
          index_select(factors, 0, items) + slice(expected, 1, 1)};
}

Tensor Recommender::scale(std::int64_t which) const { return exp(select(log_scales, 0, which)); }

// [n, m] for times [n] and others [m].
Tensor Recommender::mood(const Tensor& times, const Tensor& others) const {
  const Tensor apart = cast(abs(unsqueeze(times, 1) - unsqueeze(others, 0)), f32);
  return scale(1) * exp(-apart / scale(2));
}

Tensor Recommender::covariance(const Items& items, const Tensor& times) const {
  return scale(0) + matmul(items.factors, transpose(items.factors)) + mood(times, times) + eye(times.size(0));
}

Tensor Recommender::leave_one_out(const Ratings& ratings) {
  const Items items = look_up(ratings.items);
  const Tensor precision = cholesky_inverse(cholesky(covariance(items, ratings.times)));
  return ratings.values - matmul(precision, ratings.values - items.means) / diagonal(precision);
}

Tensor Recommender::predict(const Ratings& known, const Tensor& items, const Tensor& times) {
  const Items asked = look_up(items);
  if (known.items.size(0) == 0) return asked.means;
  const Items rated = look_up(known.items);
  const Tensor residual = unsqueeze(known.values - rated.means, 1);
  const Tensor weights = squeeze(cholesky_solve(cholesky(covariance(rated, known.times)), residual), 1);
  return asked.means + scale(0) * sum(weights) + matmul(asked.factors, matmul(weights, rated.factors)) +
         matmul(mood(times, known.times), weights);
}

Tensor Recommender::penalty() const {
  constexpr double kBias = 7, kFactor = 350, kPrior = 10;
  Tensor total = kBias * sum(square(bias)) + kFactor * sum(square(factors)) + kPrior * sum(square(prior.linear.weight));
  for (const Linear& layer : prior.hidden) total = total + kPrior * sum(square(layer.weight));
  for (const Linear& layer : prior.correction) total = total + kPrior * sum(square(layer.weight));
  return total;
}

}  // namespace tapegrad::nn::models
