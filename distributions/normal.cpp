#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/distributions/distributions.hpp>
#include <tapegrad/distributions/internal/check.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::distributions {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;  // ln(2π) / 2

/// Σ ln l[i, i], which is half of ln det(l lᵀ).
Tensor log_diagonal(const Tensor& l) { return sum(log(diagonal(l)), {-1}); }

/// |l⁻¹ x|² of vectors x [..., n].
Tensor squared_length(const Tensor& l, const Tensor& x) {
  return sum(square(squeeze(triangular_solve(l, unsqueeze(x, -1)), -1)), {-1});
}

}  // namespace

Normal::Normal(const Tensor& mean, const Tensor& stddev) : mean_(mean), stddev_(stddev) {
  require_one_dtype("Normal", {mean, stddev});
  require_finite("Normal", "mean", mean);
  require_positive("Normal", "stddev", stddev);
  const Shape batch = broadcast_shapes("Normal", mean.shape(), stddev.shape());
  mean_ = broadcast_to(mean, batch);
  stddev_ = broadcast_to(stddev, batch);
}

Tensor Normal::variance() const { return square(stddev_); }

Tensor Normal::log_prob(const Tensor& x) const {
  return square((x - mean_) / stddev_) * -0.5 - log(stddev_) - kHalfLogTwoPi;
}

Tensor Normal::entropy() const { return log(stddev_) + (kHalfLogTwoPi + 0.5); }

Tensor Normal::sample(const Shape& shape, Rng& rng) const {
  const NoGrad unrecorded;
  return rsample(shape, rng);
}

Tensor Normal::rsample(const Shape& shape, Rng& rng) const {
  return mean_ + stddev_ * randn(drawn_shape(shape, mean_.shape()), mean_.dtype(), rng);
}

Tensor kl_divergence(const Normal& p, const Normal& q) {
  const Tensor ratio = p.stddev_ / q.stddev_;
  return (square(ratio) + square((p.mean_ - q.mean_) / q.stddev_) - 1) * 0.5 - log(ratio);
}

MultivariateNormal::MultivariateNormal(const Tensor& mean, const Tensor& l) : mean_(mean), l_(l) {
  require_one_dtype("MultivariateNormal", {mean, l});
  if (mean.rank() < 1 || l.rank() < 2 || l.shape()[-1] != l.shape()[-2] || l.shape()[-1] != mean.shape()[-1])
    throw ShapeError("MultivariateNormal: mean is " + to_string(mean.shape()) + " and l " + to_string(l.shape()) +
                     "; expected [..., n] and [..., n, n]");
  require_finite("MultivariateNormal", "mean", mean);
  require_positive("MultivariateNormal", "l's diagonal", diagonal(l));
  const std::int64_t n = mean.shape()[-1];
  const Shape batch = broadcast_shapes("MultivariateNormal", mean.shape().erase(mean.rank() - 1),
                                       l.shape().erase(l.rank() - 1).erase(l.rank() - 2));
  mean_ = broadcast_to(mean, batch.insert(batch.rank(), n));
  l_ = broadcast_to(tril(l), batch.insert(batch.rank(), n).insert(batch.rank() + 1, n));
}

Tensor MultivariateNormal::covariance() const { return matmul(l_, transpose(l_)); }

Tensor MultivariateNormal::log_prob(const Tensor& x) const {
  const auto n = static_cast<double>(mean_.shape()[-1]);
  return squared_length(l_, x - mean_) * -0.5 - log_diagonal(l_) - n * kHalfLogTwoPi;
}

Tensor MultivariateNormal::entropy() const {
  return log_diagonal(l_) + static_cast<double>(mean_.shape()[-1]) * (kHalfLogTwoPi + 0.5);
}

Tensor MultivariateNormal::sample(const Shape& shape, Rng& rng) const {
  const NoGrad unrecorded;
  return rsample(shape, rng);
}

Tensor MultivariateNormal::rsample(const Shape& shape, Rng& rng) const {
  const Tensor noise = randn(drawn_shape(shape, mean_.shape()), mean_.dtype(), rng);
  return mean_ + squeeze(matmul(l_, unsqueeze(noise, -1)), -1);
}

Tensor kl_divergence(const MultivariateNormal& p, const MultivariateNormal& q) {
  const auto n = static_cast<double>(p.mean_.shape()[-1]);
  const Tensor spread = sum(square(triangular_solve(q.l_, p.l_)), {-2, -1});
  return log_diagonal(q.l_) - log_diagonal(p.l_) + (spread + squared_length(q.l_, p.mean_ - q.mean_) - n) * 0.5;
}

}  // namespace tapegrad::distributions
