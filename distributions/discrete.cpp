#include <algorithm>
#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/distributions/distributions.hpp>
#include <tapegrad/distributions/internal/check.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/sampling.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::distributions {

Bernoulli::Bernoulli(const Tensor& logits) : logits_(logits) {
  require_one_dtype("Bernoulli", {logits});
  require_finite("Bernoulli", "logits", logits);
}

Tensor Bernoulli::mean() const { return sigmoid(logits_); }
Tensor Bernoulli::variance() const { return sigmoid(logits_) * sigmoid(-logits_); }

Tensor Bernoulli::log_prob(const Tensor& x) const {
  const std::vector<double> values = x.values();
  const auto other = std::ranges::find_if(values, [](double v) { return v != 0 && v != 1; });
  if (other != values.end())
    throw ValueError("Bernoulli::log_prob: element " + std::to_string(other - values.begin()) + " of x is " +
                     std::to_string(*other) + "; expected 0 or 1");
  return where(x != 0, log_sigmoid(logits_), log_sigmoid(-logits_));
}

Tensor Bernoulli::entropy() const { return softplus(logits_) - logits_ * sigmoid(logits_); }

Tensor Bernoulli::sample(const Shape& shape, Rng& rng) const {
  const NoGrad unrecorded;
  return bernoulli(broadcast_to(mean(), drawn_shape(shape, logits_.shape())), rng);
}

Tensor kl_divergence(const Bernoulli& p, const Bernoulli& q) {
  return sigmoid(p.logits_) * (p.logits_ - q.logits_) + softplus(q.logits_) - softplus(p.logits_);
}

Categorical::Categorical(const Tensor& logits) {
  require_one_dtype("Categorical", {logits});
  if (logits.rank() < 1 || logits.shape()[-1] == 0)
    throw ShapeError("Categorical: logits are " + to_string(logits.shape()) + "; expected [..., C] with C above 0");
  const std::vector<double> most = amax(logits.detach(), {-1}).values();
  if (!std::ranges::all_of(most, [](double v) { return std::isfinite(v); }))
    throw ValueError("Categorical: a row of logits holds NaN or +inf, or nothing but -inf; expected finite numbers");
  log_shares_ = log_softmax(logits);
}

Tensor Categorical::probabilities() const { return exp(log_shares_); }

Tensor Categorical::log_prob(const Tensor& classes) const {
  const Shape batch =
      broadcast_shapes("Categorical::log_prob", classes.shape(), log_shares_.shape().erase(log_shares_.rank() - 1));
  const Tensor shares = broadcast_to(log_shares_, batch.insert(batch.rank(), log_shares_.shape()[-1]));
  return squeeze(gather(shares, -1, unsqueeze(broadcast_to(classes, batch), -1)), -1);
}

Tensor Categorical::entropy() const {
  const Tensor shares = probabilities();
  return -sum(where(shares == 0, 0, shares * log_shares_), {-1});
}

Tensor Categorical::sample(const Shape& shape, Rng& rng) const {
  const NoGrad unrecorded;
  return categorical(broadcast_to(log_shares_, drawn_shape(shape, log_shares_.shape())), rng);
}

Tensor kl_divergence(const Categorical& p, const Categorical& q) {
  const Tensor shares = p.probabilities();
  return sum(where(shares == 0, 0, shares * (p.log_shares_ - q.log_shares_)), {-1});
}

}  // namespace tapegrad::distributions
