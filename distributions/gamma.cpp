#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/distributions/distributions.hpp>
#include <tapegrad/distributions/internal/check.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::distributions {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// ln of a Gamma(concentration, 1) number, by Marsaglia and Tsang (2000); a concentration below 1 is that of 1 more,
/// times u^(1 / concentration), which may underflow where its logarithm does not.
double log_gamma_number(double concentration, Rng& rng) {
  double shift = 0;
  if (concentration < 1) {
    shift = std::log1p(-rng.uniform()) / concentration;
    concentration += 1;
  }
  const double d = concentration - 1. / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = rng.normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log1p(-rng.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v) + shift;
  }
}

/// Logarithms of Gamma(concentration, 1) numbers, [shape…, batch…] in f64.
Tensor log_gamma_numbers(const Tensor& concentration, const Shape& shape, Rng& rng) {
  const Tensor all = broadcast_to(concentration.detach(), drawn_shape(shape, concentration.shape()));
  std::vector<double> numbers = all.values();
  for (double& v : numbers) v = log_gamma_number(v, rng);
  return copy_of(std::span<const double>(numbers), all.shape());
}

Tensor log_beta(const Tensor& a, const Tensor& b) { return lgamma(a) + lgamma(b) - lgamma(a + b); }

}  // namespace

Gamma::Gamma(const Tensor& concentration, const Tensor& rate) {
  require_one_dtype("Gamma", {concentration, rate});
  require_positive("Gamma", "concentration", concentration);
  require_positive("Gamma", "rate", rate);
  const Shape batch = broadcast_shapes("Gamma", concentration.shape(), rate.shape());
  concentration_ = broadcast_to(concentration, batch);
  rate_ = broadcast_to(rate, batch);
}

Tensor Gamma::mean() const { return concentration_ / rate_; }
Tensor Gamma::variance() const { return concentration_ / square(rate_); }

Tensor Gamma::log_prob(const Tensor& x) const {
  const Tensor inside = x >= 0, at = where(inside, x, 1);
  const Tensor density =
      xlogy(concentration_ - 1, at) + concentration_ * log(rate_) - lgamma(concentration_) - rate_ * at;
  return where(inside, density, -kInfinity);
}

Tensor Gamma::entropy() const {
  return concentration_ - log(rate_) + lgamma(concentration_) + (1 - concentration_) * digamma(concentration_);
}

Tensor Gamma::sample(const Shape& shape, Rng& rng) const {
  const NoGrad unrecorded;
  return cast(exp(log_gamma_numbers(concentration_, shape, rng)), rate_.dtype()) / rate_;
}

Tensor kl_divergence(const Gamma& p, const Gamma& q) {
  const Tensor &a = p.concentration_, &b = q.concentration_;
  return (a - b) * digamma(a) - lgamma(a) + lgamma(b) + b * log(p.rate_ / q.rate_) + a * (q.rate_ / p.rate_ - 1);
}

Beta::Beta(const Tensor& a, const Tensor& b) {
  require_one_dtype("Beta", {a, b});
  require_positive("Beta", "a", a);
  require_positive("Beta", "b", b);
  const Shape batch = broadcast_shapes("Beta", a.shape(), b.shape());
  a_ = broadcast_to(a, batch);
  b_ = broadcast_to(b, batch);
}

Tensor Beta::mean() const { return a_ / (a_ + b_); }
Tensor Beta::variance() const { return mean() * (b_ / (a_ + b_)) / (a_ + b_ + 1); }

Tensor Beta::log_prob(const Tensor& x) const {
  const Tensor inside = logical_and(x >= 0, x <= 1), at = where(inside, x, 0.5);
  return where(inside, xlogy(a_ - 1, at) + xlog1py(b_ - 1, -at) - log_beta(a_, b_), -kInfinity);
}

Tensor Beta::entropy() const {
  return log_beta(a_, b_) - (a_ - 1) * digamma(a_) - (b_ - 1) * digamma(b_) + (a_ + b_ - 2) * digamma(a_ + b_);
}

Tensor Beta::sample(const Shape& shape, Rng& rng) const {
  const NoGrad unrecorded;
  const Tensor first = log_gamma_numbers(a_, shape, rng), second = log_gamma_numbers(b_, shape, rng);
  return cast(sigmoid(first - second), a_.dtype());
}

Tensor kl_divergence(const Beta& p, const Beta& q) {
  const Tensor more_a = p.a_ - q.a_, more_b = p.b_ - q.b_;
  return log_beta(q.a_, q.b_) - log_beta(p.a_, p.b_) + more_a * digamma(p.a_) + more_b * digamma(p.b_) -
         (more_a + more_b) * digamma(p.a_ + p.b_);
}

Dirichlet::Dirichlet(const Tensor& concentration) : concentration_(concentration) {
  require_one_dtype("Dirichlet", {concentration});
  if (concentration.rank() < 1 || concentration.shape()[-1] == 0)
    throw ShapeError("Dirichlet: the concentration is " + to_string(concentration.shape()) +
                     "; expected [..., K] with K above 0");
  require_positive("Dirichlet", "concentration", concentration);
}

Tensor Dirichlet::mean() const { return concentration_ / sum(concentration_, {-1}, true); }

Tensor Dirichlet::variance() const {
  const Tensor share = mean();
  return share * (1 - share) / (sum(concentration_, {-1}, true) + 1);
}

namespace {

/// ln of what the density is divided by.
Tensor log_normalizer(const Tensor& concentration) {
  return sum(lgamma(concentration), {-1}) - lgamma(sum(concentration, {-1}));
}

}  // namespace

Tensor Dirichlet::log_prob(const Tensor& x) const {
  const Tensor inside = amin(x, {-1}, true) >= 0;
  const Tensor density = sum(xlogy(concentration_ - 1, where(inside, x, 1)), {-1}) - log_normalizer(concentration_);
  return where(squeeze(inside, -1), density, -kInfinity);
}

Tensor Dirichlet::entropy() const {
  const Tensor total = sum(concentration_, {-1});
  return log_normalizer(concentration_) + (total - static_cast<double>(concentration_.shape()[-1])) * digamma(total) -
         sum((concentration_ - 1) * digamma(concentration_), {-1});
}

Tensor Dirichlet::sample(const Shape& shape, Rng& rng) const {
  const NoGrad unrecorded;
  return cast(softmax(log_gamma_numbers(concentration_, shape, rng)), concentration_.dtype());
}

Tensor kl_divergence(const Dirichlet& p, const Dirichlet& q) {
  const Tensor &a = p.concentration_, &b = q.concentration_;
  const Tensor mean_log = digamma(a) - digamma(sum(a, {-1}, true));
  return log_normalizer(b) - log_normalizer(a) + sum((a - b) * mean_log, {-1});
}

}  // namespace tapegrad::distributions
