// The examples of docs/derivatives.md and docs/distributions.md.

#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/distributions/distributions.hpp>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad::tests {
namespace {

// Lines as they are on the page.
// clang-format off
TEST(DerivativesPage, ShowsDerivativesOfFunctions) {
auto f = [](const Tensor& w) { return sum(exp(w) * w); };
Tensor w = tensor({1, 2}, f64), v = tensor({1, 0}, f64);
auto [value, change] = jvp(f, w, v);
Tensor h = hessian(f, w);
Tensor hv = hvp(f, w, v);
Tensor j = jacobian([](const Tensor& x) { return square(x); }, w);
  EXPECT_NEAR(change.item(), 2 * std::exp(1), 1e-12);
  EXPECT_NEAR(h.at({1, 1}), 4 * std::exp(2), 1e-12);
  EXPECT_NEAR(hv.at({0}), 3 * std::exp(1), 1e-12);
  EXPECT_EQ(j.values(), (std::vector<double>{2, 0, 0, 4}));
}

TEST(DerivativesPage, ShowsGradientsOfGradients) {
Tensor x = parameter(scalar(3, f64), "x");
Tensor first = grad(pow(x, 4), x, {.create_graph = true});
Tensor second = grad(first, x);
  EXPECT_NEAR(second.item(), 108, 1e-12);
}

TEST(DerivativesPage, ShowsGradientsOfSamples) {
  const Tensor inputs = tensor({{1, 2}, {3, 4}}, f64), targets = tensor({{0}, {1}}, f64);
  Tensor weight = parameter(tensor({{1}, {1}}, f64), "weight");
auto losses = [&](const Tensor& one) { return sum(square(matmul(inputs, one) - targets), {1}); };
Tensor each = jacobian(losses, weight);  // [samples, …]: a gradient for each sample
  EXPECT_EQ(each.values(), (std::vector<double>{6, 12, 36, 48}));

Tensor y = checkpoint([&](const Tensor& in) { return tanh(matmul(in, weight)); }, inputs);
  EXPECT_EQ(y.shape(), (Shape{2, 1}));

weight.register_hook([](const Tensor& g) { return g * 0.1; });  // its gradient, as it arrives
  sum(losses(weight)).backward();
  EXPECT_NEAR(weight.grad().at({0, 0}), 4.2, 1e-12);
const NoGrad off;                                               // nothing is recorded until the end of the block
  EXPECT_FALSE(losses(weight).requires_grad());
}

TEST(DistributionsPage, ShowsWhatRuns) {
  Rng rng(1);
Tensor mean = parameter(scalar(0.5, f64), "mean");
distributions::Normal p(mean, scalar(2, f64)), q(scalar(0, f64), scalar(1, f64));
Tensor likely = p.log_prob(scalar(1, f64));
Tensor x = p.rsample({3}, rng);  // differentiable in mean and deviation; sample() is not
kl_divergence(p, q).backward();
  EXPECT_NEAR(mean.grad().item(), 0.5, 1e-12);
  EXPECT_NEAR(likely.item(), -1.643335713765, 1e-11);
  EXPECT_EQ(x.shape(), Shape{3});
}
// clang-format on

}  // namespace
}  // namespace tapegrad::tests
