// A Gaussian process through noisy points of a sine: its length scale, amplitude and noise by the marginal likelihood,
// then what it predicts between the points (Rasmussen and Williams, "Gaussian Processes for Machine Learning",
// 2006, 2.2).

#include <cmath>
#include <iostream>
#include <tapegrad/tapegrad.hpp>

using namespace tapegrad;

namespace {

Tensor kernel(const Tensor& a, const Tensor& b, const Tensor& log_length, const Tensor& log_amplitude) {
  const Tensor distance = (unsqueeze(a, 1) - unsqueeze(b, 0)) / exp(log_length);
  return exp(2 * log_amplitude) * exp(-0.5 * square(distance));
}

}  // namespace

int main() {
  Rng rng(3);
  const Tensor x = linspace(0, 6, 25, f64), y = sin(x) + 0.1 * randn({25}, f64, rng);
  const Tensor length = parameter(scalar(0, f64), "length"), amplitude = parameter(scalar(0, f64), "amplitude");
  const Tensor noise = parameter(scalar(-1, f64), "noise");
  const auto covariance = [&] { return kernel(x, x, length, amplitude) + exp(2 * noise) * eye(25, f64); };

  optim::Lbfgs optimizer({{"length", length}, {"amplitude", amplitude}, {"noise", noise}});
  const auto result = optimizer.step([&] {
    const distributions::MultivariateNormal prior(zeros({25}, f64), cholesky(covariance()));
    return -prior.log_prob(y);
  });
  std::cout << "log-likelihood " << -result.loss << ", length " << std::exp(length.item()) << ", noise "
            << std::exp(noise.item()) << '\n';

  const NoGrad unrecorded;
  const Tensor between = linspace(0.1, 5.9, 7, f64), l = cholesky(covariance());
  const Tensor shared = kernel(between, x, length, amplitude);
  const Tensor mean = matmul(shared, cholesky_solve(l, unsqueeze(y, 1)));
  const double furthest = amax(abs(squeeze(mean, 1) - sin(between))).item();
  std::cout << "furthest from the sine between the points: " << furthest << '\n';
  return furthest < 0.15 && std::abs(std::exp(noise.item()) - 0.1) < 0.05 ? 0 : 1;
}
