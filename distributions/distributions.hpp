#pragma once
// Probability distributions. Parameters broadcast against one another to the batch's shape; those of one distribution
// have one floating dtype. Constructors check the values: ValueError names the parameter.
//
// log_prob(x) is recorded, with gradients for x, where it is continuous, and the parameters; x broadcasts to the batch.
// It is -inf outside the support, and a density where x is continuous. sample(shape, rng) draws [shape…, batch…]
// without a gradient; rsample() is a function of the parameters too, where the distribution has that form (Kingma and
// Welling, 2014).

#include <tapegrad/core/random.hpp>

namespace tapegrad::distributions {

/// N(mean, stddev²) of each element.
class Normal {
 public:
  Normal(const Tensor& mean, const Tensor& stddev);
  Tensor mean() const { return mean_; }
  Tensor variance() const;
  Tensor log_prob(const Tensor& x) const;
  Tensor entropy() const;
  Tensor sample(const Shape& shape = {}, Rng& rng = default_rng()) const;
  Tensor rsample(const Shape& shape = {}, Rng& rng = default_rng()) const;
  friend Tensor kl_divergence(const Normal& p, const Normal& q);

 private:
  Tensor mean_, stddev_;
};

/// N(mean, l lᵀ): mean [..., n], and l [..., n, n] lower triangular with a positive diagonal, as cholesky() gives it.
class MultivariateNormal {
 public:
  MultivariateNormal(const Tensor& mean, const Tensor& l);
  Tensor mean() const { return mean_; }
  Tensor covariance() const;
  /// Of vectors x [..., n].
  Tensor log_prob(const Tensor& x) const;
  Tensor entropy() const;
  Tensor sample(const Shape& shape = {}, Rng& rng = default_rng()) const;
  Tensor rsample(const Shape& shape = {}, Rng& rng = default_rng()) const;
  friend Tensor kl_divergence(const MultivariateNormal& p, const MultivariateNormal& q);

 private:
  Tensor mean_, l_;
};

/// 1 with probability sigmoid(logits), else 0.
class Bernoulli {
 public:
  explicit Bernoulli(const Tensor& logits);
  Tensor mean() const;
  Tensor variance() const;
  /// Of zeros and ones of the logits' dtype; ValueError for other numbers.
  Tensor log_prob(const Tensor& x) const;
  Tensor entropy() const;
  Tensor sample(const Shape& shape = {}, Rng& rng = default_rng()) const;
  friend Tensor kl_divergence(const Bernoulli& p, const Bernoulli& q);

 private:
  Tensor logits_;
};

/// One of C classes, with probabilities softmax(logits) of logits [..., C]; -inf is a class that is never drawn.
class Categorical {
 public:
  explicit Categorical(const Tensor& logits);
  Tensor probabilities() const;
  /// Of classes, i64 or i32; IndexError outside [0, C).
  Tensor log_prob(const Tensor& classes) const;
  Tensor entropy() const;
  /// i64.
  Tensor sample(const Shape& shape = {}, Rng& rng = default_rng()) const;
  friend Tensor kl_divergence(const Categorical& p, const Categorical& q);

 private:
  Tensor log_shares_;
};

/// Density rate^a x^(a - 1) exp(-rate x) / Γ(a) for x ≥ 0, where a is the concentration.
class Gamma {
 public:
  Gamma(const Tensor& concentration, const Tensor& rate);
  Tensor mean() const;
  Tensor variance() const;
  Tensor log_prob(const Tensor& x) const;
  Tensor entropy() const;
  Tensor sample(const Shape& shape = {}, Rng& rng = default_rng()) const;
  friend Tensor kl_divergence(const Gamma& p, const Gamma& q);

 private:
  Tensor concentration_, rate_;
};

/// Density proportional to x^(a - 1) (1 - x)^(b - 1) on [0, 1].
class Beta {
 public:
  Beta(const Tensor& a, const Tensor& b);
  Tensor mean() const;
  Tensor variance() const;
  Tensor log_prob(const Tensor& x) const;
  Tensor entropy() const;
  Tensor sample(const Shape& shape = {}, Rng& rng = default_rng()) const;
  friend Tensor kl_divergence(const Beta& p, const Beta& q);

 private:
  Tensor a_, b_;
};

/// Shares of a whole, [..., K], with density proportional to Π x^(a - 1) of concentrations a [..., K].
class Dirichlet {
 public:
  explicit Dirichlet(const Tensor& concentration);
  Tensor mean() const;
  Tensor variance() const;
  Tensor log_prob(const Tensor& x) const;
  Tensor entropy() const;
  Tensor sample(const Shape& shape = {}, Rng& rng = default_rng()) const;
  friend Tensor kl_divergence(const Dirichlet& p, const Dirichlet& q);

 private:
  Tensor concentration_;
};

// The Kullback-Leibler divergence, E over p of ln p - ln q.
Tensor kl_divergence(const Normal& p, const Normal& q);
Tensor kl_divergence(const MultivariateNormal& p, const MultivariateNormal& q);
Tensor kl_divergence(const Bernoulli& p, const Bernoulli& q);
Tensor kl_divergence(const Categorical& p, const Categorical& q);
Tensor kl_divergence(const Gamma& p, const Gamma& q);
Tensor kl_divergence(const Beta& p, const Beta& q);
Tensor kl_divergence(const Dirichlet& p, const Dirichlet& q);

}  // namespace tapegrad::distributions
