#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/distributions/distributions.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad::distributions {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pointwise;

Tensor numbers(std::initializer_list<double> values) { return tensor(values, f64); }
auto are(const std::vector<double>& wanted) { return Pointwise(DoubleNear(1e-11), wanted); }

const Tensor kFirst = tensor({2, 0, 0.5, 1}, {2, 2}, f64), kSecond = tensor({1, 0, -0.2, 3}, {2, 2}, f64);

// Densities, entropies and divergences of PyTorch 1.13.
TEST(Distributions, AgreeWithPyTorch) {
  const Normal p(numbers({0.5, -1}), numbers({2, 0.3})), q(numbers({1, 0}), numbers({1, 1}));
  EXPECT_THAT(p.log_prob(numbers({1, -0.7})).values(), are({-1.643335713765, -0.2149657288787}));
  EXPECT_THAT(p.entropy().values(), are({2.112085713765, 0.2149657288787}));
  EXPECT_THAT(kl_divergence(p, q).values(), are({0.9318528194401, 1.248972804326}));

  const Bernoulli coin(numbers({0.5, -3})), other_coin(numbers({-1, 2}));
  EXPECT_THAT(coin.log_prob(numbers({1, 0})).values(), are({-0.4740769841801, -0.04858735157374}));
  EXPECT_THAT(coin.entropy().values(), are({0.6628473185792, 0.1908649711064}));
  EXPECT_THAT(kl_divergence(coin, other_coin).values(), are({0.2728737001409, 1.841211293581}));
  EXPECT_THAT(coin.variance().values(), are({0.2350037122016, 0.04517665973091}));

  const Categorical die(numbers({0.1, 2, -1})), other_die(numbers({1, 0, 0.5}));
  EXPECT_THAT(die.log_prob(tensor({2}, i64)).values(), are({-3.181784485589}));
  EXPECT_THAT(die.entropy().values(), are({0.5432632246424}));
  EXPECT_THAT(kl_divergence(die, other_die).values(), are({0.9915432150232}));

  const Gamma wait(numbers({0.7, 3}), numbers({2, 0.5})), other_wait(numbers({1.5, 2}), numbers({1, 1}));
  EXPECT_THAT(wait.log_prob(numbers({0.3, 7})).values(), are({-0.01447237884192, -2.380768424129}));
  EXPECT_THAT(wait.entropy().values(), are({-0.09828700013766, 2.540725690923}));
  EXPECT_THAT(kl_divergence(wait, other_wait).values(), are({1.284090129631, 1.843342793419}));

  const Beta share(numbers({0.7, 3}), numbers({2, 0.5})), other_share(numbers({1.5, 2}), numbers({1, 1}));
  EXPECT_THAT(share.log_prob(numbers({0.3, 0.9})).values(), are({0.1784702044825, 0.8760329940438}));
  EXPECT_THAT(share.entropy().values(), are({-0.4049964900375, -1.108050201102}));
  EXPECT_THAT(kl_divergence(share, other_share).values(), are({1.007934743274, 0.595275326089}));
  EXPECT_THAT(share.variance().values(), are({0.05190375560746, 0.02721088435374}));

  const Dirichlet parts(numbers({0.7, 3, 2})), other_parts(numbers({1.5, 2, 1}));
  EXPECT_THAT(parts.log_prob(numbers({0.2, 0.3, 0.5})).values(), are({0.7116918124584}));
  EXPECT_THAT(parts.entropy().values(), are({-1.508800928233}));
  EXPECT_THAT(kl_divergence(parts, other_parts).values(), are({1.096794212123}));
  EXPECT_THAT(parts.variance().values(), are({0.01607842596804, 0.03721007152603, 0.03399438633242}));

  const MultivariateNormal cloud(numbers({1, 2}), kFirst), other_cloud(numbers({0, 0}), kSecond);
  EXPECT_THAT(cloud.log_prob(numbers({0.5, 1})).values(), are({-2.945086746969}));
  EXPECT_THAT(cloud.entropy().values(), are({3.531024246969}));
  EXPECT_THAT(kl_divergence(cloud, other_cloud).values(), are({2.274909552553}));
  EXPECT_THAT(cloud.covariance().values(), are({4, 1, 1, 1.25}));
}

TEST(Distributions, DivergeFromThemselvesByNothing) {
  const Tensor a = numbers({0.3, 5}), b = numbers({2, 0.9});
  EXPECT_THAT(kl_divergence(Normal(a, b), Normal(a, b)).values(), Each(DoubleNear(0, 1e-12)));
  EXPECT_THAT(kl_divergence(Gamma(a, b), Gamma(a, b)).values(), Each(DoubleNear(0, 1e-12)));
  EXPECT_THAT(kl_divergence(Beta(a, b), Beta(a, b)).values(), Each(DoubleNear(0, 1e-12)));
  EXPECT_NEAR(kl_divergence(Dirichlet(a), Dirichlet(a)).item(), 0, 1e-12);
  EXPECT_NEAR(kl_divergence(MultivariateNormal(a, kFirst), MultivariateNormal(a, kFirst)).item(), 0, 1e-12);
}

TEST(Distributions, HaveCorrectGradients) {
  using testing::HasCorrectGradients;
  const Tensor a = numbers({0.7, 3}), b = numbers({2, 0.5}), x = numbers({0.3, 0.8});
  const auto of = [](auto make) {
    return [make](const Tensor& p, const Tensor& q, const Tensor& at) {
      const auto one = make(p, q);
      return one.log_prob(at) + one.entropy() + kl_divergence(one, make(q, p));
    };
  };
  EXPECT_THAT(of([](const Tensor& p, const Tensor& q) { return Normal(p, q); }),
              HasCorrectGradients({a, b, x}, {.order = 2}));
  EXPECT_THAT(of([](const Tensor& p, const Tensor& q) { return Gamma(p, q); }),
              HasCorrectGradients({a, b, x}, {.order = 2}));
  EXPECT_THAT(of([](const Tensor& p, const Tensor& q) { return Beta(p, q); }),
              HasCorrectGradients({a, b, x}, {.order = 2}));
  EXPECT_THAT([&](const Tensor& p, const Tensor& at) { return Dirichlet(p).log_prob(at) + Dirichlet(p).entropy(); },
              HasCorrectGradients({a, x}, {.order = 2}));
  EXPECT_THAT(
      [&](const Tensor& p) {
        return Bernoulli(p).log_prob(numbers({1, 0})) + Bernoulli(p).entropy();
      },
      HasCorrectGradients({a}, {.order = 2}));
  EXPECT_THAT(
      [&](const Tensor& p) {
        return Categorical(p).log_prob(tensor({1, 0}, i64)) + Categorical(p).entropy();
      },
      HasCorrectGradients({a}, {.order = 2}));
  EXPECT_THAT(
      [&](const Tensor& mean, const Tensor& l, const Tensor& at) {
        const MultivariateNormal one(mean, l);
        return one.log_prob(at) + one.entropy() + kl_divergence(one, MultivariateNormal(at, tril(l) + 1));
      },
      HasCorrectGradients({a, kFirst, x}, {.order = 2}));
}

/// Mean and variance of draws, within five standard errors.
template <class D>
void expect_moments(const D& distribution) {
  constexpr std::int64_t kDraws = 20'000;
  Rng rng(11);
  const Tensor drawn = distribution.sample({kDraws}, rng);
  EXPECT_FALSE(drawn.requires_grad());
  const std::vector<double> means = mean(drawn, {0}).values(), wanted = distribution.mean().values(),
                            variances = var(drawn, {0}).values(), spread = distribution.variance().values();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(means[i], wanted[i], 5 * std::sqrt(spread[i] / kDraws));
    EXPECT_NEAR(variances[i], spread[i], spread[i] * 0.15);
  }
}

TEST(Distributions, DrawWhatTheySay) {
  expect_moments(Normal(numbers({0.5, -1}), numbers({2, 0.3})));
  expect_moments(Bernoulli(numbers({0.5, -3})));
  expect_moments(Gamma(numbers({0.2, 3}), numbers({2, 0.5})));
  expect_moments(Beta(numbers({0.1, 3}), numbers({0.2, 0.5})));
  expect_moments(Dirichlet(numbers({0.7, 3, 2})));

  Rng rng(12);
  const Categorical die(numbers({0.1, 2, -INFINITY}));
  const Tensor counts = bincount(die.sample({20'000}, rng), 3) / 20'000.;
  EXPECT_THAT(counts.values(), Pointwise(DoubleNear(0.02), die.probabilities().values()));

  const MultivariateNormal cloud(numbers({1, 2}), kFirst);
  const Tensor drawn = cloud.sample({20'000}, rng), off = drawn - cloud.mean();
  EXPECT_THAT((matmul(transpose(off), off) / 20'000.).values(),
              Pointwise(DoubleNear(0.12), cloud.covariance().values()));
}

TEST(Distributions, GiveGradientsThroughTheirDraws) {
  const Tensor mean = parameter(numbers({0.5})), stddev = parameter(numbers({2}));
  Rng rng(13), same(13);
  const Tensor x = Normal(mean, stddev).rsample({3}, rng), noise = randn({3, 1}, f64, same);
  const auto slopes = grad(sum(x), {mean, stddev});
  EXPECT_THAT(slopes[0].values(), ElementsAre(3));
  EXPECT_NEAR(slopes[1].item(), sum(noise).item(), 1e-12);
  const Tensor l = parameter(kFirst);
  const Tensor y = MultivariateNormal(numbers({1, 2}), l).rsample({5}, rng);
  EXPECT_EQ(y.shape(), (Shape{5, 2}));
  EXPECT_NE(grad(sum(y), l).values()[0], 0);
}

TEST(Distributions, KnowTheirSupport) {
  const Tensor one = numbers({1});
  EXPECT_EQ(Gamma(one, one).log_prob(numbers({-0.1})).item(), -INFINITY);
  EXPECT_EQ(Beta(one, one).log_prob(numbers({1.1})).item(), -INFINITY);
  EXPECT_EQ(Beta(one, one).log_prob(numbers({1})).item(), 0);
  EXPECT_EQ(Dirichlet(numbers({1, 1})).log_prob(numbers({-0.5, 1.5})).item(), -INFINITY);
  EXPECT_THROW(Bernoulli(one).log_prob(numbers({0.5})), ValueError);
  EXPECT_THROW(Categorical(numbers({0, 0})).log_prob(tensor({2}, i64)), IndexError);
}

TEST(Distributions, RefuseParametersThatCannotBe) {
  const Tensor one = numbers({1});
  EXPECT_THROW(Normal(one, numbers({0})), ValueError);
  EXPECT_THROW(Normal(numbers({NAN}), one), ValueError);
  EXPECT_THROW(Normal(one, tensor({1}, f32)), DTypeError);
  EXPECT_THROW(Gamma(numbers({-1}), one), ValueError);
  EXPECT_THROW(Beta(one, numbers({INFINITY})), ValueError);
  EXPECT_THROW(Categorical(numbers({-INFINITY})), ValueError);
  EXPECT_THROW(Dirichlet(zeros({0}, f64)), ShapeError);
  EXPECT_THROW(MultivariateNormal(numbers({1, 2, 3}), kFirst), ShapeError);
  EXPECT_THROW(MultivariateNormal(numbers({1, 2}), -kFirst), ValueError);
}

}  // namespace
}  // namespace tapegrad::distributions
